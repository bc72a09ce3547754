"""Converted weights on disk: the same model without its files, and its key. Needs no torch."""

import shutil

import pytest

from jaxalign import models
from jaxalign.models.checkpoint import cache
from jaxalign.types import InputError
from tests.models.checkpoints import assert_same, tensors, write


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
