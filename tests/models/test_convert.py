"""Loading: files of every form give the same model. Needs no torch, but for pytorch_model.bin."""

import tracemalloc

import jax
import ml_dtypes
import numpy as np
import pytest

from jaxalign import models
from jaxalign.models.checkpoint import convert
from jaxalign.types import InputError
from tests.models.checkpoints import CONFIG, QUERY, poisoned, tensors, write
from tests.models.parity import random_tensors


def test_leaves_hold_the_checkpoint(tmp_path):
    found, model = tensors(), models.load_model(write(tmp_path))
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])
    np.testing.assert_array_equal(kernel[1], found[QUERY].T)
    np.testing.assert_array_equal(model.params["embed"]["tokens"]["embedding"], found["model.embed_tokens.weight"])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtype_is_cast_from_the_files_own(tmp_path, dtype):
    found = tensors(ml_dtypes.bfloat16)
    model = models.load_model(write(tmp_path, found), dtype=dtype)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(model.params)} == {dtype}
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])[1]
    np.testing.assert_array_equal(kernel, found[QUERY].T.astype(dtype))


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


@pytest.mark.parametrize("stored", [np.float32, ml_dtypes.bfloat16])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(("take", "stacked"), [(None, 1), (lambda tensor: tensor.T, 1), (lambda tensor: tensor[2:], 2)])
def test_small_leaves_on_the_host_are_those_of_the_devices_program(monkeypatch, take, stacked, dtype, stored):
    numbers = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype(stored)[: None if stacked == 2 else 1]
    numbers = numbers if stacked == 2 else numbers[0]
    numbers[1, 0, 0] = 1e30  # too large for float16 alone
    small = convert.convert(numbers, take, stacked, dtype, None)
    monkeypatch.setattr(convert, "_SMALL", 0)
    program = convert.convert(numbers, take, stacked, dtype, None)
    assert small.values.dtype == program.values.dtype and small.values.devices() == program.values.devices()
    np.testing.assert_array_equal(np.asarray(small.values), np.asarray(program.values))
    np.testing.assert_array_equal(small.finite, program.finite)


def test_one_layer_of_another_dtype_keeps_its_digits(tmp_path):
    narrow = tensors(ml_dtypes.bfloat16)
    wide = tensors()[QUERY]
    model = models.load_model(write(tmp_path, narrow | {QUERY: wide}))
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])
    np.testing.assert_array_equal(kernel[1], wide.T)
    other = QUERY.replace("layers.1", "layers.0")
    np.testing.assert_array_equal(kernel[0], narrow[other].astype(np.float32).T)


def test_overflow_of_a_cast_is_named(tmp_path):
    folder = write(tmp_path, poisoned(1e5))
    models.load_model(folder)
    with pytest.raises(InputError, match=QUERY):
        models.load_model(folder, dtype="float16")
