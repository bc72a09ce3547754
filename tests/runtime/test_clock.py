"""The clock's sums, the progress line and the environment block; no assertion on how fast anything is."""

import io
import json
import time

import jax
import jax.numpy as jnp
import pytest

from jaxalign.runtime import clock as clock_module


def seconds(clock):
    return {row["phase"]: row["seconds"] for row in clock.rows()}


def test_phases_and_the_rest_add_up_to_the_total():
    clock = clock_module.Clock()
    with clock.phase("embed"):
        time.sleep(0.02)
    time.sleep(0.01)
    found = seconds(clock)
    total = found.pop("total")
    assert sum(found.values()) == pytest.approx(total, abs=1e-4)
    assert found["embed"] >= 0.02 and found["untracked"] >= 0.01


def test_a_phase_inside_another_is_counted_once():
    clock = clock_module.Clock()
    with clock.phase("align"):
        with clock.phase("retrieve"):
            time.sleep(0.03)
    found = seconds(clock)
    assert found["retrieve"] >= 0.03
    assert found["align"] < 0.03


def test_compilation_is_taken_out_of_the_phase_it_happens_in():
    clock = clock_module.Clock()
    with clock.phase("align"):
        jax.jit(lambda x: jnp.linalg.svd(jnp.sin(x) @ x)[0])(jnp.ones((8, 8))).block_until_ready()
    found = seconds(clock)
    assert found["compile"] > 0
    assert found["compile"] + found["align"] <= found["total"] + 1e-4


def test_an_interrupted_phase_is_still_counted():
    clock = clock_module.Clock()
    with pytest.raises(KeyError), clock.phase("load"):
        raise KeyError
    assert "load" in seconds(clock)


def test_rows_stand_in_the_order_of_a_run():
    clock = clock_module.Clock()
    for phase in ("score", "isometry", "load"):
        clock.add(phase, 0.0)
    assert [row["phase"] for row in clock.rows()] == ["load", "score", "isometry", "untracked", "total"]


def test_progress_tells_share_and_time_left():
    stream = io.StringIO()
    with clock_module.Progress(4, "embed fr", "texts", stream=stream, every=0.0) as progress:
        progress.update()
        progress.update(3)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("embed fr: 1/4 texts, 25 %") and lines[0].endswith("left")
    assert lines[-1].startswith("embed fr: 4/4 texts, 100 %") and lines[-1].endswith("in all")


def test_progress_off_a_terminal_is_one_line_for_short_work(capsys):
    progress = clock_module.Progress(3, "pairs")
    for _ in range(3):
        progress.update()
    progress.close()
    progress.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_progress_of_nothing_does_not_divide_by_zero():
    clock_module.Progress(0, "pairs", stream=io.StringIO()).close()


def test_environment_is_plain_json_and_names_the_device():
    found = json.loads(json.dumps(clock_module.environment()))
    assert found["platform"] == jax.devices()[0].platform
    assert found["device_count"] == len(jax.devices())
    assert found["versions"]["jax"] == jax.__version__


def test_peaks_are_positive():
    assert clock_module.peak_memory()["host_bytes"] > 1e6
    assert clock_module.peak_product(repeats=1) > 0
