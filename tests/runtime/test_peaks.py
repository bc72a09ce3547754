"""Measured peaks of this machine's products and copies; the figures themselves are not judged."""

import jax.numpy as jnp

from jaxalign.runtime import peaks


def test_peaks_are_positive():
    assert peaks.peak_product(repeats=1) > 0
    assert peaks.copy_bandwidth(megabytes=4, repeats=1) > 0


def test_a_bfloat16_product_is_written_as_float32(monkeypatch):
    """Into bfloat16 a CPU with bfloat16 instructions reaches half of the peak, and models would exceed it."""
    asked = []
    matmul = jnp.matmul
    monkeypatch.setattr(jnp, "matmul", lambda *args, **named: asked.append(named) or matmul(*args, **named))
    assert peaks.peak_product("bfloat16", repeats=1, least_seconds=0.0) > 0
    assert [named["preferred_element_type"] for named in asked] == [jnp.float32]
