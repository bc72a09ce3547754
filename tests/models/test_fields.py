"""Every field of config.json that changes a hidden state is read, at a value that changes nothing, or refused by name.

Each field of each family's config in transformers is changed in turn; the model of transformers with that config, and
the same weights, says what is right.
"""

import copy
import dataclasses

import numpy as np
import pytest

from jaxalign import models
from jaxalign.models.families.registry import FAMILIES, read_all
from jaxalign.types import InputError
from tests.models.parity import our_states, randomise, texts

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

DECODER = dict(
    vocab_size=61, hidden_size=24, intermediate_size=20, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)  # fmt: skip
ENCODER = dict(vocab_size=61, hidden_size=24, num_hidden_layers=3, num_attention_heads=3, intermediate_size=20,
               max_position_embeddings=66, pad_token_id=0)  # fmt: skip
T5 = dict(vocab_size=61, d_model=24, d_kv=5, d_ff=20, num_layers=3, num_heads=3, num_decoder_layers=1)
M2M = dict(vocab_size=61, d_model=24, encoder_layers=3, decoder_layers=1, encoder_attention_heads=3,
           decoder_attention_heads=3, encoder_ffn_dim=20, decoder_ffn_dim=20, max_position_embeddings=64)  # fmt: skip
CONFIGS = {
    "llama": DECODER, "eurobert": DECODER, "mistral": DECODER, "ministral": DECODER | dict(head_dim=6),
    "ministral3": DECODER | dict(head_dim=6), "qwen2": DECODER, "qwen3": DECODER | dict(head_dim=6),
    "mixtral": DECODER | dict(num_local_experts=3),
    "qwen3_moe": DECODER | dict(head_dim=6, num_experts=3, num_experts_per_tok=2, moe_intermediate_size=8),
    "gemma": DECODER | dict(head_dim=6), "gemma2": DECODER | dict(head_dim=6, sliding_window=5),
    "gemma3_text": DECODER | dict(head_dim=6, sliding_window=5), "cohere": DECODER,
    "cohere2": DECODER | dict(sliding_window=5), "smollm3": DECODER, "granite": DECODER,
    "phi3": DECODER, "olmo2": DECODER, "olmo3": DECODER | dict(sliding_window=5), "glm": DECODER | dict(head_dim=8),
    "glm4": DECODER | dict(head_dim=8), "apertus": DECODER,
    "gpt_neox": dict(ENCODER, num_attention_heads=3),
    "bloom": dict(vocab_size=61, hidden_size=24, n_layer=3, n_head=3),
    "xglm": dict(vocab_size=61, d_model=24, ffn_dim=20, num_layers=3, attention_heads=3, max_position_embeddings=64),
    "gpt2": dict(vocab_size=61, n_embd=24, n_layer=3, n_head=3, n_positions=64),
    "t5": T5, "mt5": T5, "umt5": T5, "bert": ENCODER, "roberta": ENCODER | dict(pad_token_id=1),
    "camembert": ENCODER | dict(pad_token_id=1), "xlm-roberta": ENCODER | dict(pad_token_id=1),
    "xlm-roberta-xl": ENCODER | dict(pad_token_id=1),
    "distilbert": dict(vocab_size=61, dim=24, n_layers=3, n_heads=3, hidden_dim=20, max_position_embeddings=64),
    "deberta-v2": ENCODER | dict(relative_attention=True, pos_att_type="c2p|p2c", position_buckets=8,
                                 share_att_key=True, norm_rel_ebd="layer_norm"),
    "modernbert": ENCODER | dict(local_attention=6, cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2),
    "m2m_100": M2M, "mbart": M2M,
}  # fmt: skip
SIZES = {  # another size is another checkpoint: the shapes of the tensors say so
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "head_dim", "n_embd", "n_layer", "n_head", "n_inner", "d_model", "d_kv", "d_ff", "num_layers", "num_heads",
    "num_decoder_layers", "ffn_dim", "attention_heads", "dim", "n_layers", "n_heads", "hidden_dim", "type_vocab_size",
    "encoder_layers", "decoder_layers", "encoder_attention_heads", "decoder_attention_heads", "encoder_ffn_dim",
    "decoder_ffn_dim", "num_experts", "num_local_experts", "moe_intermediate_size", "position_buckets",
    "relative_attention_num_buckets", "max_position_embeddings", "n_positions",
}  # fmt: skip
OTHER = {  # fields whose other value is not the opposite, twice, or a tenth of the usual one
    "hidden_act": "gelu", "hidden_activation": "relu", "activation_function": "relu", "activation": "relu",
    "feed_forward_proj": "gated-silu", "pos_att_type": "c2p", "norm_rel_ebd": "none",
    "position_embedding_type": "relative",
    "num_experts_per_tok": 1, "mlp_only_layers": [1], "pad_token_id": 5,
    "layer_types": ["full_attention", "sliding_attention", "full_attention"], "no_rope_layers": [0, 1, 1],
    "rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 300.0}, "max_relative_positions": 9,
    "decoder_sparse_step": 2, "sliding_window": 3, "rope_theta": 77.0, "rope_scaling": None, "local_attention": 4,
    "classifier_pooling": "mean",
}  # fmt: skip


