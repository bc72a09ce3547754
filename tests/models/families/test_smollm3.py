"""The port of SmolLM3 against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "smollm3": ("SmolLM3Config", dict(no_rope_layer_interval=2)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half=True)
