"""Rotary position embedding: frequencies from config.json, angles, rotation (Su et al. 2021, arXiv:2104.09864)."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Int32

from jaxalign.types import InputError


class Rope(NamedTuple):
    """Radians per position of each rotated pair of features; all zero: no rotation (Cohere2's global layers)."""

    frequencies: tuple[float, ...]


def read_rope(raw: dict[str, Any], head_dim: int, *, layer_type: str | None = None, base: float = 10000.0) -> Rope:
    """Returns the frequencies 1 / base^(2i / head_dim), scaled as config.json says.

    Reads the new form (`rope_parameters`, which may hold one entry a layer type) and the old one (`rope_theta`,
    `rope_scaling`). `base` is what the family takes where neither names one. Raises InputError on an unsupported type.
    """
    fields = raw.get("rope_parameters") or {}
    if layer_type is not None and layer_type in fields:
        fields = fields[layer_type] or {}
    elif not fields:
        fields = raw.get("rope_scaling") or {}
    theta = fields.get("rope_theta") or raw.get("rope_theta") or base
    if isinstance(theta, bool) or not isinstance(theta, int | float) or not 0 < theta < math.inf:
        raise InputError(f"Expected a positive rope_theta in config.json, got {theta!r}. Change --models.")
    if (fields.get("partial_rotary_factor") or raw.get("partial_rotary_factor") or 1.0) != 1.0:
        raise InputError("Expected RoPE on whole heads, got 'partial_rotary_factor' in config.json: not supported.")
    exponents = (np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)).astype(np.float64)
    # Rounded where torch rounds: at position 500 one bit of a frequency moves the state by 1e-5 of its RMS.
    frequencies = np.float32(1) / np.power(float(theta), exponents).astype(np.float32)
    kind = fields.get("rope_type") or fields.get("type") or "default"
    if kind == "linear":
        frequencies = frequencies / np.float32(_number(fields, "factor"))
    elif kind == "llama3":
        frequencies = _llama3(frequencies, fields, raw)
    elif kind not in ("default", "dynamic"):  # dynamic differs from default only beyond `max_position_embeddings`
        raise InputError(
            f"Expected rope type default, linear, llama3 or dynamic in config.json, got {kind!r}. "
            "Remove 'rope_scaling' from config.json if texts stay within the model's original length."
        )
    return Rope(tuple(float(value) for value in frequencies))


def _llama3(frequencies: np.ndarray, fields: dict[str, Any], raw: dict[str, Any]) -> np.ndarray:
    """Llama 3.1: long waves slowed by `factor`, short ones kept, a linear blend between the two bands."""
    factor, low, high = (_number(fields, name) for name in ("factor", "low_freq_factor", "high_freq_factor"))
    length = fields.get("original_max_position_embeddings") or raw.get("max_position_embeddings")
    if not length:
        raise InputError("Expected 'original_max_position_embeddings' beside rope type 'llama3', got none.")
    wavelength = 2 * math.pi / frequencies
    blend = (np.float32(length) / wavelength - np.float32(low)) / np.float32(high - low)
    mixed = (1 - blend) * frequencies / np.float32(factor) + blend * frequencies
    slowed = np.where(wavelength > length / low, frequencies / np.float32(factor), frequencies)
    between = (wavelength >= length / high) & (wavelength <= length / low)
    return np.where(between, mixed, slowed).astype(np.float32)


def _number(fields: dict[str, Any], name: str) -> float:
    value = fields.get(name)
    if not isinstance(value, int | float) or value <= 0:
        raise InputError(f"Expected a positive number '{name}' in the rope parameters of config.json, got {value!r}.")
    return float(value)


def no_rope(head_dim: int) -> Rope:
    """Returns the rope that rotates nothing."""
    return Rope((0.0,) * (head_dim // 2))


def rope_angles(
    ropes: tuple[Rope, ...], positions: Int32[jax.Array, "row slot"]
) -> Float32[jax.Array, "rope row slot pair"]:
    """Returns the angles in float32: in bfloat16 positions above 256 would merge."""
    table = jnp.asarray(np.array([rope.frequencies for rope in ropes], np.float32))
    return positions.astype(jnp.float32)[None, :, :, None] * table[:, None, None, :]


def rotate(
    heads: Float[jax.Array, "row slot head feature"], angles: Float32[jax.Array, "row slot pair"], *, interleaved: bool
) -> Float[jax.Array, "row slot head feature"]:
    """Returns `heads` with each pair of features turned by its angle: (0, 1), (2, 3) if interleaved, else by halves."""
    cos, sin = jnp.cos(angles)[:, :, None, :], jnp.sin(angles)[:, :, None, :]
    wide = heads.astype(jnp.float32)
    if interleaved:
        left, right = wide[..., 0::2], wide[..., 1::2]
    else:
        left, right = jnp.split(wide, 2, axis=-1)
    turned = left * cos - right * sin, right * cos + left * sin
    if interleaved:
        return jnp.stack(turned, axis=-1).reshape(wide.shape).astype(heads.dtype)
    return jnp.concatenate(turned, axis=-1).astype(heads.dtype)
