"""Targets: every name is read or refused with the nearest one; the compilers answer where they are installed."""

import pytest

from jaxalign.runtime import targets
from jaxalign.types import InputError


@pytest.mark.parametrize(
    ("text", "name", "count"), [("h100", "h100", 1), ("v5e-8", "v5e", 8), ("v4", "v4", 4), ("cpu", "cpu", 1)]
)
def test_a_target_is_a_device_and_a_number(text, name, count):
    target = targets.read_target(text)
    assert (target.device.name, target.number) == (name, count)
    assert targets.read_target(target.name) == target


@pytest.mark.parametrize(
    ("text", "said"),
    [("v9", "one of v4, v5e"), ("", "one of"), ("v5e-3", "nearest is v5e-4"), ("v5e-0", "one of"),
     ("h100-16", "h100-8"), ("v5e-x", "one of"), ("cpu-2", "cpu-1")],
)  # fmt: skip
def test_a_wrong_target_is_refused_with_the_nearest(text, said):
    with pytest.raises(InputError, match=said):
        targets.read_target(text)


def test_every_device_has_plausible_figures():
    for device in targets.DEVICES:
        assert device.float32_flops <= device.bfloat16_flops
        assert 10**9 < device.bandwidth_bytes < 10**13 and 10**10 < device.memory_bytes < 10**12
        assert len(device.source) > 20 and targets.smallest(device) <= device.most


def test_a_missing_compiler_is_named(monkeypatch):
    from jax.experimental import topologies

    def refuse(**_):
        raise RuntimeError("no plugin")

    monkeypatch.setattr(topologies, "get_topology_desc", refuse)
    with pytest.raises(InputError, match=r"jaxalign\[tpu\]"):
        targets.devices(targets.read_target("v5e-4"))
    with pytest.raises(InputError, match=r"jaxalign\[cuda13\]"):
        targets.devices(targets.read_target("h100"))
