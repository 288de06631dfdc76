// A block of CUDA threads on one host thread: each is a fiber that runs until it waits at a barrier. Blocks run one
// after the other. What a GPU leaves undefined is made to fail: shared memory starts as poison, and a barrier that
// some threads never reach ends the process.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#define FOCUS_ON_HOST
#define DEVICE inline
#define SHARED_ARRAY(type, name) type *name = reinterpret_cast<type *>(host::shared.data())
#define __global__
#define __shared__ static
#define __launch_bounds__(...)

namespace host {

struct Size {
    unsigned x = 1, y = 1;
};

constexpr unsigned LANES = 32;
constexpr std::size_t STACK = 64 * 1024;

struct Barrier {
    unsigned expected = 0, here = 0;
    unsigned long passed = 0;
};

struct Fiber {
    ucontext_t context;  // entered once; from then on it is left and taken up by jumps, which ask nothing of the kernel
    jmp_buf place;
    bool begun = false;
    std::unique_ptr<char[]> stack{new char[STACK]};
    Size index;
    bool done = false;
};

inline jmp_buf scheduler_place;
inline std::vector<Fiber> fibers;
inline std::vector<Barrier> warps;
inline Barrier block;
inline std::vector<double> slots;
inline std::vector<char> shared;
inline std::function<void()> work;
inline unsigned current = 0;
inline unsigned long steps = 0;  // arrivals and ends: what the scheduler sees as progress

inline void yield() {
    if (!_setjmp(fibers[current].place)) _longjmp(scheduler_place, 1);
}

inline void resume(Fiber &fiber) {
    if (_setjmp(scheduler_place)) return;
    if (fiber.begun) _longjmp(fiber.place, 1);
    fiber.begun = true;
    setcontext(&fiber.context);
}

inline void release_if_full(Barrier &barrier) {
    if (barrier.expected && barrier.here >= barrier.expected) barrier.here = 0, ++barrier.passed;
}

inline void wait(Barrier &barrier) {
    const unsigned long passed = barrier.passed;
    ++barrier.here, ++steps;
    release_if_full(barrier);
    while (barrier.passed == passed) yield();
}

inline void run_fiber() {
    work();
    fibers[current].done = true;
    ++steps;
    for (Barrier *barrier : {&block, &warps[current / LANES]}) {  // an ended thread is waited for no longer
        --barrier->expected;
        release_if_full(*barrier);
    }
    _longjmp(scheduler_place, 1);
}

}  // namespace host

inline host::Size threadIdx, blockIdx, blockDim, gridDim;

namespace host {

inline void run_block() {
    const unsigned threads = blockDim.x * blockDim.y;
    if (fibers.size() < threads) fibers.resize(threads);
    warps.assign((threads + LANES - 1) / LANES, {});
    slots.assign(threads, 0.0);
    block = {threads, 0, 0};
    for (unsigned id = 0; id < threads; ++id) {
        Fiber &fiber = fibers[id];
        fiber.done = fiber.begun = false;
        fiber.index = {id % blockDim.x, id / blockDim.x};
        ++warps[id / LANES].expected;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, run_fiber, 0);
    }
    for (bool left = true; left;) {
        left = false;
        const unsigned long before = steps;
        for (unsigned id = 0; id < threads; ++id) {
            if (fibers[id].done) continue;
            current = id, threadIdx = fibers[id].index;
            resume(fibers[id]);
            left = left || !fibers[id].done;
        }
        if (left && steps == before) {
            std::fprintf(stderr, "threads of a block wait at a barrier that the others never reach\n");
            std::abort();
        }
    }
}

inline void run_grid(Size grid, Size threads, std::size_t bytes, std::function<void()> kernel) {
    gridDim = grid, blockDim = threads, work = std::move(kernel);
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
        for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) {
            shared.assign(bytes, static_cast<char>(0xff));  // NaN
            run_block();
        }
    }
}

// A kernel by its name: with the values that its arguments have at the launch.
using Bound = std::function<void()>;

template <typename... Arguments, std::size_t... I>
Bound bound(void (*kernel)(Arguments...), void **from, std::index_sequence<I...>) {
    return [kernel, values = std::make_tuple(*static_cast<std::remove_reference_t<Arguments> *>(from[I])...)] {
        std::apply(kernel, values);
    };
}

template <typename... Arguments>
std::function<Bound(void **)> callable(void (*kernel)(Arguments...)) {
    return [kernel](void **from) { return bound(kernel, from, std::index_sequence_for<Arguments...>{}); };
}

}  // namespace host

inline void __syncthreads() { host::wait(host::block); }
inline void __syncwarp() { host::wait(host::warps[host::current / host::LANES]); }

template <typename Number>
Number __shfl_xor_sync(unsigned, Number value, int apart) {
    const unsigned me = host::current;
    std::memcpy(&host::slots[me], &value, sizeof value);
    __syncwarp();
    const unsigned other = (me / host::LANES) * host::LANES + ((me % host::LANES) ^ static_cast<unsigned>(apart));
    std::memcpy(&value, &host::slots[other], sizeof value);
    __syncwarp();
    return value;
}

namespace focus {

inline float from_half(unsigned short bits) {
    _Float16 half;
    std::memcpy(&half, &bits, sizeof half);
    return static_cast<float>(half);
}

inline unsigned short to_half(float value) {
    const _Float16 half = static_cast<_Float16>(value);
    unsigned short bits;
    std::memcpy(&bits, &half, sizeof bits);
    return bits;
}

inline float not_a_number() { return std::nanf(""); }

}  // namespace focus
