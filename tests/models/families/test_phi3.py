"""The port of Phi-3 against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

LONGROPE = dict(rope_type="longrope", rope_theta=1e4, short_factor=[1.0, 1.1, 1.5, 2.0],
                long_factor=[2.0, 3.0, 4.0, 9.0], original_max_position_embeddings=512)  # fmt: skip
CASES = {
    "phi3": ("Phi3Config", dict(rope_parameters=LONGROPE, original_max_position_embeddings=512)),
    "phi3-window": ("Phi3Config", dict(sliding_window=20)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)
