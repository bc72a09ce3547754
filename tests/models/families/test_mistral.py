"""The port of Mistral and Ministral against transformers: every layer, lengths 1 to 512."""

import pytest

from jaxalign import models
from tests.models.family import FULL, LOCAL, SMALL, YARN, check_decoder
from tests.models.parity import LENGTHS, assert_parity, our_states, texts, torch_states, write

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "mistral": ("MistralConfig", dict(sliding_window=None)),
    "mistral-window": ("MistralConfig", dict(sliding_window=20)),
    "mistral-bidirectional-window": ("MistralConfig", dict(sliding_window=20, is_causal=False)),
    "ministral": ("MinistralConfig", dict(head_dim=8, sliding_window=20, layer_types=[FULL, LOCAL, FULL])),
    "ministral3": ("Ministral3Config", dict(rope_parameters=YARN | dict(llama_4_scaling_beta=0.1,
                   original_max_position_embeddings=512, mscale=1.0, mscale_all_dim=1.0), head_dim=16)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)


@pytest.mark.parametrize("text", ["mistral", "ministral3"])
def test_the_text_part_of_a_model_that_also_sees_images(tmp_path, text):
    """Mistral Small 3.1 (mistral) and Ministral 3 (ministral3) are released in this form."""
    kind, options = CASES[text]
    vision = dict(model_type="pixtral", hidden_size=16, intermediate_size=24, num_hidden_layers=1,
                  num_attention_heads=2, head_dim=8, image_size=16, patch_size=8)  # fmt: skip
    sizes = SMALL | options
    config = transformers.Mistral3Config(
        vision_config=vision, text_config=getattr(transformers, kind)(**sizes).to_dict(), image_token_index=96
    )
    theirs = write(tmp_path, config, "AutoModelForImageTextToText")
    token_lists = texts(96, LENGTHS[:4])
    model = models.load_model(tmp_path)
    assert model.family == "mistral" and not model.warnings
    assert_parity(our_states(model, token_lists), torch_states(theirs.model.language_model, token_lists))
