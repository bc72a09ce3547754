"""Checkpoints at their real size: the names and shapes of transformers' meta device against our tables, no allocation.

configs/ holds the config.json of each, as released (only the fields that shape the model).
"""

import json
import math
import re
from pathlib import Path

import pytest

from jaxalign import models
from jaxalign.models import parameters
from jaxalign.models.checkpoint import keys
from jaxalign.models.families.registry import family_of

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
CONFIGS = sorted((Path(__file__).parent / "configs").glob("*.json"))
PAPER = {
    "llama-2-7b-chat", "llama-2-13b-chat", "llama-2-70b-chat", "bloomz-1b7", "bloomz-3b", "bloomz-7b1", "mt0-large",
    "mt0-xl", "mt0-xxl", "aya-101",
}  # fmt: skip


def test_all_of_the_paper_are_here():
    assert PAPER <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_names_and_shapes_are_accounted_for(path):
    raw = json.loads(path.read_text())
    auto = transformers.AutoConfig.for_model(**raw)
    with torch.device("meta"):
        model = getattr(transformers, raw["architectures"][0])(auto)
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    decoder = "num_decoder_layers" in raw
    config = models.read_config(raw, decoder=decoder)
    found = keys.check(family_of(raw), config, shapes)
    leaves = parameters.flatten(models.abstract(config))
    used = {key for keys in found.values() for key in keys if key is not None}
    filled = sum(math.prod(leaves[path].shape[1:]) * keys.count(None) for path, keys in found.items())
    numbers = sum(math.prod(leaf.shape) for leaf in leaves.values())
    assert numbers - filled == sum(math.prod(shapes[key]) for key in used)
    rest = {name for name in shapes if name not in used}
    assert all(is_known(name) for name in rest), rest
    if decoder:
        encoder = keys.check(family_of(raw), models.read_config(raw), shapes)
        assert encoder == {leaf: keys for leaf, keys in found.items() if not leaf.startswith("decoder.")}


def is_known(name):
    """What no hidden state needs: language-model heads, tied copies of the embedding, poolers, image towers, decoders.

    Of the decoder's first token: query, key and bias of its attention to itself, whose softmax is 1.
    """
    if re.fullmatch(r"decoder\.block\.\d+\.layer\.0\.SelfAttention\.(q|k|relative_attention_bias)\.weight", name):
        return True
    if name.startswith(("model.decoder.", "decoder.", "head.", "vocab_", "embed_out.", "final_logits_bias")):
        return True
    return any(
        part in name for part in ("lm_head", "cls.", "embed_tokens", "pooler", "vision_tower", "multi_modal_projector")
    )
