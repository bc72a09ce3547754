"""LoRA adapters: merged into their base in float64, others refused by name. Needs no torch."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxalign import models
from jaxalign.models.checkpoint.lora import read_adapter
from jaxalign.types import InputError
from tests.models.checkpoints import CONFIG, QUERY, tensors, write

ROWS = [[5, 17, 3], [8]]


def states(model):
    return models.hidden_states(model, ROWS)


def adapter(folder, base, rank=2, **fields):
    """Writes a LoRA adapter of the queries of all layers; returns the merged tensors, in float64."""
    folder.mkdir()
    options = dict(peft_type="LORA", base_model_name_or_path=str(base), r=rank, lora_alpha=6, bias="none") | fields
    (folder / "adapter_config.json").write_text(json.dumps(options))
    draw, found, merged = np.random.default_rng(5), {}, tensors()
    scale = options["lora_alpha"] / (np.sqrt(rank) if options.get("use_rslora") else rank)
    for layer in range(CONFIG["num_hidden_layers"]):
        key = QUERY.replace("layers.1", f"layers.{layer}")
        down, up = draw.normal(size=(rank, 16)), draw.normal(size=(16, rank))
        name = "base_model.model." + key.removesuffix(".weight")
        found |= {f"{name}.lora_A.weight": down.astype("f4"), f"{name}.lora_B.weight": up.astype("f4")}
        product = up.astype("f4").astype("f8") @ down.astype("f4").astype("f8")
        merged[key] = (merged[key] + scale * product).astype(np.float32)
    save_file(found, folder / "adapter_model.safetensors")
    return merged


@pytest.mark.parametrize("fields", [{}, {"use_rslora": True}])
def test_lora_is_merged_into_its_base(tmp_path, fields):
    base = write(tmp_path / "base")
    merged = adapter(tmp_path / "adapter", base, **fields)
    ours, right = models.load_model(tmp_path / "adapter"), models.load_model(write(tmp_path / "merged", merged))
    for mine, theirs in zip(states(ours), states(right), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * np.sqrt(np.mean(theirs**2)))
    plain = models.load_model(base)
    assert ours.digest != plain.digest
    assert np.abs(states(ours)[0][1:] - states(plain)[0][1:]).max() > 0.1


@pytest.mark.parametrize(
    ("fields", "name"),
    [(dict(use_dora=True), "use_dora"), (dict(modules_to_save=["embed_tokens"]), "modules_to_save"),
     (dict(peft_type="IA3"), "IA3"), (dict(bias="all"), "bias"), (dict(base_model_name_or_path=None), "base_model"),
     (dict(base_model_name_or_path="/nowhere/base"), "/nowhere/base")],
)  # fmt: skip
def test_other_adapters_are_named_with_their_base(tmp_path, fields, name):
    adapter(tmp_path / "adapter", write(tmp_path / "base"), **fields)
    with pytest.raises(InputError, match=name):
        models.load_model(tmp_path / "adapter")


def test_an_adapter_of_another_base_is_refused(tmp_path):
    base = write(tmp_path / "base")
    adapter(tmp_path / "adapter", base)
    assert read_adapter(tmp_path / "adapter").base == str(base)
    found = {"base_model.model.model.layers.7.mlp.up_proj.lora_A.weight": np.zeros((2, 16), np.float32)}
    save_file(found, tmp_path / "adapter" / "adapter_model.safetensors")
    with pytest.raises(InputError, match="lora_B"):
        models.load_model(tmp_path / "adapter")
