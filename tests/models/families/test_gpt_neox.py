"""The port of GPT-NeoX against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import PLAIN, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "gpt-neox": ("GPTNeoXConfig", dict(rope_parameters=PLAIN | dict(partial_rotary_factor=0.5))),
    "gpt-neox-in-turn": ("GPTNeoXConfig", dict(use_parallel_residual=False, attention_bias=False,
                         rope_parameters=PLAIN | dict(partial_rotary_factor=0.25))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half=False)
