"""What the processes of one run exchange: barriers, what is still to be computed, and what each has computed.

Every process asks for the same results in the same order; only the first one reads and writes results on disk.
"""

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

import numpy as np

from jaxalign.types import InputError

# Parts of JAX's error messages in a process whose connection to the others is lost.
DISCONNECTED = (
    "Connection closed by peer", "Connection reset by peer", "coordination service", "CoordinationService"
)  # fmt: skip
DISCONNECTED_TEXT = (
    "jaxalign: another process of the run has ended. Finished spaces and ranks are kept; start all processes again."
)


class Share(NamedTuple):
    """Which part of the work is this process's: number `process` of `processes`, from 0."""

    process: int
    processes: int


SINGLE = Share(0, 1)


def share() -> Share:
    """This process's number and the number of processes of the run."""
    import jax

    return Share(jax.process_index(), jax.process_count())


def is_first() -> bool:
    """Whether this process is the one that reads and writes results and reports."""
    return share().process == 0


def barrier(name: str) -> None:
    """Waits until every process of the run has come to the barrier of this name."""
    if share().processes > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(name)


def must_compute(key: str, missing: bool) -> bool:
    """True on every process if process 0 has no result for `key`; all processes must ask for the same key.

    key: hexadecimal digest of everything that the result depends on. missing: whether this process has no result.
    Raises InputError on every process where the keys differ: then the processes have different vectors or flags.
    """
    if share().processes == 1:
        return missing
    own = np.frombuffer(bytes.fromhex(key).ljust(16, b"\0")[:16] + bytes([missing]), np.uint8)
    every = all_gather(own)
    different = np.flatnonzero((every[:, :16] != every[0, :16]).any(axis=1))
    if len(different):
        raise InputError(
            "Expected the same spaces and flags in every process, got others in process "
            f"{', '.join(map(str, different))}. Start all with the same flags except --process_id, on the same data."
        )
    return bool(every[0, 16])


def broadcast_numbers(numbers: Sequence[int], count: int) -> list[int]:
    """The numbers below `count` that process 0 gave, in ascending order, on every process."""
    marks = np.zeros(count, np.uint8)
    marks[list(numbers)] = 1
    return np.flatnonzero(marks if share().processes == 1 else all_gather(marks)[0]).tolist()


def gather_rows(rows: np.ndarray, first: int, share: Share) -> np.ndarray:
    """`rows` of all processes: process p made every `processes`-th row, from number `(first + p) % processes` on."""
    process, processes = share
    if processes == 1:
        return rows
    padded = np.zeros((-(-len(rows) // processes), *rows.shape[1:]), rows.dtype)
    own = rows[(first + process) % processes :: processes]
    padded[: len(own)] = own
    for number, gathered in enumerate(all_gather(padded)):
        target = rows[(first + number) % processes :: processes]
        target[:] = gathered[: len(target)]
    return rows


def all_gather(values: np.ndarray) -> np.ndarray:
    """(process, ...) from an array of the same shape in every process."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(values))


def is_single() -> bool:
    """Whether this run has one process, as far as JAX has been started at all."""
    jax = sys.modules.get("jax")
    return jax is None or not jax.distributed.is_initialized()


def exit_at_once(status: int) -> NoReturn:
    """Ends this process without JAX's shutdown barrier; the other processes notice that it is gone and end too."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
