"""Out of memory, said with what would help: each stage names its own flags."""

from collections.abc import Iterator
from contextlib import contextmanager


class OutOfMemoryError(MemoryError):
    """Memory ran out; the text says where and names the flags that lower the need."""


@contextmanager
def advice(doing: str, remedy: str) -> Iterator[None]:
    """Turns Python's and JAX's out-of-memory errors within the block into one that names the stage and the remedy."""
    try:
        yield
    except OutOfMemoryError:
        raise
    except MemoryError as error:
        raise OutOfMemoryError(_text(doing, error, remedy)) from error
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error) and "Out of memory" not in str(error):
            raise
        raise OutOfMemoryError(_text(doing, error, remedy)) from error


def _text(doing: str, error: Exception, remedy: str) -> str:
    details = " ".join(str(error).split())[:160]
    return f"out of memory while {doing}{f' ({details})' if details else ''}. To use less, {remedy}"
