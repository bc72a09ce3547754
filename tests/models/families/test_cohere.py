"""The port of Cohere against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import ODD, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "cohere": ("CohereConfig", dict(num_key_value_heads=3)),
    "cohere-odd-head-norms": ("CohereConfig", ODD | dict(use_qk_norm=True, attention_bias=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)
