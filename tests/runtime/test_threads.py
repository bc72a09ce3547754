"""Results come in order, and LAPACK has one thread within and its own number after."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from jaxalign.runtime import threads


def counts():
    np.linalg.svd(np.eye(3))  # the library is loaded
    # OpenBLAS is what NumPy, SciPy and JAX decompose with. MKL, which torch brings, keeps a number per thread.
    return [library["num_threads"] for library in threadpool_info() if library["internal_api"] == "openblas"]


def test_one_lapack_thread_within_and_as_before_after():
    before = counts()
    assert before
    with pytest.raises(KeyError), threads.one_lapack_thread():
        assert set(counts()) == {1}
        raise KeyError
    assert counts() == before


@pytest.mark.parametrize("workers", [1, 3])
def test_results_stand_in_the_order_of_the_items(workers):
    inside = []

    def work(item):
        inside.append(max(counts()))
        return item * item

    assert list(threads.parallel_map(work, range(20), workers)) == [item * item for item in range(20)]
    assert workers == 1 or set(inside) == {1}
