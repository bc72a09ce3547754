"""Seconds per phase add up; no assertion on how fast anything is."""

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


def test_imports_are_taken_out_of_the_phase_they_happen_in():
    clock = clock_module.Clock(imported=2.0)
    with clock.phase("load"), clock_module.importing():
        time.sleep(0.03)
    found = seconds(clock)
    assert found["import"] >= 2.03 and found["load"] < 0.03 and found["total"] >= 2.03
