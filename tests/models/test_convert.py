"""Loading: files of every form give the same model. Needs no torch, but for pytorch_model.bin."""

import shutil
import sys
import tracemalloc

import jax
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

from jaxalign import models
from jaxalign.models.checkpoint import cache
from jaxalign.types import InputError
from tests.models.checkpoints import CONFIG, QUERY, assert_same, tensors, write, write_shards
from tests.models.parity import random_tensors


def test_leaves_hold_the_checkpoint(tmp_path):
    found, model = tensors(), models.load_model(write(tmp_path))
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])
    np.testing.assert_array_equal(kernel[1], found[QUERY].T)
    np.testing.assert_array_equal(model.params["embed"]["tokens"]["embedding"], found["model.embed_tokens.weight"])


def test_shards_equal_one_file(tmp_path):
    one, many = models.load_model(write(tmp_path / "one")), models.load_model(write_shards(tmp_path / "many"))
    assert_same(one, many)
    assert one.digest == many.digest


def test_keys_without_the_prefix(tmp_path):
    bare = {key.removeprefix("model."): value for key, value in tensors().items()}
    assert_same(models.load_model(write(tmp_path / "one")), models.load_model(write(tmp_path / "bare", bare)))


def test_digest_follows_weights_and_config(tmp_path):
    found = tensors()
    found[QUERY][0, 0] += 1
    digests = {
        models.load_model(write(tmp_path / "a")).digest,
        models.load_model(write(tmp_path / "b", found)).digest,
        models.load_model(write(tmp_path / "c", rms_norm_eps=1e-6)).digest,
    }
    assert len(digests) == 3
    assert models.load_model(tmp_path / "a").digest in digests


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtype_is_cast_from_the_files_own(tmp_path, dtype):
    found = tensors(ml_dtypes.bfloat16)
    model = models.load_model(write(tmp_path, found), dtype=dtype)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(model.params)} == {dtype}
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])[1]
    np.testing.assert_array_equal(kernel, found[QUERY].T.astype(dtype))


def test_cache_gives_the_same_model_without_the_weights(tmp_path):
    folder = write(tmp_path / "model")
    made = models.load_model(folder, dtype="bfloat16", cache_dir=tmp_path / "cache")
    (entry,) = (tmp_path / "cache").iterdir()
    stamp = entry.stat().st_mtime_ns
    again = models.load_model(folder, dtype="bfloat16", cache_dir=tmp_path / "cache")
    assert_same(made, again)
    assert (made.digest, stamp) == (again.digest, entry.stat().st_mtime_ns)
    write(folder, {key: value + 1 for key, value in tensors().items()})
    changed = models.load_model(folder, dtype="bfloat16", cache_dir=tmp_path / "cache")
    assert changed.digest != made.digest
    shutil.rmtree(entry / "params")
    with pytest.raises(InputError, match="Delete that folder"):
        cache.restore(entry, models.abstract(made.config), None)


def test_host_holds_one_leaf_at_a_time(tmp_path):
    """NumPy's peak during a load, traced: the largest leaf and a little, of weights five times as large."""
    wide = dict(vocab_size=4096, hidden_size=256, intermediate_size=1024, num_hidden_layers=4)
    folder = write(tmp_path, random_tensors(CONFIG | wide), **wide)
    models.load_model(folder, dtype="bfloat16")  # compiles, so that only data is left to trace
    tracemalloc.start()
    model = models.load_model(folder, dtype="bfloat16")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sizes = [2 * leaf.nbytes for leaf in jax.tree.leaves(model.params)]  # the file's are float32
    assert peak < max(sizes) + 2**20 < sum(sizes) / 3


def test_random_weights_need_config_alone(tmp_path):
    (write(tmp_path) / "model.safetensors").unlink()
    one, same, other = (models.load_model(tmp_path, weights="random", seed=seed) for seed in (0, 0, 1))
    assert_same(one, same)
    assert one.digest == same.digest != other.digest


def to_bin(folder):
    torch = pytest.importorskip("torch")
    found = {key: torch.from_numpy(value) for key, value in load_file(folder / "model.safetensors").items()}
    torch.save(found, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_bin_equals_safetensors(tmp_path):
    assert_same(models.load_model(write(tmp_path / "one")), models.load_model(to_bin(write(tmp_path / "bin"))))


def test_bin_runs_no_code(tmp_path):
    torch = pytest.importorskip("torch")
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    folder = to_bin(write(tmp_path / "model"))
    torch.save({QUERY: Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="only tensors"):
        models.load_model(folder)
    assert not marker.exists()


def test_bin_without_torch_names_the_extra(tmp_path, monkeypatch):
    folder = write(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"jaxalign\[parity\]"):
        models.load_model(folder)
