"""The port of Qwen3 and its mixtures of experts against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "qwen3": ("Qwen3Config", dict(head_dim=16)),
    "qwen3-bidirectional": ("Qwen3Config", dict(head_dim=16, is_causal=False)),
    "qwen3-moe": ("Qwen3MoeConfig", dict(head_dim=16, num_experts=7, num_experts_per_tok=3, moe_intermediate_size=20,
                  norm_topk_prob=True)),
    "qwen3-moe-plain-weights": ("Qwen3MoeConfig", dict(head_dim=16, num_experts=5, num_experts_per_tok=2,
                                moe_intermediate_size=20, norm_topk_prob=False)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    # Which experts a token takes is a choice: a rounding in bfloat16 can turn it, and the state is another one then.
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)
