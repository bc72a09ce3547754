"""Files of a checkpoint: whole, in shards, pytorch_model.bin (which needs torch); damaged ones are named."""

import sys

import pytest
from safetensors.numpy import load_file, save_file

from jaxalign import models
from jaxalign.types import InputError
from tests.models.checkpoints import INDEX, QUERY, assert_same, edit_index, tensors, write, write_shards


def test_shards_equal_one_file(tmp_path):
    one, many = models.load_model(write(tmp_path / "one")), models.load_model(write_shards(tmp_path / "many"))
    assert_same(one, many)
    assert one.digest == many.digest


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


def truncated(folder):
    shard = next(iter(sorted(folder.glob("model-*"))))
    shard.write_bytes(shard.read_bytes()[:-64])
    return shard.name


def missing_shard(folder):
    shard = next(iter(sorted(folder.glob("model-*"))))
    shard.unlink()
    return shard.name


def index_names_a_missing_file(folder):
    edit_index(folder, QUERY, "model-00009-of-00009.safetensors")
    return "model-00009-of-00009.safetensors"


def index_leaves_the_folder(folder):
    save_file(tensors(), folder.parent / "outside.safetensors")
    edit_index(folder, QUERY, "../outside.safetensors")
    return "'../outside.safetensors'"


def index_names_an_absolute_path(folder):
    edit_index(folder, QUERY, str(folder / "model-00001-of-00003.safetensors"))
    return "file names beside"


def index_names_a_link_out_of_the_folder(folder):
    shard = next(iter(sorted(folder.glob("model-*"))))
    shard.rename(folder.parent / "outside.safetensors")
    shard.symlink_to(folder.parent / "outside.safetensors")
    return "lie in its folder"


def index_names_a_key_its_shard_lacks(folder):
    edit_index(folder, "model.more.weight", "model-00001-of-00003.safetensors")
    return "model.more.weight"


def index_is_no_json(folder):
    (folder / INDEX).write_text("{")
    return "weight_map"


def index_without_map(folder):
    (folder / INDEX).write_text("[1]")
    return "weight_map"


def no_weights(folder):
    for path in folder.glob("model*"):
        path.unlink()
    return "pytorch_model.bin"


@pytest.mark.parametrize(
    "damage",
    [truncated, missing_shard, index_names_a_missing_file, index_leaves_the_folder, index_names_an_absolute_path,
     index_names_a_link_out_of_the_folder, index_names_a_key_its_shard_lacks, index_is_no_json, index_without_map,
     no_weights],
)  # fmt: skip
def test_damaged_files_are_named(tmp_path, damage):
    folder = write_shards(tmp_path / "model")
    models.load_model(folder)
    name = damage(folder)
    with pytest.raises(InputError) as caught:
        models.load_model(folder)
    assert name in str(caught.value)
