"""Children that compile: one process for many questions, a new one after it died, hung or was stopped."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from jaxalign.experiment.plan import children
from jaxalign.runtime import environment

# Answers with its own number; "die" ends it with a message, "wait" keeps it busy, "noise" prints other lines first.
CHILD = """
import os, sys, time
for line in sys.stdin:
    word = line.strip()
    if word == "die":
        sys.exit("first line\\nValueError: " + "x" * 400)
    if word == "fall":
        os._exit(3)
    if word == "nap":
        time.sleep(0.2)
    if word == "wait":
        time.sleep(60)
    if word == "noise":
        print("a compiler's own words", flush=True)
    print('{"process": %d, "said": "%s"}' % (os.getpid(), word), flush=True)
"""


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    children.stop()
    monkeypatch.setattr(children, "COMMAND", (sys.executable, "-c", CHILD))
    yield
    children.stop()


def test_one_process_answers_one_question_after_another():
    first, second = children.ask("noise", 20), children.ask("noise", 20)
    assert first == second and '"said": "noise"' in first.line and not first.error
    children.stop()
    assert children.ask("noise", 20).line != first.line


def test_a_child_that_dies_is_an_answer_and_the_next_question_gets_a_new_one():
    before = children.ask("one", 20)
    died = children.ask("die", 20)
    assert not died.line and died.error.startswith("ValueError: xxx") and len(died.error) == 300
    assert children.ask("fall", 20).error == "exit status 3"
    after = children.ask("one", 20)
    assert after.line and after.line != before.line


def test_a_child_that_takes_too_long_is_ended():
    reply = children.ask("wait", 0.3)
    assert not reply.line and reply.error == "the compiler took more than 0.3 seconds"
    assert children.ask("one", 20).line


def test_many_questions_at_once_get_their_own_answers():
    words = [f"word{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda word: children.ask(word, 20), words))
    assert all(f'"{word}"' in reply.line for word, reply in zip(words, replies, strict=True))


@pytest.mark.parametrize(("two_threads", "share"), [(False, 1), (True, 2)])
def test_no_more_threads_compile_than_there_are_cores(two_threads, share):
    """Each of six questions takes .2 s; the children's numbers say how many worked at the same time."""
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: children.ask("nap", 20, two_threads), range(6)))
    assert all(reply.line for reply in replies)
    assert len(set(replies)) <= max(1, environment.cores() // share)


def test_a_program_that_is_refused_leaves_the_child_alive(tmp_path, monkeypatch):
    """The real child: a target without its compiler is an error, and the same process then compiles another."""
    from jaxalign.experiment.plan import programs

    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    started = []
    start = children._started
    monkeypatch.setattr(children, "_started", lambda: started.append(start()) or started[-1])
    wrong = programs.compile_apart(programs.Probe("nothing"))
    assert "Expected --target as one of" in wrong.error
    right = programs.compile_apart(programs.Probe("cpu"))
    assert not right.error and right.argument_bytes == 4 and len(started) == 1
