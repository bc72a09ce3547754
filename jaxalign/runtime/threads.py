"""One Python thread per core for work that the CPU's libraries do on one core each.

A decomposition of 1000 x 1000 on two cores: 106 ms per matrix with two of them at the same time, one LAPACK thread
each; 196 ms one after the other; 232 ms with two LAPACK threads each.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import jax

from jaxalign.runtime.environment import cores

Work = TypeVar("Work")
Result = TypeVar("Result")


def workers(items: int) -> int:
    """Threads for `items` pieces of work: one per core where JAX computes on the CPU, else one, which dispatches."""
    return min(cores(), items) if jax.default_backend() == "cpu" else 1


@contextmanager
def one_lapack_thread() -> Iterator[None]:
    """Within the block, a decomposition runs on the core that called it; the thread counts are restored after it."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def parallel_map(work: Callable[[Work], Result], items: Iterable[Work], workers: int) -> Iterator[Result]:
    """Results of `work` in the order of `items`, `workers` of them at a time; one worker is the calling thread.

    Each result is waited for in the thread that makes it: work still going on would outlast the one LAPACK thread.
    """
    if workers == 1:
        yield from map(work, items)
        return
    with one_lapack_thread(), ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda item: jax.block_until_ready(work(item)), items)
