"""GGUF files of llama.cpp: config and names in the form of a Hugging Face folder, weights dequantised when read."""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from jaxalign.models.checkpoint.files import Checkpoint, Tensor
from jaxalign.types import InputError

MODEL_TYPES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "gemma2": "gemma2", "gemma3": "gemma3_text"}
FIELDS = {
    "context_length": "max_position_embeddings",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "embedding_length": "hidden_size",
    "attention.key_length": "head_dim",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.sliding_window": "sliding_window",
    "rope.freq_base": "rope_theta",
    "vocab_size": "vocab_size",
    "attn_logit_softcapping": "attn_logit_softcapping",
}
# Name in a GGUF file -> name in a Hugging Face folder, without ".weight" or ".bias".
NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "post_attention_norm": "post_attention_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
# Layers and heads of the two sizes whose attention is scaled by width / heads; all others are scaled by 256.
GEMMA_SCALED_BY_WIDTH = {("gemma2", 46), ("gemma3", 62)}


def is_gguf(path: str | Path) -> bool:
    """Returns whether `path` names a GGUF file; raises InputError if it ends so and is no file."""
    if not str(path).endswith(".gguf"):
        return False
    if not Path(path).is_file():
        raise InputError(f"Expected a GGUF file at {path}, got no such file. Change --models.")
    return True


@lru_cache(maxsize=2)
def _reader(path: Path, _stamp: int) -> Any:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise InputError(
            f"Expected the package gguf to read {path}, got none. Run: pip install 'jaxalign[gguf]'"
        ) from error
    try:
        return GGUFReader(path)
    except (ValueError, OSError, KeyError, IndexError, OverflowError) as error:
        raise InputError(f"Expected a whole GGUF file at {path}, got {str(error)[:200]}. Download it again.") from error


def open_reader(path: Path) -> Any:
    """Returns the gguf package's reader of the file, which maps it into memory."""
    return _reader(path, path.stat().st_mtime_ns)


def read_fields(path: Path) -> dict[str, Any]:
    """Returns the fields of a config.json that say what the GGUF file says."""
    reader = open_reader(path)
    values = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("tokenizer.")}
    kind = values.get("general.architecture")
    if kind not in MODEL_TYPES:
        raise InputError(
            f"Expected a GGUF file of {', '.join(MODEL_TYPES)}, got {kind!r} in {path}. Give --models the model's "
            "folder in Hugging Face format."
        )
    if values.get("split.count", 1) > 1:
        raise InputError(
            f"Expected a GGUF file in one part, got one of {values['split.count']}. Run: llama-gguf-split --merge"
        )
    raw: dict[str, Any] = {"model_type": MODEL_TYPES[kind]}
    raw |= {ours: values[f"{kind}.{name}"] for name, ours in FIELDS.items() if f"{kind}.{name}" in values}
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    raw["vocab_size"] = int(tensors["token_embd.weight"].shape[1])
    raw["tie_word_embeddings"] = "output.weight" not in tensors
    raw |= _rope(kind, values, tensors, raw)
    if kind in ("gemma2", "gemma3"):
        by_width = (kind, raw["num_hidden_layers"]) in GEMMA_SCALED_BY_WIDTH
        raw["query_pre_attn_scalar"] = raw["hidden_size"] // raw["num_attention_heads"] if by_width else 256
    return {name: _plain(value) for name, value in raw.items()}


def _plain(value: Any) -> Any:
    """A float32 as the shortest decimal number that it stands for: 1e-05, not 9.999999747378752e-06."""
    if isinstance(value, np.generic):
        value = value.item()
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _rope(kind: str, values: dict[str, Any], tensors: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """The rope fields: a scaling that the file names, or one factor per pair of features (Llama 3.1)."""
    name, factor = values.get(f"{kind}.rope.scaling.type", "none"), values.get(f"{kind}.rope.scaling.factor")
    if "rope_freqs.weight" in tensors:
        factors = _dequantised(tensors["rope_freqs.weight"]).reshape(-1).tolist()
        longrope = {"rope_type": "longrope", "short_factor": factors, "attention_factor": 1.0}
        return {"rope_scaling": longrope | {"original_max_position_embeddings": raw["max_position_embeddings"]}}
    if name == "none" or factor in (None, 0, 1):
        return {}
    if name not in ("linear", "yarn"):
        raise InputError(f"Expected rope scaling none, linear or yarn in the GGUF file, got {name!r}. Change --models.")
    scaling = {"rope_type": name, "factor": float(factor)}
    length = values.get(f"{kind}.rope.scaling.original_context_length")
    return {"rope_scaling": scaling | ({"original_max_position_embeddings": int(length)} if length else {})}


def open_tensors(path: Path) -> Checkpoint:
    """Returns the tensors under the names of a Hugging Face folder; each is dequantised to float32 when it is read."""
    raw, reader = read_fields(path), open_reader(path)
    checkpoint: Checkpoint = {}
    for tensor in reader.tensors:
        if tensor.name == "rope_freqs.weight":
            continue
        shape = tuple(int(size) for size in reversed(tensor.shape))
        name = hugging_face_name(tensor.name, raw["model_type"])
        checkpoint[name] = Tensor(shape, "float32", partial(_read_into, tensor, raw))
    return checkpoint


def hugging_face_name(name: str, kind: str) -> str:
    """Returns the name of a GGUF tensor in a Hugging Face folder; an unknown name as it is."""
    parts = name.split(".")
    if parts[0] in TOP:
        return f"{TOP[parts[0]]}.{parts[-1]}"
    if len(parts) != 4 or parts[0] != "blk":
        return name
    mlp_norm = "pre_feedforward_layernorm" if kind.startswith("gemma") else "post_attention_layernorm"
    known = NAMES | {"ffn_norm": mlp_norm}
    return f"model.layers.{parts[1]}.{known.get(parts[2], parts[2])}.{parts[3]}"


def _dequantised(tensor: Any) -> np.ndarray:
    from gguf import dequantize

    return dequantize(tensor.data, tensor.tensor_type)


def _read_into(tensor: Any, raw: dict[str, Any], array: np.ndarray) -> None:
    """llama.cpp interleaves the halves of Llama's queries and keys, and adds 1 to the norms of Gemma."""
    values = _dequantised(tensor).reshape(array.shape)
    if raw["model_type"] == "llama" and (".attn_q." in tensor.name or ".attn_k." in tensor.name):
        heads = raw["num_attention_heads"] if ".attn_q." in tensor.name else raw["num_key_value_heads"]
        values = values.reshape(heads, -1, 2, *values.shape[1:]).swapaxes(1, 2).reshape(array.shape)
    if raw["model_type"].startswith("gemma") and tensor.name.endswith("norm.weight"):
        values = values - 1
    array[...] = values
