"""Which family reads a config.json, and what holds for all of them."""

from pathlib import Path

import pytest

from jaxalign import models
from jaxalign.models.families import llama, qwen3, registry, t5
from jaxalign.models.fields import Fields
from jaxalign.types import InputError
from tests.models.checkpoints import CONFIG, write

T5 = dict(
    model_type="mt5", vocab_size=31, d_model=16, d_kv=4, d_ff=20, num_layers=2, num_heads=4, num_decoder_layers=3,
    decoder_start_token_id=0, feed_forward_proj="gated-gelu",
)  # fmt: skip


def test_every_file_of_a_family_is_listed_once():
    folder = Path(registry.__file__).parent
    files = {path.stem for path in folder.glob("[a-z]*.py")} - {"registry"}
    names = [family.__name__.rpartition(".")[2] for family in registry.FAMILIES]
    assert sorted(names) == sorted(files)
    kinds = [kind for family in registry.FAMILIES for kind in family.MODEL_TYPES]
    assert len(kinds) == len(set(kinds)) and registry.UNTIED <= set(kinds)


def test_the_family_of_a_model_type():
    assert registry.family_of({"model_type": "eurobert"}) is llama
    assert registry.family_of({"model_type": "qwen3_moe"}) is qwen3
    assert registry.family_of({"model_type": "umt5"}) is t5
    for kind in ("mamba", None, ["llama"]):
        with pytest.raises(InputError, match="model_type of apertus, bert"):
            registry.family_of({"model_type": kind})


def test_dtypes_that_a_family_computes_in():
    assert registry.read_config(CONFIG, "float16").dtype == "float16"
    with pytest.raises(InputError, match="float32, bfloat16 for mt5, whose states overflow in float16, got 'float16'"):
        registry.read_config(T5, "float16")  # T5 overflows in float16


def test_the_decoder_is_left_out_unless_asked_for():
    assert registry.read_config(T5).decoder_layers == 0
    assert registry.read_config(T5, decoder=True).decoder_layers == 3
    with pytest.raises(InputError, match="encoder-decoder"):
        registry.read_config(CONFIG, decoder=True)


@pytest.mark.parametrize(
    ("kind", "said", "tied"),
    [("llama", None, False), ("llama", True, True), ("gemma", None, True), ("gemma", False, False)],
)
def test_the_output_embedding(kind, said, tied):
    assert registry.is_tied(Fields({"model_type": kind, "tie_word_embeddings": said})) is tied


def test_a_config_that_says_it_sees_both_ways():
    windowed = CONFIG | dict(model_type="mistral", sliding_window=5)
    both = registry.read_config(windowed | {"is_causal": False})
    assert registry.read_config(windowed).windows == (5, 5, 5)
    assert (both.causal, both.default_pooling, both.windows) == (False, "mean", (6, 6, 6))


def test_fields_of_another_form_are_refused():
    with pytest.raises(InputError, match="another form"):
        registry.read_config(CONFIG | {"hidden_act": ["silu"]})
    with pytest.raises(InputError, match="whole number for the num_layers"):
        registry.read_config(CONFIG | {"num_hidden_layers": 1.5})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (dict(hidden_size=None), "hidden_size"),
        (dict(rms_norm_eps=0), "rms_norm_eps"),
        (dict(vocab_size="many"), "vocab_size"),
        (dict(num_hidden_layers=0), "num_hidden_layers"),
        (dict(num_key_value_heads=3), "num_key_value_heads"),
        (dict(hidden_act="sine"), "sine"),
        (dict(model_type="mamba"), "cohere2"),
        (dict(model_type=None), "llama"),
        (dict(rope_scaling=dict(type="longrope", factor=2.0)), "short_factor"),
        (dict(rope_parameters=dict(rope_type="ntk", factor=2.0)), "ntk"),
        (dict(rope_parameters=dict(rope_type="yarn", factor=2.0, mystery=1)), "mystery"),
        (dict(rope_scaling=dict(rope_type="llama3", factor=2.0)), "low_freq_factor"),
        (dict(rope_scaling=dict(type="linear", factor="x")), "factor"),
        (dict(partial_rotary_factor=1.5), "partial_rotary_factor"),
        (dict(rope_theta=-1), "rope_theta"),
        (dict(rope_theta=["x"]), "rope_theta"),
        (dict(rope_scaling="x"), "rope parameters"),
        (dict(hidden_act=["silu"]), "another form"),
        (dict(num_hidden_layers=1.5), "num_layers"),
        (dict(hidden_size=10**12), "another form"),
        (dict(model_type=["llama"]), "model_type"),
    ],
)
def test_wrong_configs_are_named(tmp_path, changes, name):
    with pytest.raises(InputError) as caught:
        models.load_model(write(tmp_path, **changes))
    assert name in str(caught.value)
