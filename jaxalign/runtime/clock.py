"""Where the time of a run goes: seconds per phase, with compilation and imports counted separately."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

PHASES = ("import", "load", "compile", "tokenize", "embed", "align", "retrieve", "score")
# Not the tracing event: JAX reports it for every nested function as well, so it would be counted twice.
_COMPILE_EVENTS = ("/jax/core/compile/jaxpr_to_mlir_module_duration", "/jax/core/compile/backend_compile_duration")
_IMPORT_EVENT = "/jaxalign/import"
_PHASE_OF = dict.fromkeys(_COMPILE_EVENTS, "compile") | {_IMPORT_EVENT: "import"}


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Counts the time until the block ends as `import`, on the clock whose phase it happens in."""
    start = time.perf_counter()
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].monitoring.record_event_duration_secs(_IMPORT_EVENT, time.perf_counter() - start)


class Clock:
    """Seconds of each phase of a run; a phase inside another is subtracted from it, compilation and imports from both.

    `imported`: seconds that libraries took to import before the clock was made; they are part of the total.

    >>> clock = Clock()
    >>> with clock.phase("align"):
    ...     pass
    >>> print(*(row["phase"] for row in clock.rows()))
    align untracked total
    """

    def __init__(self, imported: float = 0.0) -> None:
        self._start = time.perf_counter() - imported
        self._seconds: dict[str, float] = {}
        self._calls: dict[str, int] = {}
        self._inner: list[float] = []  # for each open phase, the seconds of the phases inside it
        self._thread = threading.get_ident()
        self._listening = False
        if imported:
            self.add("import", imported)

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
            sys.modules["jax"].monitoring.register_event_duration_secs_listener(self._add_event)

    def _add_event(self, event: str, seconds: float, **_: Any) -> None:
        # Reported after the fact, on the thread that waited for the compilation or the import.
        if event in _PHASE_OF and threading.get_ident() == self._thread:
            self.add(_PHASE_OF[event], seconds)
            if self._inner:
                self._inner[-1] += seconds
