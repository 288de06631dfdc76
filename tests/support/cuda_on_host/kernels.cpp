// The kernels as a host library: `focus_launch` is cuLaunchKernel by name.
#include "host.h"

#include <map>
#include <string>

#include "ingest.cu"
#include "saliency.cu"

#define NAMED(name) {#name, host::callable(name)}
#define INGESTS(kind) NAMED(ingest_##kind##_1), NAMED(ingest_##kind##_2), NAMED(ingest_##kind##_4), NAMED(ingest_##kind##_8)

extern "C" int focus_launch(const char *name, const unsigned *grid, const unsigned *threads, std::size_t bytes,
                            void **arguments) {
    static const std::map<std::string, std::function<void(void **)>> kernels = {
        INGESTS(uint8),       INGESTS(uint16),         INGESTS(int16),          INGESTS(float32),
        NAMED(window_float32), NAMED(window_float16), NAMED(saliency_float32), NAMED(saliency_float16),
    };
    const auto found = kernels.find(name);
    if (found == kernels.end()) return 1;
    host::run_grid({grid[0], grid[1]}, {threads[0], threads[1]}, bytes, [&] { found->second(arguments); });
    return 0;
}
