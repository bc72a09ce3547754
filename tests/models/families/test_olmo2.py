"""The port of OLMo 2 and 3 against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import FULL, LOCAL, PLAIN, YARN, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "olmo2": ("Olmo2Config", dict()),
    "olmo3": ("Olmo3Config", dict(sliding_window=20, layer_types=[LOCAL, FULL, LOCAL])),
    "olmo3-yarn": ("Olmo3Config", dict(sliding_window=20, layer_types=[LOCAL, FULL, LOCAL],
                   rope_parameters=dict(full_attention=YARN, sliding_attention=PLAIN))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)
