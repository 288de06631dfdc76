// saliency: attention, contrast and weights -> the maps T, M and B of a window, and two figures of its attention; the
// reference is _reference.saliency.
//
// Bytes that must move, for H* heads, G groups, N patches, C bands: the shown class's attention (2 or 4 H* G N) and
// D (4 N C) in; 4 (N + C) out, and 4 C N with T. Both come twice, the second time from the L2 cache: M sums over bands and
// B takes the maximum over patches, and one launch has no place where all blocks meet. So some blocks do M, a warp a
// patch, others do B and T, a lane a band, and one does the figures. Each first makes P of the patches that it needs, once.
// No atomics.
#include "device.cuh"

namespace focus {

constexpr int THREADS = 512;
constexpr int WARPS = THREADS / WARP;
constexpr int CHUNK = 128;  // patches whose attention is held at a time; as in _saliency.py

struct Attention {
    const void *values;  // [H*, K, G, N]
    const void *sink;    // [H*, K, G]
    const void *logits;  // [K]
    int heads, classes, groups, patches;
};

// The class whose maps are shown: the one that was asked for, or the first of those with the highest logit.
template <typename Number>
DEVICE int shown_class(const Number *logits, int classes, int asked) {
    int best = 0;
    for (int index = 1; index < classes; ++index) {
        if (as_float(logits[index]) > as_float(logits[best])) best = index;
    }
    return asked >= 0 ? asked : best;
}

// Mean over the heads of one class's attention.
template <typename Number>
DEVICE float mean_attention(const Number *values, const Attention &size, int shown, int group, int patch) {
    float sum = 0.0f;
    for (int head = 0; head < size.heads; ++head) {
        const int row = (head * size.classes + shown) * size.groups + group;
        sum += as_float(values[static_cast<long long>(row) * size.patches + patch]);
    }
    return sum / static_cast<float>(size.heads);
}

// P of `count` patches from `first` on, by the whole block; held [CHUNK]. In between it holds [G, CHUNK].
template <typename Number>
DEVICE void hold_places(const Number *values, const Attention &size, const float *share, int shown, int first,
                        int count, float *held) {
    __syncthreads();  // what was held before has been used
    for (int item = threadIdx.x; item < size.groups * count; item += THREADS) {
        const int group = item / count, patch = item % count;
        held[group * CHUNK + patch] = share[group] * mean_attention(values, size, shown, group, first + patch);
    }
    __syncthreads();
    for (int patch = threadIdx.x; patch < count; patch += THREADS) {
        for (int group = 1; group < size.groups; ++group) held[patch] += held[group * CHUNK + patch];
    }
    __syncthreads();
}

// M of the patches from `first` on, a warp each.
template <typename Number>
DEVICE void heatmap_of(const Number *values, const Attention &size, const float *contrast, const float *weight,
                       const float *share, int bands, int shown, int first, float *held, float *heatmap) {
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, patch = first + warp;
    const int count = size.patches - first < WARPS ? size.patches - first : WARPS;
    hold_places(values, size, share, shown, first, count, held);
    if (warp >= count) return;
    float sum = 0.0f;
    for (int band = lane; band < bands; band += WARP) {
        sum += weight[band] * contrast[static_cast<long long>(patch) * bands + band];
    }
    sum = warp_sum(sum);
    if (lane == 0) heatmap[patch] = held[warp] * sum;
}

// B, and T where it is wanted, of the bands from `first` on, a lane each; the warps take turns at the patches.
template <typename Number>
DEVICE void curve_of(const Number *values, const Attention &size, const float *contrast, const float *weight,
                     const float *share, int bands, int shown, int first, float *held, float *curve, float *cube) {
    __shared__ float highest[WARPS][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, band = first + lane;
    const float own = band < bands ? weight[band] : 0.0f;
    float high = 0.0f;
    for (int start = 0; start < size.patches; start += CHUNK) {
        const int count = size.patches - start < CHUNK ? size.patches - start : CHUNK;
        hold_places(values, size, share, shown, start, count, held);
        for (int at = warp; at < count && band < bands; at += WARPS) {
            const long long patch = start + at;
            const float value = held[at] * own * contrast[patch * bands + band];
            high = value > high ? value : high;
            if (cube) cube[static_cast<long long>(band) * size.patches + patch] = value;
        }
    }
    highest[warp][lane] = high;
    __syncthreads();
    if (warp == 0 && band < bands) {
        for (int other = 1; other < WARPS; ++other) high = highest[other][lane] > high ? highest[other][lane] : high;
        curve[band] = high;
    }
}

// The shown class, its mean attention to [SINK], and its collapse 1 - sum_i A_i + max_i A_i, by one block.
template <typename Number>
DEVICE void figures_of(const Number *values, const Number *sink, const Attention &size, int shown, float *figures) {
    __shared__ float sums[WARPS], highs[WARPS];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    float sum = 0.0f, high = 0.0f;
    for (int patch = threadIdx.x; patch < size.patches; patch += THREADS) {
        float value = 0.0f;
        for (int group = 0; group < size.groups; ++group) value += mean_attention(values, size, shown, group, patch);
        value /= static_cast<float>(size.groups);
        sum += value;
        high = value > high ? value : high;
    }
    sum = warp_sum(sum);
    high = warp_max(high);
    if (lane == 0) sums[warp] = sum, highs[warp] = high;
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int other = 1; other < WARPS; ++other) {
        sum += sums[other];
        high = highs[other] > high ? highs[other] : high;
    }
    float mass = 0.0f;
    for (int head = 0; head < size.heads; ++head) {
        const Number *row = sink + (head * size.classes + shown) * size.groups;
        for (int group = 0; group < size.groups; ++group) mass += as_float(row[group]);
    }
    figures[0] = static_cast<float>(shown);
    figures[1] = mass / static_cast<float>(size.heads * size.groups);
    figures[2] = 1.0f - sum + high;
}

// blockIdx.x: blocks of M, then of B, then of the figures; blockIdx.y: window of the batch.
template <typename Number>
DEVICE void saliency(const Attention &size, const float *contrast, const float *weights, const float *shares, int bands,
                     int asked, float *heatmap, float *curve, float *figures, float *cube) {
    SHARED_ARRAY(float, held);  // [G, CHUNK]
    const long long batch = blockIdx.y;
    const int rows = size.heads * size.classes * size.groups;
    const Number *values = static_cast<const Number *>(size.values) + batch * rows * size.patches;
    const Number *sink = static_cast<const Number *>(size.sink) + batch * rows;
    const Number *logits = static_cast<const Number *>(size.logits) + batch * size.classes;
    const int shown = shown_class(logits, size.classes, asked);
    const float *weight = weights + shown * bands, *share = shares + shown * size.groups;
    contrast += batch * size.patches * bands;
    const int of_heatmap = (size.patches + WARPS - 1) / WARPS, of_curve = (bands + WARP - 1) / WARP;
    const int block = blockIdx.x;
    if (block < of_heatmap) {
        heatmap_of(values, size, contrast, weight, share, bands, shown, block * WARPS, held,
                   heatmap + batch * size.patches);
    } else if (block < of_heatmap + of_curve) {
        curve_of(values, size, contrast, weight, share, bands, shown, (block - of_heatmap) * WARP, held,
                 curve + batch * bands, cube ? cube + batch * bands * size.patches : nullptr);
    } else {
        figures_of(values, sink, size, shown, figures + batch * 3);
    }
}

}  // namespace focus

#define SALIENCY(NAME, NUMBER)                                                                                        \
    extern "C" __global__ void __launch_bounds__(focus::THREADS, 1) saliency_##NAME(                                     \
        const NUMBER *__restrict__ attention, const NUMBER *__restrict__ sink, const NUMBER *__restrict__ logits,     \
        int heads, int classes, int groups, int patches, const float *__restrict__ contrast,                         \
        const float *__restrict__ weights, const float *__restrict__ shares, int bands, int asked,                    \
        float *__restrict__ heatmap, float *__restrict__ curve, float *__restrict__ figures,                          \
        float *__restrict__ cube) {                                                                                   \
        focus::saliency<NUMBER>({attention, sink, logits, heads, classes, groups, patches}, contrast, weights,       \
                                shares, bands, asked, heatmap, curve, figures, cube);                          \
    }

SALIENCY(float32, float)
SALIENCY(float16, focus::Half)
