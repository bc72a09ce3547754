"""The messages of a run: the standard logger "jaxalign", shown on stderr by the command line.

As a library the package configures nothing: warnings appear as Python shows them by default, and an application that
wants the rest adds its own handler to the logger "jaxalign".
"""

import logging
import sys
import threading

LOGGER = logging.getLogger("jaxalign")
# The lock of all bars, made here: a signal that arrives while tqdm makes one of its own would leave it without any.
LOCK = threading.RLock()

# absl's --verbosity: 1 debug, 0 information, -1 warnings, -2 errors, -3 fatal errors.
_LEVELS = {-3: logging.CRITICAL, -2: logging.ERROR, -1: logging.WARNING, 0: logging.INFO}


class StderrHandler(logging.Handler):
    """Writes a record to the present `sys.stderr`, above a live progress bar where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line; problems of the stream itself are handled as `logging` does."""
        try:
            text = self.format(record)
            if "tqdm" in sys.modules:  # nothing to keep clear of before the first bar
                from tqdm import tqdm

                tqdm.set_lock(LOCK)
                tqdm.write(text, file=sys.stderr)
            else:
                sys.stderr.write(text + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"warning: {text}" if record.levelno == logging.WARNING else text


def configure(verbosity: int = 0) -> None:
    """Shows the package's messages on stderr, down to absl's level `verbosity`; a second call only sets the level."""
    LOGGER.propagate = False  # a library that calls logging.basicConfig would show every message again
    LOGGER.setLevel(_LEVELS.get(max(verbosity, -3), logging.DEBUG))
    if not any(isinstance(handler, StderrHandler) for handler in LOGGER.handlers):
        handler = StderrHandler()
        handler.setFormatter(_Formatter())
        LOGGER.addHandler(handler)
