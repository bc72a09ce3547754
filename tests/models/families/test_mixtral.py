"""The port of Mixtral against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "mixtral": ("MixtralConfig", dict(num_local_experts=6, num_experts_per_tok=2, sliding_window=None)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    # Which experts a token takes is a choice: a rounding in bfloat16 can turn it, and the state is another one then.
    check_decoder(tmp_path, getattr(transformers, kind), options, half=False)
