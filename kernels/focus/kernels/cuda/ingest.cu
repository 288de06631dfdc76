// ingest: raw lines -> band means, composite and quality of rows of patches; the reference is _reference.ingest.
//
// Bytes that must move, for C bands and L lines of S samples of w bytes: C L S w in, once, with loads of 16 bytes where
// the patch has a multiple of 8 samples of 2 bytes; out 4 (C + 5) for each patch and 12 for each pixel, which is 4 % of
// it at C = 204 and patches of 16. Dark and gain (8 C S) come from the L2 cache for all patch rows but the first.
//
// A block does one patch. Its warps come in slices; a slice holds the whole patch, V neighbouring samples a thread, and
// takes every so-manieth band. A thread keeps its samples' composite in registers over all its bands; the sum of a band
// over the patch goes through the warp. All sums are added in a fixed order, so results do not vary from run to run.
#include "device.cuh"

namespace focus {

constexpr int CHANNELS = 3;
constexpr float LEAST_SHARE = 0.5f;  // as in _image.py
constexpr int MOST_THREADS = 256;
constexpr int MOST_WARPS = MOST_THREADS / WARP;

enum Count { VALID, SATURATED, BELOW_DARK, DEAD, NOT_FINITE, COUNTS };

template <typename Raw, int V>
struct alignas(sizeof(Raw) * V <= 16 ? sizeof(Raw) * V : 16) Samples {
    Raw at[V];
};

// Where the lines are and what does not change while a camera runs. P columns of patches.
struct Scene {
    const int *shown;              // [lines], what the composite shows of a line: ARRIVED, NOTHING, or another line
    const float *dark, *gain;      // [C, pitch], in stored counts; gain 0: a dead element
    const float *weights;          // [3, C], of the composite
    const unsigned char *used;     // [C]
    float ceiling;                 // stored count from which a sample is saturated
    int bands, samples, pitch, patch, lines;
};

// A line that never came is in no mean, and shows what is already there at another line of `Rows`, or 0.
constexpr int ARRIVED = -2, NOTHING = -1;

// Rings of patch rows: row r of a scene is at r modulo `rows`.
struct Rows {
    float *means;  // [rows P, C], NaN where a patch has no valid sample of a band
    float *image;  // [3, rows patch, samples]
    int *counts;   // [rows P, COUNTS]
    const int *first;
    int rows;
};

// One thread's samples of the composite: what was added, and the weight of what was not valid.
template <int V>
struct Pixels {
    float sum[CHANNELS][V], missing[CHANNELS][V];
};

template <typename Raw, int V>
DEVICE void add_band(const Scene &scene, const Samples<Raw, V> &raw, int band, int sample, Pixels<V> &pixels,
                     int (&kinds)[COUNTS], float &total, int &valid) {
    const int place = band * scene.pitch + sample;
    const Samples<float, V> dark = *reinterpret_cast<const Samples<float, V> *>(scene.dark + place);
    const Samples<float, V> gain = *reinterpret_cast<const Samples<float, V> *>(scene.gain + place);
    float reflectance[V];
    unsigned missing = 0;  // a bit a sample
#pragma unroll
    for (int v = 0; v < V; ++v) {
        const float value = static_cast<float>(raw.at[v]);
        const bool here = sample + v < scene.samples;
        const bool alive = gain.at[v] != 0.0f, finite = fabsf(value) <= LARGEST;
        const bool saturated = finite && value >= scene.ceiling;
        const bool good = alive && finite && !saturated;
        reflectance[v] = good ? (value - dark.at[v]) * gain.at[v] : 0.0f;
        missing |= (good ? 0u : 1u) << v;
        if (here) {
            total += reflectance[v];
            valid += good;
            kinds[SATURATED] += alive && saturated;
            kinds[BELOW_DARK] += good && value < dark.at[v];
            kinds[DEAD] += !alive;
            kinds[NOT_FINITE] += alive && !finite;
        }
    }
#pragma unroll
    for (int channel = 0; channel < CHANNELS; ++channel) {
        const float weight = scene.weights[channel * scene.bands + band];
        if (weight == 0.0f) continue;
#pragma unroll
        for (int v = 0; v < V; ++v) {
            pixels.sum[channel][v] += weight * reflectance[v];
        }
        if (!missing) continue;
#pragma unroll
        for (int v = 0; v < V; ++v) {
            pixels.missing[channel][v] += missing >> v & 1u ? weight : 0.0f;
        }
    }
}

// What a channel of a patch has besides its pixels.
struct Channel {
    float weight;  // of all bands
    float filled;  // from the patch's band means: what a pixel shows that lacks more than half of the weight
};

// By one warp; every lane gets it.
DEVICE Channel channel_of(const Scene &scene, const float *means, int channel) {
    const float *weights = scene.weights + channel * scene.bands;
    float all = 0.0f, value = 0.0f, known = 0.0f;
    for (int band = threadIdx.x % WARP; band < scene.bands; band += WARP) {
        const float mean = means[band], weight = weights[band];
        all += weight;
        if (fabsf(mean) <= LARGEST) value += weight * mean, known += weight;
    }
    all = warp_sum(all), value = warp_sum(value), known = warp_sum(known);
    return {all, known != 0.0f ? value * all / known : 0.0f};
}

template <int V>
DEVICE void write_pixels(const Scene &scene, const Rows &out, const Channel *channels, const Pixels<V> &pixels, int row,
                         int line, int sample) {
#pragma unroll
    for (int channel = 0; channel < CHANNELS; ++channel) {
        const auto [weight, filled] = channels[channel];
        const long long at = (static_cast<long long>(channel) * out.rows + row) * scene.patch + line;
        float *image = out.image + at * scene.samples + sample;
#pragma unroll
        for (int v = 0; v < V; ++v) {
            if (sample + v >= scene.samples) continue;
            const float value = pixels.sum[channel][v], missing = pixels.missing[channel][v];
            const float share = weight != 0.0f ? 1.0f - missing / weight : 1.0f;
            image[v] = missing == 0.0f ? value : share >= LEAST_SHARE ? value / share : filled;
        }
    }
}

DEVICE void repeat_line(const Scene &scene, const Rows &out, int shown, int line, int sample, int count) {
    for (int channel = 0; channel < CHANNELS; ++channel) {
        float *image = out.image + static_cast<long long>(channel) * out.rows * scene.patch * scene.samples;
        for (int at = sample; at < sample + count && at < scene.samples; ++at) {
            const float value = shown == NOTHING ? 0.0f : image[static_cast<long long>(shown) * scene.samples + at];
            image[static_cast<long long>(line) * scene.samples + at] = value;
        }
    }
}

// blockIdx = (column of patches, row of patches); blockDim = (lanes of a slice, slices).
template <typename Raw, int V>
DEVICE void ingest(const Raw *raw, const Scene &scene, const Rows &out) {
    SHARED_ARRAY(float, shared);
    const int slices = blockDim.y, slice = threadIdx.y, warps = blockDim.x / WARP, warp = threadIdx.x / WARP;
    const int lane = threadIdx.x % WARP, across = scene.patch / V;
    float *sums = shared;                                                 // [C, warps]; later the means
    int *valids = reinterpret_cast<int *>(sums + scene.bands * warps);    // [C, warps]
    float *means = reinterpret_cast<float *>(valids + scene.bands * warps);  // [C]
    float *composite = means + scene.bands;                               // [2, 3, V, lanes]
    __shared__ int found[COUNTS][MOST_WARPS];
    __shared__ Channel channels[CHANNELS];

    const int y = threadIdx.x / across, x = threadIdx.x % across * V;
    const int line = blockIdx.y * scene.patch + y, sample = blockIdx.x * scene.patch + x;
    const bool inside = y < scene.patch && line < scene.lines && sample < scene.samples;
    const int shown = inside ? scene.shown[line] : NOTHING;
    const bool arrived = shown == ARRIVED;
    const Raw *from = raw + static_cast<long long>(line) * scene.bands * scene.pitch + sample;

    Pixels<V> pixels = {};
    int kinds[COUNTS] = {};
    Samples<Raw, V> next = {};
    if (arrived && slice < scene.bands) {
        next = *reinterpret_cast<const Samples<Raw, V> *>(from + static_cast<long long>(slice) * scene.pitch);
    }
    for (int band = slice; band < scene.bands; band += slices) {
        const Samples<Raw, V> now = next;
        if (arrived && band + slices < scene.bands) {  // fetched while this band is added
            next = *reinterpret_cast<const Samples<Raw, V> *>(
                from + static_cast<long long>(band + slices) * scene.pitch);
        }
        float total = 0.0f;
        int valid = 0;
        if (arrived && scene.used[band]) {
            add_band<Raw, V>(scene, now, band, sample, pixels, kinds, total, valid);
        }
        kinds[VALID] += valid;
        total = warp_sum(total);
        valid = warp_sum(valid);
        if (lane == 0) {
            sums[band * warps + warp] = total;
            valids[band * warps + warp] = valid;
        }
    }
#pragma unroll
    for (int kind = 0; kind < COUNTS; ++kind) {
        const int number = warp_sum(kinds[kind]);
        if (lane == 0) found[kind][slice * warps + warp] = number;
    }
    __syncthreads();

    const int row = (*out.first + blockIdx.y) % out.rows, patch = row * gridDim.x + blockIdx.x;
    const int thread = slice * blockDim.x + threadIdx.x, threads = blockDim.x * slices;
    for (int band = thread; band < scene.bands; band += threads) {
        float total = 0.0f;
        int valid = 0;
        for (int part = 0; part < warps; ++part) {
            total += sums[band * warps + part];
            valid += valids[band * warps + part];
        }
        means[band] = valid ? total / static_cast<float>(valid) : not_a_number();
        out.means[static_cast<long long>(patch) * scene.bands + band] = means[band];
    }
    for (int kind = thread; kind < COUNTS; kind += threads) {
        int number = 0;
        for (int part = 0; part < warps * slices; ++part) number += found[kind][part];
        out.counts[patch * COUNTS + kind] = number;
    }

    __syncthreads();
    for (int channel = thread / WARP; channel < CHANNELS; channel += threads / WARP) {
        const Channel whole = channel_of(scene, means, channel);
        if (lane == 0) channels[channel] = whole;
    }

    // One slice after the other adds its share of the composite.
    const int lanes = blockDim.x;
    for (int turn = 0; turn < slices; ++turn) {
        if (turn == slice) {
#pragma unroll
            for (int channel = 0; channel < CHANNELS; ++channel) {
#pragma unroll
                for (int v = 0; v < V; ++v) {
                    float *sum = composite + (channel * V + v) * lanes + threadIdx.x;
                    float *missing = sum + CHANNELS * V * lanes;
                    *sum = turn ? *sum + pixels.sum[channel][v] : pixels.sum[channel][v];
                    *missing = turn ? *missing + pixels.missing[channel][v] : pixels.missing[channel][v];
                }
            }
        }
        __syncthreads();
    }
    if (slice == 0 && arrived) {
#pragma unroll
        for (int channel = 0; channel < CHANNELS; ++channel) {
#pragma unroll
            for (int v = 0; v < V; ++v) {
                pixels.sum[channel][v] = composite[(channel * V + v) * lanes + threadIdx.x];
                pixels.missing[channel][v] = composite[((CHANNELS + channel) * V + v) * lanes + threadIdx.x];
            }
        }
        write_pixels<V>(scene, out, channels, pixels, row, y, sample);
    }
    __syncthreads();
    if (slice == 0 && inside && !arrived) repeat_line(scene, out, shown, row * scene.patch + y, sample, V);
}

// window: rows of patches -> what the network reads of one window, standardised and normalised.
//
// Bytes that must move: 4 (N C + 3 H W) in, as many or half as many out, and 4 N C for D, which `saliency` reads. A warp
// does a patch's spectrum, as the part of it that is brightness is a sum over all of its bands.
constexpr int MOST_DIRECTIONS = 10;  // as in _ingest.py

struct Window {
    // [B, 1 + 2 rows]: the first column; then where the band means of each row of patches are, and its composite.
    const int *places;
    const float *mean, *deviation, *reference;  // [C]
    const float *image_mean, *image_deviation;  // [3]
    const float *brightness;                    // [directions, C]
    int directions;
    int columns, rows_of_window, columns_of_window;  // columns: P
};

template <typename Number>
DEVICE void window(const Scene &scene, const Rows &rows, const Window &window, Number *band_means, Number *composite,
                   float *contrast) {
    const int bands = scene.bands, edge = scene.patch;
    const int patches = window.rows_of_window * window.columns_of_window;
    const int width = window.columns_of_window * edge, height = window.rows_of_window * edge;
    const int *place = window.places + blockIdx.y * (1 + 2 * window.rows_of_window);
    const int *of_means = place + 1, *of_image = of_means + window.rows_of_window;
    const int step = gridDim.x * blockDim.x, start = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % WARP;
    band_means += static_cast<long long>(blockIdx.y) * patches * bands;
    contrast += static_cast<long long>(blockIdx.y) * patches * bands;
    composite += static_cast<long long>(blockIdx.y) * CHANNELS * height * width;
    for (int patch = start / WARP; patch < patches; patch += step / WARP) {
        const int row = patch / window.columns_of_window, column = patch % window.columns_of_window + place[0];
        const int held = column < window.columns ? column : window.columns - 1;  // beyond the scene: its last column
        const long long at = static_cast<long long>(of_means[row]) * window.columns + held;
        // What was filled in is read by the network, but does not show in the maps; 0 stands for a missing value.
        const bool seen = column < window.columns && of_means[row] == of_image[row] && rows.counts[at * COUNTS + VALID];
        float *apart = contrast + static_cast<long long>(patch) * bands;
        float bright[MOST_DIRECTIONS] = {};
        for (int band = lane; band < bands; band += WARP) {
            const float found = (rows.means[at * bands + band] - window.mean[band]) / window.deviation[band];
            const float value = fabsf(found) <= LARGEST ? found : 0.0f;
            store(band_means + static_cast<long long>(patch) * bands + band, value);
            const bool there = seen && value != 0.0f;
            const float off = there ? value - window.reference[band] : 0.0f;
            apart[band] = there ? off : not_a_number();
#pragma unroll
            for (int index = 0; index < MOST_DIRECTIONS; ++index) {
                if (index < window.directions) bright[index] += off * window.brightness[index * bands + band];
            }
        }
#pragma unroll
        for (int index = 0; index < MOST_DIRECTIONS; ++index) {
            if (index < window.directions) bright[index] = warp_sum(bright[index]);
        }
        for (int band = lane; band < bands; band += WARP) {
            float off = apart[band];
#pragma unroll
            for (int index = 0; index < MOST_DIRECTIONS; ++index) {
                if (index < window.directions) off -= bright[index] * window.brightness[index * bands + band];
            }
            apart[band] = fabsf(off) <= LARGEST ? fabsf(off) : 0.0f;
        }
    }
    for (int item = start; item < CHANNELS * height * width; item += step) {
        const int channel = item / width / height, line = item / width % height;
        const int sample = item % width + place[0] * edge;
        const int held = sample < scene.samples ? sample : scene.samples - 1;
        const long long at = (static_cast<long long>(channel) * rows.rows + of_image[line / edge]) * edge + line % edge;
        const float value = rows.image[at * scene.samples + held];
        store(composite + item, (value - window.image_mean[channel]) / window.image_deviation[channel]);
    }
}

}  // namespace focus

