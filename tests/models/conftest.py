"""Tiny checkpoints that several files test; torch computes in one thread."""

from importlib.util import find_spec

import pytest

from jaxalign import models
from tests.models.family import MT5
from tests.models.parity import write

if find_spec("torch") is not None:
    import torch

    torch.set_num_threads(1)  # the suite's two processes share two cores, and waiting threads of torch would spin

LLAMA = dict(
    vocab_size=97, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, head_dim=10, max_position_embeddings=1024, rms_norm_eps=1e-5,
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny Llama: our model and that of transformers."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("llama")
    torch_model = write(folder, transformers.LlamaConfig(**LLAMA))
    return models.load_model(folder), torch_model


@pytest.fixture(scope="module")
def mt5(tmp_path_factory):
    """A tiny mT5: its folder, and the model of transformers."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("mt5")
    return folder, write(folder, transformers.MT5Config(**MT5), "AutoModelForSeq2SeqLM")
