"""The port of BERT, RoBERTa, CamemBERT and XLM-R against transformers: every layer, float32 and bfloat16."""

import pytest
from safetensors.numpy import load_file, save_file

from jaxalign import models
from jaxalign.types import InputError
from tests.models.family import ENCODER, check_alone, check_both, check_encoder, check_padding_inside
from tests.models.parity import our_states, texts, write

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

ROBERTA = ENCODER | dict(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1)


@pytest.mark.parametrize(
    "config, auto",
    [
        ("BertConfig", "AutoModelForMaskedLM"),
        ("XLMRobertaConfig", "AutoModelForMaskedLM"),
        ("XLMRobertaConfig", "AutoModel"),
    ],
)
def test_parity(tmp_path, config, auto):
    rows = dict(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5) if "XLM" in config else {}
    model, _ = check_both(tmp_path, getattr(transformers, config)(**(ENCODER | rows)), auto)
    assert model.max_length == 512 and not model.causal
    check_alone(model)


@pytest.mark.parametrize("kind", ["RobertaConfig", "CamembertConfig", "XLMRobertaXLConfig"])
def test_parity_with_positions_after_the_padding_id(tmp_path, kind):
    model = check_encoder(tmp_path, getattr(transformers, kind)(**ROBERTA), "AutoModelForMaskedLM")
    if kind != "XLMRobertaXLConfig":
        check_alone(model)


@pytest.mark.parametrize("kind", ["RobertaConfig", "XLMRobertaXLConfig"])
def test_a_padding_token_inside_a_text(tmp_path, kind):
    check_padding_inside(tmp_path, getattr(transformers, kind)(**ROBERTA), "AutoModelForMaskedLM")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    write(folder, transformers.BertConfig(**ENCODER), "AutoModel")
    return folder


def test_old_names_of_norms_and_heads(bert, tmp_path):
    """mBERT's files have gamma and beta, a prefix, and the heads of pretraining."""
    tensors = load_file(bert / "model.safetensors")
    old = {}
    for key, value in tensors.items():
        key = key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        old["bert." + key] = value
    for head in ("predictions.transform.LayerNorm.gamma", "predictions.bias", "seq_relationship.weight"):
        old["cls." + head] = tensors["embeddings.LayerNorm.weight"]
    save_file(old, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((bert / "config.json").read_text())
    token_lists = texts(97, (5, 9))
    new, found = our_states(models.load_model(bert), token_lists), our_states(models.load_model(tmp_path), token_lists)
    assert all((mine == other).all() for mine, other in zip(new, found, strict=True))


@pytest.mark.parametrize("option", [dict(position_embedding_type="relative_key"), dict(is_decoder=True)])
def test_variants_are_refused(option):
    with pytest.raises(InputError, match=next(iter(option))):
        models.read_config(transformers.BertConfig(**ENCODER).to_dict() | option)
