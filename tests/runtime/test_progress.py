"""Progress on a terminal is one bar, in a log a line now and then, and it ends at 100 %."""

import io
import logging

import pytest

from jaxalign.runtime import log, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def informed():
    """The logger shows information, as under the command line."""
    level = log.LOGGER.level
    log.LOGGER.setLevel(logging.INFO)
    yield
    log.LOGGER.setLevel(level)


def test_a_line_gives_share_and_time_left():
    stream = io.StringIO()
    with progress.Progress(4, "embed fr", "texts", stream=stream, every=0.0) as stage:
        stage.update()
        stage.update(3)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("embed fr: 1/4 texts, 25 %") and lines[0].endswith("left")
    assert lines[-1].startswith("embed fr: 4/4 texts, 100 %") and lines[-1].endswith("in total")


def test_short_work_is_one_line_of_the_log(caplog, informed, capsys):
    stage = progress.Progress(3, "pairs")
    for _ in range(3):
        stage.update()
    stage.close()
    stage.close()
    assert len(caplog.records) == 1 and caplog.records[0].getMessage().startswith("pairs: 3/3 items, 100 %")
    assert capsys.readouterr().out == ""
    progress.Progress(3, "minor", show_end=False).close()
    assert len(caplog.records) == 1


def test_log_lines_are_ten_seconds_apart(caplog, informed, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    stage = progress.Progress(100, "align", "pairs")
    for second in range(1, 101):
        now[0] = second / 2
        stage.update()
    assert [int(record.getMessage().split("/")[0].split()[-1]) for record in caplog.records] == [20, 40, 60, 80, 100]
    stage.close()
    assert len(caplog.records) == 5  # the last line has said it
    assert caplog.records[1].getMessage() == "align: 40/100 pairs, 40 %, 2 pairs/s, 0:30 left"


def test_a_terminal_gets_one_bar_with_rate_and_time_left(informed):
    stream = Terminal()
    with progress.Progress(2, "align", "pairs", stream=stream) as stage:
        stage.update()
        stage.update()
    shown = stream.getvalue()
    assert shown.count("\n") == 1 and shown.rstrip().endswith("pairs/s]") and "100%" in shown and "align" in shown


def test_nothing_is_shown_where_the_logger_is_quiet(capsys):
    log.LOGGER.setLevel(logging.WARNING)
    stream = Terminal()
    with progress.Progress(2, "align", "pairs", stream=stream):
        pass
    assert "100%" not in stream.getvalue() and "\r" not in stream.getvalue()


def test_progress_of_nothing_does_not_divide_by_zero():
    progress.Progress(0, "pairs", stream=io.StringIO()).close()


def test_what_is_left_out_leaves_the_total(caplog, informed):
    """Nine evaluations of ten are done, one turns out to be needless: the bar ends at 100 %, not at 90 %."""
    with progress.EvaluationProgress(10, 42) as bar:
        bar.leave_out(1)
        for _ in range(9):
            bar.within(1, 2)
            bar.next()
    assert caplog.records[-1].getMessage().startswith("align: 378/378 pairs, 100 %")


def test_each_stage_has_its_own_line(caplog, informed):
    show = progress.StageProgress("words")
    for stage in ("penalties", "ranks"):
        for done in (1, 2):
            show(stage, done, 2)
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        "penalties: 2/2 words", "ranks: 2/2 words"]  # fmt: skip
