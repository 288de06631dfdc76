// What the kernels share. Nothing is included, so that NVRTC compiles them without CUDA's headers; a host compiler
// compiles them too, where threads, warps and barriers are emulated (tests/support/cuda_on_host).
#pragma once

#ifndef FOCUS_ON_HOST
#define DEVICE __device__ __forceinline__
#define SHARED_ARRAY(type, name) extern __shared__ type name[]  // as large as the launch says
#endif

namespace focus {

using Half = unsigned short;  // the bits of an FP16 number
constexpr int WARP = 32;
constexpr unsigned EVERY_LANE = 0xffffffffu;
constexpr float LARGEST = 3.402823466e38f;  // beyond it there is no measurement

#ifndef FOCUS_ON_HOST
DEVICE float from_half(Half bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

DEVICE Half to_half(float value) {
    Half bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

DEVICE float not_a_number() { return __int_as_float(0x7fc00000); }
#endif

DEVICE float as_float(float value) { return value; }
DEVICE float as_float(Half bits) { return from_half(bits); }

DEVICE void store(float *place, float value) { *place = value; }
DEVICE void store(Half *place, float value) { *place = to_half(value); }

// Every lane gets the sum over its warp, always added in the same order.
template <typename Number>
DEVICE Number warp_sum(Number value) {
    for (int apart = WARP / 2; apart > 0; apart /= 2) value += __shfl_xor_sync(EVERY_LANE, value, apart);
    return value;
}

DEVICE float warp_max(float value) {
    for (int apart = WARP / 2; apart > 0; apart /= 2) {
        const float other = __shfl_xor_sync(EVERY_LANE, value, apart);
        value = other > value ? other : value;
    }
    return value;
}

}  // namespace focus
