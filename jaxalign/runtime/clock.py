"""Where the time of a run goes: seconds per phase, with compilation counted separately."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

PHASES = ("load", "compile", "tokenize", "embed", "align", "retrieve", "score")
# Not the tracing event: JAX reports it for every nested function as well, so it would be counted twice.
_COMPILE_EVENTS = ("/jax/core/compile/jaxpr_to_mlir_module_duration", "/jax/core/compile/backend_compile_duration")


class Clock:
    """Seconds of each phase of a run; a phase inside another is subtracted from it, and compilation from both.

    >>> clock = Clock()
    >>> with clock.phase("align"):
    ...     pass
    >>> print(*(row["phase"] for row in clock.rows()))
    align untracked total
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}
        self._inner: list[float] = []  # for each open phase, the seconds of the phases inside it
        self._thread = threading.get_ident()
        self._listening = False

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Counts the time until the block ends as `name`; the caller blocks on its device results inside the block."""
        self._listen()
        self._inner.append(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - start
            self.add(name, max(elapsed - self._inner.pop(), 0.0))
            if self._inner:
                self._inner[-1] += elapsed

    def add(self, name: str, seconds: float, calls: int = 1) -> None:
        """Counts `seconds` measured elsewhere."""
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
        self._calls[name] = self._calls.get(name, 0) + calls

    def rows(self) -> list[dict[str, Any]]:
        """One row per phase `{phase, seconds, share, calls}`, in the usual order, then `untracked`, then `total`."""
        total = time.perf_counter() - self._start
        order = {name: i for i, name in enumerate(PHASES)}
        names = sorted(self._seconds, key=lambda name: order.get(name, len(order)))
        untracked = max(total - sum(self._seconds.values()), 0.0)
        table = [(name, self._seconds[name], self._calls[name]) for name in names]
        table += [("untracked", untracked, 1), ("total", total, 1)]
        return [
            {"phase": name, "seconds": round(seconds, 6), "share": round(seconds / total, 4), "calls": calls}
            for name, seconds, calls in table
        ]

    def _listen(self) -> None:
        if not self._listening and "jax" in sys.modules:
            self._listening = True
            sys.modules["jax"].monitoring.register_event_duration_secs_listener(self._add_compilation)

    def _add_compilation(self, event: str, seconds: float, **_: Any) -> None:
        # Reported after the fact, on the thread that waited for the compilation.
        if event in _COMPILE_EVENTS and threading.get_ident() == self._thread:
            self.add("compile", seconds)
            if self._inner:
                self._inner[-1] += seconds
