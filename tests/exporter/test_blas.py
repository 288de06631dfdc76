from focus.exporter._blas import one_blas_thread
from support.blas import numpy_threads


def test_numpy_has_one_thread_while_an_evaluation_runs_and_its_own_number_after() -> None:
    before = numpy_threads()
    with one_blas_thread():
        assert numpy_threads() == [1] * len(before)
    assert numpy_threads() == before