def test_every_family_is_here():
    assert set(CONFIGS) == {kind for family in FAMILIES for kind in family.MODEL_TYPES} - {"gemma3", "mistral3"}


def fields_of(kind):
    config = transformers.AutoConfig.for_model(kind, **copy.deepcopy(CONFIGS[kind]))
    return config, [field for field in config.to_dict() if field not in ("model_type", "architectures")]


def torch_of(kind, raw, weights=None):
    """The model of transformers for a config.json, with random weights or those of another model."""
    options = {name: value for name, value in copy.deepcopy(raw).items() if name != "model_type"}
    config = transformers.AutoConfig.for_model(kind, **options)
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config, attn_implementation="eager")
    if weights is None:
        return randomise(model)
    model.load_state_dict(weights.state_dict())
    return model.eval()


def states_of(kind, model):
    whole = model.get_encoder() if kind in ("t5", "mt5", "umt5", "m2m_100", "mbart") else model
    tokens = torch.tensor(texts(61, (24,)))
    with torch.no_grad():
        out = whole(input_ids=tokens, output_hidden_states=True).hidden_states
    return [np.stack([state[0].float().numpy() for state in out])]


def changed(value, name):
    if name in OTHER:
        return OTHER[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 2 if value else 1
    return "other" if isinstance(value, str) else True


@pytest.mark.parametrize("kind", CONFIGS)
def test_defaults_of_transformers_give_no_warning_and_its_values(kind):
    """A config with only the fields that the sizes need reads like the whole one that transformers writes."""
    config, names = fields_of(kind)
    whole = read_all(config.to_dict() | {"model_type": kind})
    assert whole.warnings == ()
    left_out = {name: value for name, value in CONFIGS[kind].items()} | {"model_type": kind}
    short = read_all(left_out)
    assert short.warnings == ()
    assert short.config == whole.config


@pytest.mark.parametrize("kind", CONFIGS)
def test_fields_that_nothing_reads_change_nothing(tmp_path, kind):
    """Of each field: refused by name, a warning, or our config changes, or the reference's states stay as they are."""
    config, names = fields_of(kind)
    raw = config.to_dict() | {"model_type": kind}
    plain = read_all(raw)
    model = torch_of(kind, raw)
    before = states_of(kind, model)
    for name in names:
        if name in SIZES or name.startswith("_") or name in ("transformers_version", "dtype", "torch_dtype"):
            continue
        other = raw | {name: changed(raw[name], name)}
        try:
            reading = read_all(other)
        except InputError as error:
            assert name in str(error) or "rope" in name or "activation" in str(error) or "layer_types" in str(error)
            continue
        if reading.config != plain.config or any(repr(name) in text for text in reading.warnings):
            continue
        try:
            after = states_of(kind, torch_of(kind, other, model))
        except Exception:  # transformers itself does not take this value
            continue
        np.testing.assert_allclose(after[0], before[0], rtol=1e-4, atol=1e-5, err_msg=f"{kind}: {name} is not read")


MEANINGS = [
    ("gemma", "hidden_act", "gelu"),  # the tanh form, as its training
    ("gemma2", "hidden_activation", "gelu"),
    ("gemma3_text", "hidden_activation", "gelu"),
    ("gemma2", "attn_logit_softcapping", 0.5),
    ("t5", "dense_act_fn", "silu"),  # overrides `feed_forward_proj`
    ("mt5", "dense_act_fn", "gelu"),
    ("umt5", "dense_act_fn", "relu"),
    ("t5", "is_gated_act", True),
    ("phi3", "rope_parameters", dict(rope_type="default", rope_theta=500.0, partial_rotary_factor=0.5)),
]


@pytest.mark.parametrize("kind, name, value", MEANINGS)
def test_a_field_means_what_it_means_in_transformers(tmp_path, kind, name, value):
    raw = fields_of(kind)[0].to_dict() | {"model_type": kind, name: value}
    theirs = torch_of(kind, raw)
    theirs.save_pretrained(tmp_path)
    expected = states_of(kind, theirs)
    ours = our_states(models.load_model(tmp_path), texts(61, (24,)))
    assert np.abs(ours[0] - expected[0]).max() <= 1e-5 * np.sqrt(np.mean(expected[0] ** 2))


def test_fields_that_a_family_of_transformers_does_not_read():
    """Caps of logits in Gemma 3 and a share of rotated features in Llama: other code may read them."""
    gemma = CONFIGS["gemma3_text"] | {"model_type": "gemma3_text"}
    capped = read_all(gemma | {"attn_logit_softcapping": 50.0})
    assert capped.config == read_all(gemma).config and "attn_logit_softcapping" in capped.warnings[0]
    for kind in ("llama", "qwen2", "modernbert", "gemma3_text"):
        raw = CONFIGS[kind] | {"model_type": kind}
        with pytest.raises(InputError, match="'partial_rotary_factor' = 1"):
            read_all(raw | {"partial_rotary_factor": 0.5})
        assert read_all(raw | {"partial_rotary_factor": 1.0}).config == read_all(raw).config
    t5 = CONFIGS["mt5"] | {"model_type": "mt5"}
    assert read_all(t5 | {"is_gated_act": None, "dense_act_fn": None}).config == read_all(t5).config
    with pytest.raises(InputError, match="attn_logit_softcapping"):
        read_all(CONFIGS["gemma2"] | {"model_type": "gemma2", "attn_logit_softcapping": 0.0})


def test_an_unknown_field_is_named_in_a_warning(tmp_path):
    raw = CONFIGS["llama"] | {"model_type": "llama"}
    reading = read_all(raw | {"mystery_scale": 3.0, "attention_probs_dropout_prob": 0.5, "off": False, "none": None})
    assert len(reading.warnings) == 1 and "'mystery_scale' = 3.0" in reading.warnings[0]
    assert reading.config == read_all(raw).config


def test_a_class_that_sounds_bidirectional_is_named():
    raw = CONFIGS["llama"] | {"model_type": "llama", "architectures": ["LlamaBiModel"]}
    (warning,) = read_all(raw).warnings
    assert "LlamaBiModel" in warning and "is_causal" in warning
    assert not read_all(raw | {"is_causal": False}).warnings
    assert not read_all(raw | {"architectures": ["LlamaForCausalLM"]}).warnings


def test_warnings_are_kept_with_the_model(tmp_path):
    from tests.models.checkpoints import write

    model = models.load_model(write(tmp_path, mystery_scale=3.0))
    assert len(model.warnings) == 1 and "mystery_scale" in model.warnings[0]


def test_left_out_eps_of_bert_is_that_of_transformers():
    raw = {name: value for name, value in CONFIGS["bert"].items()} | {"model_type": "bert"}
    assert read_all(raw).config.eps == 1e-12
    assert dataclasses.replace(read_all(raw | {"layer_norm_eps": 1e-5}).config, eps=1e-12) == read_all(raw).config


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "mistral"])
def test_is_causal_false_is_bidirectional(tmp_path, kind):
    raw = transformers.AutoConfig.for_model(kind, **CONFIGS[kind]).to_dict() | {"is_causal": False}
    theirs = torch_of(kind, raw)
    theirs.config.is_causal = False
    theirs.save_pretrained(tmp_path)
    model = models.load_model(tmp_path)
    assert not model.causal and model.default_pooling == "mean"
    ours = our_states(model, texts(61, (24,)))
    expected = states_of(kind, theirs)
    assert np.abs(ours[0] - expected[0]).max() <= 1e-5 * np.sqrt(np.mean(expected[0] ** 2))


def test_mistral_with_layer_types_windows_only_the_named_layers(tmp_path):
    """transformers reads such a config as Ministral."""
    kinds = ["full_attention", "sliding_attention", "full_attention"]
    raw = CONFIGS["ministral"] | dict(sliding_window=6, layer_types=kinds)
    theirs = torch_of("ministral", raw)
    theirs.save_pretrained(tmp_path)
    config = (tmp_path / "config.json").read_text().replace('"ministral"', '"mistral"')
    (tmp_path / "config.json").write_text(config)
    model = models.load_model(tmp_path)
    assert model.config.windows == (0, 6, 0)
    ours, expected = our_states(model, texts(61, (24,))), states_of("ministral", theirs)
    assert np.abs(ours[0] - expected[0]).max() <= 1e-5 * np.sqrt(np.mean(expected[0] ** 2))
