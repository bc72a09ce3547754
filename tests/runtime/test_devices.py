"""--dtype=auto takes bfloat16 where the device multiplies it natively."""

from types import SimpleNamespace

import jax
import pytest

from jaxalign.runtime import devices


@pytest.mark.parametrize("device, instructions, dtype", [
    (SimpleNamespace(platform="cpu"), True, "bfloat16"), (SimpleNamespace(platform="cpu"), False, "float32"),
    (SimpleNamespace(platform="tpu"), False, "bfloat16"),
    (SimpleNamespace(platform="gpu", compute_capability="7.5"), True, "float32"),
    (SimpleNamespace(platform="gpu", compute_capability="9.0"), False, "bfloat16"),
])  # fmt: skip
def test_auto_depends_on_the_device(monkeypatch, device, instructions, dtype):
    monkeypatch.setattr(jax, "local_devices", lambda: [device])
    monkeypatch.setattr(devices, "has_bfloat16_instructions", lambda: instructions)
    assert devices.resolve_dtype("auto") == dtype
    assert devices.resolve_dtype("float32") == "float32"
