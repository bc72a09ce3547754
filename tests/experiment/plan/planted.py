"""A model's configuration that is small enough to count by hand, and the work of a run on it."""

from collections import Counter

import numpy as np

from jaxalign import models
from jaxalign.embeddings import packing, tokenize
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.experiment.plan.work import Embedding, Work, packaged

# Llama: queries and output 8 x 8, keys and values 8 x 4, gate, up and down 8 x 16, two norms of 8: 592 per block.
RAW = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8, "intermediate_size": 16,
    "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 3, "vocab_size": 10,
    "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": True,
}  # fmt: skip
BLOCK = 2 * 8 * 8 + 2 * 8 * 4 + 3 * 8 * 16 + 2 * 8


def embedding(texts: int, length: int, layers: tuple[int, ...], features: int = 8) -> Embedding:
    """`texts` texts of `length` tokens, none of which share their beginning; the last token is the vector."""
    rows = np.arange(texts * length, dtype=np.int32).reshape(texts, length)
    plan = packing.forest(
        [packing.Request(tokenize.from_rows(rows.tolist()), "last")],
        causal=True,
        rows=packing.Rows(16),
        features=features,
    )
    return Embedding("vanilla", plan, ("last",), layers, False, texts, texts, texts * length, texts * length)


def work_of(raw=RAW, dtype="float32", texts=40, length=4, layers=(3,)) -> Work:
    """40 texts of 4 tokens by default, 3 languages, 20 concepts, one ranking without a map and two with one."""
    config = models.read_config(raw, dtype)
    part = embedding(texts, length, layers, config.width)
    fitted = Counter({0: 1, 6: 1, 20: 1})
    return Work("planted", raw, config, 20, 3, (part,), AlignmentOptions(csls_k=3), 20, fitted, ())


def paper(name: str, dtype="bfloat16") -> Work:
    """One of the paper's models, with few texts: for its weights."""
    raw = packaged()[name]
    depth = models.read_config(raw, dtype).num_layers
    return work_of(raw, dtype, layers=(depth,))._replace(model=name)
