"""What processes exchange: alone nothing is asked; together each row and number comes from the one that made it."""

import sys

import numpy as np
import pytest

from jaxalign.runtime import processes
from jaxalign.runtime.processes import Share
from jaxalign.types import InputError


def test_a_single_process_asks_nobody(monkeypatch):
    monkeypatch.setattr(processes, "all_gather", None)  # a call would fail
    assert processes.share() == processes.SINGLE and processes.is_first() and processes.is_single()
    processes.barrier("name")
    assert processes.must_compute("ab", True) and not processes.must_compute("ab", False)
    assert processes.broadcast_numbers([4, 1], 6) == [1, 4]
    rows = np.arange(6).reshape(3, 2)
    assert processes.gather_rows(rows, 1, processes.SINGLE) is rows


@pytest.mark.parametrize("first", [0, 1, 2, 5])
def test_rows_of_all_processes_come_together(monkeypatch, first):
    """Each process holds its own rows of seven; what the others would send is put together here."""
    whole = np.arange(14).reshape(7, 2)
    sent = []
    monkeypatch.setattr(processes, "all_gather", lambda padded: sent.append(padded) or np.zeros((3, 3, 2), int))
    owns = []
    for process in range(3):
        own = np.full_like(whole, -1)
        own[(first + process) % 3 :: 3] = whole[(first + process) % 3 :: 3]
        owns.append(own)
        processes.gather_rows(own.copy(), first, Share(process, 3))
    monkeypatch.setattr(processes, "all_gather", lambda padded: np.stack(sent))
    for process, own in enumerate(owns):
        np.testing.assert_array_equal(processes.gather_rows(own, first, Share(process, 3)), whole)


def two(monkeypatch, other):
    """This process and another one, of which `other` makes the array out of this one's."""
    monkeypatch.setattr(processes, "share", lambda: Share(0, 2))
    monkeypatch.setattr(processes, "all_gather", lambda values: np.stack([values, other(values)]))


def test_the_first_process_decides(monkeypatch):
    two(monkeypatch, lambda values: 0 * values)
    assert processes.broadcast_numbers([2, 0], 4) == [0, 2]
    two(monkeypatch, lambda values: np.append(values[:16], 1 - values[16]).astype(np.uint8))
    assert processes.must_compute("ab" * 16, True) is True and processes.must_compute("ab" * 16, False) is False


def test_another_question_is_refused(monkeypatch):
    two(monkeypatch, lambda values: np.append(values[:16] ^ 1, values[16]).astype(np.uint8))
    with pytest.raises(InputError, match="process 1"):
        processes.must_compute("ab" * 16, True)


def test_the_end_without_a_barrier(monkeypatch):
    ended = []
    monkeypatch.setattr(processes.os, "_exit", ended.append)
    processes.exit_at_once(3)
    assert ended == [3] and not sys.stdout.closed
