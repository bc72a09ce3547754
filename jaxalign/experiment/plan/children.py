"""Processes that compile: each imports JAX and its compilers once and answers one question after another.

Importing and starting a compiler takes four processor seconds, as long as a GPU's compiler needs for a whole program. A
child that dies or takes too long is an answer too, and the next question gets a new one.
"""

import atexit
import os
import select
import subprocess
import sys
import tempfile
import time
from threading import BoundedSemaphore, Lock
from typing import IO, Any, NamedTuple

from jaxalign.runtime import environment

COMMAND = (sys.executable, "-m", "jaxalign.experiment.plan.programs")


class Reply(NamedTuple):
    """One JSON object as a line of text, or what was wrong."""

    line: str = ""
    error: str = ""


class _Child(NamedTuple):
    process: subprocess.Popen[bytes]
    said: IO[Any]  # its standard error


# Children at work at the same time. libtpu uses two cores for one program: on two cores the twenty plans for v5e-8 and
# v6e-8 took 321 s one by one (576 processor seconds). Two at a time, with plans for an H100 beside them for the first
# 199 s, they were not finished after 535 s.
_SEATS = BoundedSemaphore(environment.cores())
_SEATS_OF_TWO_THREADS = BoundedSemaphore(max(1, environment.cores() // 2))
_LOCK = Lock()
_IDLE: list[_Child] = []


def ask(question: str, limit: float, two_threads: bool = False) -> Reply:
    """The answer of a child to one line of text, at most `limit` seconds later.

    `two_threads`: the child will work on two cores.
    """
    with _SEATS_OF_TWO_THREADS if two_threads else _SEATS:
        with _LOCK:
            child = _IDLE.pop() if _IDLE else None
        child = child or _started()
        reply = _ask(child, question, limit)
        if reply.line:
            with _LOCK:
                _IDLE.append(child)
        else:
            _end(child)
    return reply


def stop() -> None:
    """Ends the children that wait for a question, and waits until they have ended."""
    with _LOCK:
        children = list(_IDLE)
        _IDLE.clear()
    for child in children:
        _end(child)


atexit.register(stop)


def _started() -> _Child:
    # JAX's own cache of programs would hide how long a compiler takes; the answers have a cache of their own.
    fixed = {"JAX_PLATFORMS": "cpu", "TPU_SKIP_MDS_QUERY": "1", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    said = tempfile.TemporaryFile()
    pipe, settings = subprocess.PIPE, os.environ | fixed
    process = subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=said, env=settings)
    return _Child(process, said)


def _ask(child: _Child, question: str, limit: float) -> Reply:
    given, answers = child.process.stdin, child.process.stdout
    assert given is not None and answers is not None
    end, read = time.monotonic() + limit, b""
    try:
        given.write(question.encode() + b"\n")
        given.flush()
    except BrokenPipeError:
        return Reply(error=_last_words(child))
    while True:
        for line in read.split(b"\n")[:-1]:
            if line.startswith(b"{"):
                return Reply(line.decode())
        if not select.select([answers], [], [], max(0.0, end - time.monotonic()))[0]:
            return Reply(error=f"the compiler took more than {limit:g} seconds")
        part = os.read(answers.fileno(), 1 << 16)
        if not part:
            return Reply(error=_last_words(child))
        read += part


def _last_words(child: _Child) -> str:
    status = child.process.wait()
    child.said.seek(0)
    return error_line(child.said.read().decode(errors="replace")) or f"exit status {status}"


def error_line(text: str) -> str:
    """The line of a traceback that says what was wrong, at most 300 characters of it."""
    lines = [line for line in text.splitlines() if "Error" in line or "RESOURCE_EXHAUSTED" in line]
    return lines[-1][:300] if lines else ""


def _end(child: _Child) -> None:
    child.process.kill()
    for pipe in (child.process.stdin, child.process.stdout, child.said):
        if pipe is not None:
            pipe.close()
    child.process.wait()
