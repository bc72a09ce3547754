"""Parameters on a mesh: rules, bytes, and the same vectors whatever the number of devices (8 virtual ones)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jax.sharding import PartitionSpec
from safetensors.numpy import save_file

from jaxalign import models
from jaxalign.models import parameters
from jaxalign.models.checkpoint import sharding
from tests.models.parity import random_tensors

CONFIGS = Path(__file__).parent / "configs"


@pytest.mark.parametrize(
    ("path", "shape", "parts", "expected"),
    [
        ("blocks.attention.query.kernel", (3, 16, 32), 4, PartitionSpec(None, None, "model")),
        ("blocks.attention.query.bias", (3, 32), 4, PartitionSpec(None, "model")),
        ("blocks.attention.output.kernel", (3, 32, 16), 4, PartitionSpec(None, "model", None)),
        ("blocks.attention.output.bias", (3, 16), 4, PartitionSpec()),
        ("blocks.mlp.down.kernel", (3, 32, 16), 4, PartitionSpec(None, "model", None)),
        ("blocks.mlp.up.kernel", (3, 16, 30), 4, PartitionSpec()),
        ("embed.tokens.embedding", (97, 16), 2, PartitionSpec(None, "model")),
        ("norm.scale", (16,), 2, PartitionSpec()),
    ],
)
def test_rules(path, shape, parts, expected):
    assert sharding.spec(path, shape, parts) == expected


def test_bytes_of_llama_2_70b_on_eight_devices():
    """Matrices and embedding are split eight ways, norms are whole; two bytes a number."""
    raw = json.loads((CONFIGS / "llama-2-70b-chat.json").read_text())
    leaves = parameters.flatten(models.abstract(models.read_config(raw, "bfloat16")))
    norms = (2 * 80 + 1) * 8192
    block = 2 * 8192 * 8192 + 2 * 8192 * 1024 + 3 * 8192 * 28672
    assert sharding.bytes_per_device(leaves, 8) == 2 * (norms + (80 * block + 32000 * 8192) // 8)
    assert sharding.bytes_per_device(leaves, 1) == 2 * (norms + 80 * block + 32000 * 8192)


SMALL = dict(
    vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, head_dim=8,
    num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, layer_norm_eps=1e-5, rope_theta=10000.0,
    num_experts=6, num_experts_per_tok=2, moe_intermediate_size=24,
)  # fmt: skip


@pytest.mark.slow
def test_vectors_do_not_depend_on_the_devices(tmp_path):
    for kind, name in (
        ("llama", "llama"), ("gemma3_text", "gemma3"), ("cohere", "cohere"), ("qwen3_moe", "qwen3_moe"),
    ):  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(SMALL | {"model_type": kind}))
        save_file(random_tensors(SMALL | {"model_type": kind}), tmp_path / name / "model.safetensors")
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "tests.models.device_counts", str(tmp_path)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)
    assert result.returncode == 0, result.stderr[-3000:]
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(found) == 9
    assert all(worst < 1e-6 for _, _, worst in found), found
