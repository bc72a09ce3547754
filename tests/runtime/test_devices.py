"""--dtype=auto takes bfloat16 where the device multiplies it natively; where compiled programs are kept."""

from types import SimpleNamespace

import jax
import pytest

from jaxalign.config import Config
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


@pytest.fixture
def cache_setting():
    """The folder that JAX is told of, as it was before the test."""
    before = jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs
    yield
    jax.config.update("jax_compilation_cache_dir", before[0])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before[1])


def test_compiled_programs_are_kept_in_the_cache_folder_of_the_user(tmp_path, monkeypatch, cache_setting):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert devices.prepare(Config()) == 0
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "jaxalign" / "compiled")
    assert (tmp_path / "jaxalign" / "compiled").stat().st_mode & 0o077 == 0


def test_the_folder_that_a_user_gives_to_jax_is_kept(tmp_path, monkeypatch, cache_setting):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))  # as JAX reads the variable at its start
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    devices.prepare(Config())
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "own") and not (tmp_path / "cache").exists()
