"""One Python thread a core for work that the CPU's libraries run on one core each.

A decomposition of 1000 x 1000 on two cores: 106 ms a matrix with two of them side by side, one LAPACK thread each;
196 ms one after the other; 232 ms with two LAPACK threads each.
"""

import ctypes
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import jax

Work = TypeVar("Work")
Result = TypeVar("Result")

_PREFIXES = ("scipy_openblas", "openblas")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(items: int) -> int:
    """Threads to share `items` between: one a core where JAX computes on the CPU, else one, which only dispatches."""
    return min(cores(), items) if jax.default_backend() == "cpu" else 1


def lapack_libraries() -> list[tuple[Callable[[], int], Callable[[int], None]]]:
    """(get, set) of the thread count of every OpenBLAS in this process; empty where the process cannot tell."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return []
    paths = {line.split()[-1] for line in maps.read_text().splitlines() if "openblas" in line}
    found = []
    for path in sorted(path for path in paths if os.path.exists(path)):
        library = ctypes.CDLL(path)
        for name in (f"{prefix}_{{}}_num_threads{suffix}" for prefix in _PREFIXES for suffix in ("", "64_")):
            if hasattr(library, name.format("set")):
                found.append((getattr(library, name.format("get")), getattr(library, name.format("set"))))
                break
    return found


@contextmanager
def one_lapack_thread() -> Iterator[None]:
    """Within, a decomposition runs on the core that called it; the count before is restored after."""
    with ExitStack() as stack:
        for get, put in lapack_libraries():
            stack.callback(put, get())
            put(1)
        yield


def spread(work: Callable[[Work], Result], items: Iterable[Work], workers: int) -> Iterator[Result]:
    """Results in order, `workers` items at a time; one worker is this thread itself.

    Each result is waited for where it is made: work still under way would outlive the one LAPACK thread.
    """
    if workers == 1:
        yield from map(work, items)
        return
    with one_lapack_thread(), ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda item: jax.block_until_ready(work(item)), items)
