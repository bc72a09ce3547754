"""What the processes of one run tell each other: whose turn it is, what is still open, and what each has computed.

Every process asks the same questions in the same order; the first one alone reads and writes answers on disk.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from jaxalign.types import InputError

GONE = ("Connection closed by peer", "Connection reset by peer", "coordination service", "CoordinationService")
GONE_TEXT = (
    "jaxalign: another process of the run has ended. Finished spaces and ranks are kept; start all processes again."
)


def share() -> tuple[int, int]:
    """(number of this process, number of processes)."""
    import jax

    return jax.process_index(), jax.process_count()


def is_first() -> bool:
    """Whether this process reads and writes answers and reports."""
    return share()[0] == 0


def meet(what: str) -> None:
    """Waits until every process of the run is here."""
    if share()[1] > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(what)


def is_open(question: str, missing: bool) -> bool:
    """Whether the first process is missing the answer; the same on all, which must be at the same question.

    question: hexadecimal digest of all that the answer depends on. Raises InputError on every process where they
    differ: then the processes have different vectors or flags.
    """
    process, processes = share()
    if processes == 1:
        return missing
    told = np.frombuffer(bytes.fromhex(question).ljust(16, b"\0")[:16] + bytes([missing]), np.uint8)
    heard = gathered(told)
    if (heard[:, :16] != heard[0, :16]).any():
        others = ", ".join(str(number) for number in np.flatnonzero((heard[:, :16] != heard[0, :16]).any(axis=1)))
        raise InputError(
            f"Expected the same spaces and flags in every process, got others in process {others}. Start all with the "
            "same flags but --process_id, on the same data."
        )
    return bool(heard[0, 16])


def told(numbers: Sequence[int], count: int) -> list[int]:
    """The numbers below `count` that the first process has, in ascending order, told to all."""
    marks = np.zeros(count, np.uint8)
    marks[list(numbers)] = 1
    return np.flatnonzero(marks if share()[1] == 1 else gathered(marks)[0]).tolist()


def joined(rows: np.ndarray, first: int, share: tuple[int, int]) -> np.ndarray:
    """`rows` of all processes: process p made every `processes`-th row, from number `(first + p) % processes` on."""
    process, processes = share
    if processes == 1:
        return rows
    padded = np.zeros((-(-len(rows) // processes), *rows.shape[1:]), rows.dtype)
    own = rows[(first + process) % processes :: processes]
    padded[: len(own)] = own
    for number, made in enumerate(gathered(padded)):
        place = rows[(first + number) % processes :: processes]
        place[:] = made[: len(place)]
    return rows


def gathered(values: np.ndarray) -> np.ndarray:
    """(process, ...) of an array of one shape in every process."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(values))


def is_alone() -> bool:
    """Whether this run has one process, as far as JAX has been started at all."""
    jax = sys.modules.get("jax")
    return jax is None or not jax.distributed.is_initialized()


def leave(status: int) -> NoReturn:
    """Ends this process at once, without the farewell that would wait for the others: they hear of it and end too."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