#define INGEST(NAME, RAW, V)                                                                                          \
    extern "C" __global__ void __launch_bounds__(focus::MOST_THREADS, 2) ingest_##NAME##_##V(                         \
        const RAW *__restrict__ raw, const int *__restrict__ shown, const float *__restrict__ dark,                   \
        const float *__restrict__ gain, const float *__restrict__ weights, const unsigned char *__restrict__ used,    \
        float ceiling, int bands, int samples, int pitch, int patch, int lines, float *__restrict__ means,            \
        float *image, int *__restrict__ counts, const int *first, int rows) {                                   \
        focus::ingest<RAW, V>(raw,                                                                                    \
                              {shown, dark, gain, weights, used, ceiling, bands, samples, pitch, patch, lines},     \
                              {means, image, counts, first, rows});                                                   \
    }

#define INGEST_OF(NAME, RAW) INGEST(NAME, RAW, 1) INGEST(NAME, RAW, 2) INGEST(NAME, RAW, 4) INGEST(NAME, RAW, 8)

INGEST_OF(uint8, unsigned char)
INGEST_OF(uint16, unsigned short)
INGEST_OF(int16, short)
INGEST_OF(float32, float)

#define WINDOW(NAME, NUMBER)                                                                                          \
    extern "C" __global__ void __launch_bounds__(256, 4) window_##NAME(                                                  \
        float *means, float *image, int *counts, int rows, const int *places, const float *mean,                      \
        const float *deviation, const float *reference, const float *image_mean, const float *image_deviation,        \
        const float *brightness, int directions, int bands, int samples, int patch, int columns, int rows_of_window,  \
        int columns_of_window, NUMBER *band_means, NUMBER *composite, float *contrast) {                                                                                           \
        focus::Scene scene = {};                                                                                      \
        scene.bands = bands, scene.samples = samples, scene.patch = patch;                                            \
        focus::window<NUMBER>(scene, {means, image, counts, nullptr, rows},                                                 \
                              {places, mean, deviation, reference, image_mean, image_deviation, brightness, directions,  \
                               columns, rows_of_window, columns_of_window},                                                                    \
                              band_means, composite, contrast);                                                      \
    }

WINDOW(float32, float)
WINDOW(float16, focus::Half)
