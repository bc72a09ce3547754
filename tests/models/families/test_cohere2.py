"""The port of Cohere2 against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import FULL, LOCAL, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "cohere2": ("Cohere2Config", dict(sliding_window=40, layer_types=[LOCAL, FULL, LOCAL])),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half=True)
