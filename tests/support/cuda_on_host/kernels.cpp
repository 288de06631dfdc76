// The kernels as a host library: `focus_launch` is cuLaunchKernel by name.
#include "host.h"

#include <map>
#include <string>

#include "ingest.cu"
#include "saliency.cu"

#define NAMED(name) {#name, host::callable(name)}
#define INGESTS(kind) NAMED(ingest_##kind##_1), NAMED(ingest_##kind##_2), NAMED(ingest_##kind##_4), NAMED(ingest_##kind##_8)

// cuLaunchKernel in two steps, so that a graph can keep the first: null where there is no such kernel.
extern "C" void *focus_bind(const char *name, void **arguments) {
    static const std::map<std::string, std::function<host::Bound(void **)>> kernels = {
        INGESTS(uint8),        INGESTS(uint16),       INGESTS(int16),          INGESTS(float32),
        NAMED(window_float32), NAMED(window_float16), NAMED(saliency_float32), NAMED(saliency_float16),
    };
    const auto found = kernels.find(name);
    return found == kernels.end() ? nullptr : new host::Bound(found->second(arguments));
}

extern "C" void focus_run(const void *kernel, const unsigned *grid, const unsigned *threads, std::size_t bytes) {
    host::run_grid({grid[0], grid[1]}, {threads[0], threads[1]}, bytes, *static_cast<const host::Bound *>(kernel));
}
