import numpy as np
from threadpoolctl import ThreadpoolController

from focus.exporter._blas import one_blas_thread


def _threads() -> list[int]:
    np.linalg.solve(np.eye(2), np.ones(2))
    libraries = ThreadpoolController().info()
    return [library["num_threads"] for library in libraries if "numpy" in library["filepath"].rsplit("/", 2)[-2]]


def test_numpy_has_one_thread_while_an_evaluation_runs_and_its_own_number_after() -> None:
    before = _threads()
    assert before, "NumPy's linear algebra was not found"
    with one_blas_thread():
        assert _threads() == [1] * len(before)
    assert _threads() == before
