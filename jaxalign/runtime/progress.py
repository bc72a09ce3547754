"""Progress of a stage: one live bar on a terminal, else a line in the log every ten seconds at most.

Nothing is shown where the logger "jaxalign" does not show information (`--verbosity=-1`, or use as a library).
"""

import sys
import threading
import time
from typing import Any, TextIO

from jaxalign.runtime.log import LOCK, LOGGER

LOG_SECONDS = 10.0  # between two lines of a log
BAR_SECONDS = 0.1  # between two drawings of a bar


class Progress:
    """What is done of a stage, with the rate and the time left. Usable from several threads; writes nothing to stdout.

    >>> with Progress(3, "align", "pairs") as progress:
    ...     progress.update()
    >>> progress.line()[:28]
    'align: 1/3 pairs, 33 %, '
    """

    def __init__(
        self, total: int, label: str, unit: str = "items", *, stream: TextIO | None = None,
        every: float = LOG_SECONDS, show_end: bool = True,
    ) -> None:  # fmt: skip
        self._total, self._label, self._unit, self._every = total, label, unit, every
        self._stream = stream  # None: the present stderr, or the log
        self._show_end = show_end  # whether the last state stays on the terminal and in the log
        self._written: int | None = None  # what the last line of the log said is done
        self._done, self._start = 0, time.perf_counter()
        self._shown, self._closed = self._start, False
        self._lock = threading.Lock()
        self._bar = self._open_bar()

    def _open_bar(self) -> Any:
        stream = self._stream or sys.stderr
        if not LOGGER.isEnabledFor(20) or not stream.isatty():
            return None
        from tqdm import tqdm

        tqdm.set_lock(LOCK)
        tqdm.monitor_interval = 0  # no thread beside the run's own
        return tqdm(
            total=self._total, desc=self._label, unit=f" {self._unit}", file=stream, dynamic_ncols=True,
            mininterval=BAR_SECONDS, smoothing=0.1, leave=self._show_end,
        )  # fmt: skip

    def update(self, count: int = 1) -> None:
        """Adds `count` finished items and shows them if it is time to."""
        with self._lock:
            self._done += count
            if self._bar is not None:
                self._bar.update(count)
                return
            now = time.perf_counter()
            if now - self._shown >= self._every:
                self._shown = now
                self._write()

    def leave_out(self, count: int) -> None:
        """Takes `count` items that need not be done out of the total."""
        with self._lock:
            self._total -= count
            if self._bar is not None:
                self._bar.total = self._total
                self._bar.refresh()

    def close(self) -> None:
        """Shows the last state; a second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._bar is not None:
                self._bar.close()
            elif self._show_end and self._written != self._done:
                self._write()

    def line(self) -> str:
        """The text of a log line: `embed fr: 1,200/2,881 texts, 42 %, 310 texts/s, 0:05 left`."""
        seconds = max(time.perf_counter() - self._start, 1e-9)
        rate = self._done / seconds
        share = f", {100 * self._done / self._total:.0f} %" if self._total else ""
        text = f"{self._label}: {self._done:,}/{self._total:,} {self._unit}{share}, {_short(rate)} {self._unit}/s"
        if 0 < self._done < self._total:
            return f"{text}, {_minutes((self._total - self._done) / rate)} left"
        return f"{text}, {_minutes(seconds)} in total"

    def _write(self) -> None:
        self._written = self._done
        if self._stream is None:
            LOGGER.info("%s", self.line())
        else:
            self._stream.write(self.line() + "\n")
            self._stream.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class StageProgress:
    """A callback `(stage, done, total)` that shows one `Progress` per stage."""

    def __init__(self, unit: str) -> None:
        self._unit, self._stage, self._done = unit, "", 0
        self._progress: Progress | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Shows that `done` of `total` items of the stage are finished; the last of them ends the stage."""
        if self._progress is None or stage != self._stage:
            self.close()
            self._stage, self._done, self._progress = stage, 0, Progress(total, stage, self._unit)
        self._progress.update(done - self._done)
        self._done = done
        if done >= total:
            self.close()

    def close(self) -> None:
        """Ends the stage at work, if there is one."""
        if self._progress is not None:
            self._progress.close()
            self._progress = None


class EvaluationProgress:
    """One `Progress` over many evaluations of the same number of language pairs each."""

    def __init__(self, evaluations: int, pairs: int) -> None:
        self._pairs, self._finished, self._shown = pairs, 0, 0
        self._progress = Progress(evaluations * pairs, "align", "pairs")

    def within(self, done: int, total: int, evaluations: int = 1) -> None:
        """Shows that the evaluations at work, which are made together, have finished `done` of their `total` parts."""
        self._show(self._finished + evaluations * self._pairs * done // total)

    def next(self, evaluations: int = 1) -> None:
        """Counts evaluations as finished."""
        self._finished += evaluations * self._pairs
        self._show(self._finished)

    def leave_out(self, evaluations: int) -> None:
        """Takes evaluations that turned out to be needless out of the total, so that the rest ends at 100 %."""
        self._progress.leave_out(evaluations * self._pairs)

    def _show(self, pairs: int) -> None:
        self._progress.update(pairs - self._shown)
        self._shown = pairs

    def __enter__(self) -> "EvaluationProgress":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.close()


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def _short(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
