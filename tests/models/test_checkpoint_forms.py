"""Checkpoints in the forms that people have them in: tied, with heads, of mixed dtypes, quantised, adapters, caches."""

import json
import shutil

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxalign import models
from jaxalign.models.checkpoint import hub
from jaxalign.models.checkpoint.lora import read_adapter
from jaxalign.types import InputError
from tests.models.checkpoints import CONFIG, QUERY, assert_same, tensors, write

EMBEDDING = "model.embed_tokens.weight"
ROWS = [[5, 17, 3], [8]]


def states(model):
    return models.hidden_states(model, ROWS)


def test_a_tied_checkpoint_with_only_the_output_embedding(tmp_path):
    plain = tensors()
    tied = {key: value for key, value in plain.items() if key != EMBEDDING} | {"lm_head.weight": plain[EMBEDDING]}
    one = models.load_model(write(tmp_path / "plain", plain))
    assert_same(one, models.load_model(write(tmp_path / "tied", tied, tie_word_embeddings=True)))
    with pytest.raises(InputError, match="embed_tokens"):
        models.load_model(write(tmp_path / "untied", tied, tie_word_embeddings=False))


@pytest.mark.parametrize(
    "head",
    ["score.weight", "classifier.weight", "classifier.out_proj.bias", "v_head.summary.weight", "value_head.weight",
     "classification_head.dense.weight", "lm_head.bias", "model.score.weight", "regression_head.weight"],
)  # fmt: skip
def test_heads_are_ignored_in_every_family(tmp_path, head):
    found = tensors() | {head: np.ones((2, 16), np.float32)}
    assert_same(models.load_model(write(tmp_path / "a")), models.load_model(write(tmp_path / "b", found)))


def test_one_layer_of_another_dtype_keeps_its_digits(tmp_path):
    narrow = tensors(ml_dtypes.bfloat16)
    wide = tensors()[QUERY]
    model = models.load_model(write(tmp_path, narrow | {QUERY: wide}))
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])
    np.testing.assert_array_equal(kernel[1], wide.T)
    other = QUERY.replace("layers.1", "layers.0")
    np.testing.assert_array_equal(kernel[0], narrow[other].astype(np.float32).T)


@pytest.mark.parametrize(
    ("keys", "fields", "name"),
    [
        (["qweight", "qzeros", "scales", "g_idx"], {}, "GPTQ or AWQ"),
        (["weight_scale_inv"], {}, "FP8"),
        (["weight.absmax", "weight.quant_state.bitsandbytes__nf4"], {}, "bitsandbytes"),
        (["weight.absmax"], {"quantization_config": {"quant_method": "bitsandbytes"}}, "bitsandbytes"),
        ([], {"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq"),
    ],
)
def test_quantised_checkpoints_are_named_as_such(tmp_path, keys, fields, name):
    found = tensors() | {QUERY.replace("weight", key): np.zeros((4, 4), np.int32) for key in keys}
    with pytest.raises(InputError, match=name) as caught:
        models.load_model(write(tmp_path, found, **fields))
    assert "quantised" in str(caught.value)


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


def sentence_model(folder, mode="pooling_mode_cls_token", extra=(), inner="", **settings):
    """A sentence-transformers folder round a tiny checkpoint."""
    folder.mkdir()
    write(folder / inner if inner else folder)
    modules = [("Transformer", inner), ("Pooling", "1_Pooling"), *extra]
    named = [{"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
             for n, (kind, path) in enumerate(modules)]  # fmt: skip
    (folder / "modules.json").write_text(json.dumps(named))
    (folder / "1_Pooling").mkdir()
    modes = {"word_embedding_dimension": 16, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False}
    modes[mode] = True
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    for name, value in settings.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder


@pytest.mark.parametrize(
    ("mode", "pooling"),
    [("pooling_mode_cls_token", "first"), ("pooling_mode_mean_tokens", "mean"), ("pooling_mode_lasttoken", "last")],
)
def test_pooling_of_sentence_transformers_is_the_default(tmp_path, mode, pooling):
    model = models.load_model(sentence_model(tmp_path / "m", mode, extra=[("Normalize", "2_Normalize")]))
    assert model.default_pooling == pooling and model.prompts == {} and not model.warnings


def test_what_no_pooling_gives_is_refused_by_name(tmp_path):
    dense = models.load_model(sentence_model(tmp_path / "dense", extra=[("Dense", "2_Dense")]))
    with pytest.raises(InputError, match="Dense"):
        dense.default_pooling  # noqa: B018
    largest = models.load_model(sentence_model(tmp_path / "max", "pooling_mode_max_tokens"))
    with pytest.raises(InputError, match="max_tokens"):
        largest.default_pooling  # noqa: B018


def test_prompts_and_lower_case_of_sentence_transformers(tmp_path):
    folder = sentence_model(
        tmp_path / "m", config_sentence_transformers={"prompts": {"query": "query: ", "document": ""}},
        sentence_bert_config={"max_seq_length": 64, "do_lower_case": True},
    )  # fmt: skip
    model = models.load_model(folder)
    assert model.prompts == {"query": "query: "}
    assert len(model.warnings) == 1 and "lower case" in model.warnings[0]


def test_a_transformer_in_its_own_folder(tmp_path):
    folder = sentence_model(tmp_path / "m", inner="0_Transformer")
    assert_same(models.load_model(folder), models.load_model(folder / "0_Transformer"))
    assert models.load_model(folder).default_pooling == "first"


def cache(tmp_path, commits=("0123456789abcdef0123456789abcdef01234567",)):
    """A folder of the hub's cache with snapshots, of which the first is main."""
    folder = tmp_path / "models--org--name"
    for commit in commits:
        (folder / "snapshots").mkdir(parents=True, exist_ok=True)
        write(folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commits[0])
    return folder


def test_a_folder_of_the_hubs_cache(tmp_path):
    commits = ("0123456789abcdef0123456789abcdef01234567", "abcdef0123456789abcdef0123456789abcdef01")
    folder = cache(tmp_path, commits)
    assert models.load_model(folder).revision == commits[0]
    assert models.load_model(folder, revision="abcdef0").revision == commits[1]
    with pytest.raises(InputError, match="hub id"):
        models.load_model(folder, revision="fffffff")


def test_a_short_commit_is_found_in_the_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = cache(tmp_path)
    commit = next((folder / "snapshots").iterdir()).name
    assert hub.full_commit("org/name", commit[:9]) == commit
    assert hub.full_commit("org/name", "main") == "main" and hub.full_commit("org/other", commit[:9]) == commit[:9]


def test_weights_that_are_not_in_the_cache(tmp_path):
    folder = cache(tmp_path)
    snapshot = next((folder / "snapshots").iterdir())
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(InputError, match=f"hf download org/name --revision {snapshot.name}"):
        models.load_model(snapshot)


def test_a_seq2seq_classifier(tmp_path):
    """MT5ForSequenceClassification puts "transformer." in front of the keys, and a head beside it."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from tests.models.parity import write as write_torch

    sizes = dict(vocab_size=61, d_model=24, d_kv=5, d_ff=20, num_layers=2, num_heads=3, eos_token_id=2)
    config = transformers.MT5Config(**sizes)
    write_torch(tmp_path / "whole", config, "AutoModelForSequenceClassification")
    assert models.load_model(tmp_path / "whole").num_layers == 2
    shutil.rmtree(tmp_path / "whole")
