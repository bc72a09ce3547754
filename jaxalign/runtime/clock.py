"""Where the time goes: a clock of phases, a progress line, the environment of a run and a device's product peak.

A leaf: it imports nothing of the package but the version, and jax only inside the functions that need a device.
"""

import contextlib
import os
import platform
import resource
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Any, TextIO

PHASES = ("load", "compile", "tokenize", "embed", "align", "retrieve", "score")
# Not the tracing event: it is reported for every nested function as well, and would be counted twice.
_COMPILE_EVENTS = ("/jax/core/compile/jaxpr_to_mlir_module_duration", "/jax/core/compile/backend_compile_duration")
_LIBRARIES = ("jaxalign", "jax", "jaxlib", "flax", "numpy", "transformers", "orbax-checkpoint", "safetensors", "nltk")


class Clock:
    """Seconds of each phase of a run; one inside another is taken out of it, and compilation out of both.

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
        self._inner: list[float] = []  # one sum a phase that is open: what the phases inside it took
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
        """One row a phase `{phase, seconds, share, calls}`, in the usual order, then `untracked`, then `total`."""
        total = time.perf_counter() - self._start
        order = {name: i for i, name in enumerate(PHASES)}
        names = sorted(self._seconds, key=lambda name: order.get(name, len(order)))
        rest = max(total - sum(self._seconds.values()), 0.0)
        table = [(name, self._seconds[name], self._calls[name]) for name in names]
        table += [("untracked", rest, 1), ("total", total, 1)]
        return [
            {"phase": name, "seconds": round(seconds, 6), "share": round(seconds / total, 4), "calls": calls}
            for name, seconds, calls in table
        ]

    def _listen(self) -> None:
        if not self._listening and "jax" in sys.modules:
            self._listening = True
            sys.modules["jax"].monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event: str, seconds: float, **_: Any) -> None:
        # Reported after the fact, on the thread that waited for the compilation.
        if event in _COMPILE_EVENTS and threading.get_ident() == self._thread:
            self.add("compile", seconds)
            if self._inner:
                self._inner[-1] += seconds


class Progress:
    """A line on stderr with what is done, the throughput and the time left: redrawn on a terminal, else every 30 s.

    Usable from several threads; writes nothing to stdout, ever.
    """

    def __init__(
        self, total: int, label: str, unit: str = "items", *, stream: TextIO | None = None, every: float | None = None
    ) -> None:
        self._total, self._label, self._unit = total, label, unit
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._every = (0.1 if self._terminal else 30.0) if every is None else every
        self._done, self._start = 0, time.perf_counter()
        self._shown, self._closed = self._start, False
        self._lock = threading.Lock()

    def update(self, count: int = 1) -> None:
        """Adds `count` finished items and shows the line if it is due."""
        with self._lock:
            self._done += count
            now = time.perf_counter()
            if now - self._shown >= self._every:
                self._shown = now
                self._write(self.line(), "\r" if self._terminal else "\n")

    def close(self) -> None:
        """Shows the last line; a second call does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._write(self.line(), "\n")

    def line(self) -> str:
        """The text shown: `embed fr: 1,200/2,881 texts, 42 %, 310 texts/s, 0:05 left`."""
        seconds = max(time.perf_counter() - self._start, 1e-9)
        speed = self._done / seconds
        share = f", {100 * self._done / self._total:.0f} %" if self._total else ""
        text = f"{self._label}: {self._done:,}/{self._total:,} {self._unit}{share}, {_short(speed)} {self._unit}/s"
        if 0 < self._done < self._total:
            return f"{text}, {_clock_time((self._total - self._done) / speed)} left"
        return f"{text}, {_clock_time(seconds)} in all"

    def _write(self, line: str, end: str) -> None:
        width = 100 if self._terminal else 0  # covers the rest of a longer line drawn before
        self._stream.write(line.ljust(width) + end)
        self._stream.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def environment(dtype: str = "float32", precision: str = "highest") -> dict[str, Any]:
    """What a result depends on besides its flags: versions, devices, dtype, precision; no name of user or machine."""
    import jax

    devices = jax.devices()
    return {
        "python": platform.python_version(),
        "versions": {name: found for name in _LIBRARIES if (found := _version(name))},
        "system": platform.system(),
        "processor": _processor(),
        "cores": _cores(),
        "platform": devices[0].platform,
        "device_kind": devices[0].device_kind,
        "device_count": len(devices),
        "process_count": jax.process_count(),
        "dtype": dtype,
        "precision": precision,
        "x64": bool(jax.config.values["jax_enable_x64"]),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def peak_memory() -> dict[str, int]:
    """Most bytes held so far: `host_bytes` (resident) and, where the devices tell, `device_bytes` of the fullest."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"host_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    if "jax" in sys.modules:
        stats = [device.memory_stats() or {} for device in sys.modules["jax"].local_devices()]
        if used := [stat["peak_bytes_in_use"] for stat in stats if "peak_bytes_in_use" in stat]:
            peak["device_bytes"] = max(used)
    return peak


def peak_product(dtype: str = "float32", precision: str = "highest", device: Any = None, repeats: int = 5) -> float:
    """Measured peak of a square matrix product on one device, GFLOP/s: the best of `repeats` warm calls.

    The side doubles from 1,024 until a product takes 50 ms, so that one function serves a laptop and an accelerator.
    """
    import jax
    import jax.numpy as jnp

    device = jax.local_devices()[0] if device is None else device
    product = jax.jit(lambda left, right: jnp.matmul(left, right, precision=precision))
    for side in (1024, 2048, 4096, 8192, 16384):
        with jax.default_device(device):
            left = jax.random.normal(jax.random.key(0), (side, side), dtype)
            right = jax.random.normal(jax.random.key(1), (side, side), dtype)
        product(left, right).block_until_ready()
        seconds = min(_seconds_of(product, left, right) for _ in range(repeats))
        if seconds > 0.05:
            break
    return 2 * side**3 / seconds / 1e9


def _seconds_of(product: Any, left: Any, right: Any) -> float:
    start = time.perf_counter()
    product(left, right).block_until_ready()
    return time.perf_counter() - start


def _clock_time(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def _short(speed: float) -> str:
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
