"""Settings of the whole test suite."""

import os

import hypothesis

# The tests' arrays are small: a second thread doubles their time on two cores. Set before NumPy and torch are loaded.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Nothing draws to a screen, also where one exists.
os.environ["MPLBACKEND"] = "Agg"

# Shared machines pause a test for seconds, so a deadline or a check of speed would only report the machine. CI must
# find the same examples in every run; a developer's run looks for new ones.
unhurried = {"deadline": None, "max_examples": 50, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("developer", **unhurried)
hypothesis.settings.register_profile("ci", derandomize=True, print_blob=True, **unhurried)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")
