"""Rotary position embedding: frequencies from config.json, angles, rotation (Su et al. 2021, arXiv:2104.09864)."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32, Int32

from jaxalign.types import InputError

KINDS = ("default", "linear", "llama3", "yarn", "longrope", "dynamic")
KNOWN = {
    "rope_type", "type", "rope_theta", "factor", "low_freq_factor", "high_freq_factor", "partial_rotary_factor",
    "original_max_position_embeddings", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "attention_factor",
    "truncate", "short_factor", "long_factor", "max_position_embeddings", "llama_4_scaling_beta", "finetuned",
}  # fmt: skip


class Rope(NamedTuple):
    """Radians per position of each rotated pair of features; all zero: no rotation (Cohere2's global layers)."""

    frequencies: tuple[float, ...]
    scale: float = 1.0  # of cosine and sine (YaRN, LongRoPE)
    longest: int = 0  # positions that these frequencies are for; 0: no limit of their own


class Turns(NamedTuple):
    """Cosine and sine of each feature's angle, times the rope's scale: x with partner y becomes cos x + sin y."""

    cos: Float32[jax.Array, "*rope row slot feature"]
    sin: Float32[jax.Array, "*rope row slot feature"]  # negative for the first feature of each pair


def rope_fields(raw: dict[str, Any], layer_type: str | None = None) -> dict[str, Any]:
    """Returns the rope parameters of config.json: of a layer type, the new form, or the old one (`rope_scaling`)."""
    new, old = raw.get("rope_parameters") or {}, raw.get("rope_scaling") or {}
    if layer_type is not None and layer_type in new:
        return new[layer_type] or {}
    return new or old


def read_rope(
    raw: dict[str, Any], head_dim: int, *, layer_type: str | None = None, base: float = 10000.0,
    share: float | None = None,
) -> Rope:  # fmt: skip
    """Returns the frequencies 1 / base^(2i / dims), scaled as config.json says.

    Reads the new form (`rope_parameters`, which may hold one entry per layer type) and the old one (`rope_theta`,
    `rope_scaling`). `base` is the family's value where neither names one; `share` the family's share of each head's
    features that is rotated where `partial_rotary_factor` names none. Raises InputError for an unsupported type, and
    for a share other than 1 where `share` is None: transformers rotates all features there, other engines only a part.
    """
    fields = rope_fields(raw, layer_type)
    if not isinstance(fields, dict):
        raise InputError(f"Expected an object of rope parameters in config.json, got {fields!r}. Change --models.")
    unknown = sorted(set(fields) - KNOWN)
    if unknown:
        raise InputError(
            f"Expected rope parameters of {', '.join(sorted(KNOWN))} in config.json, got {', '.join(unknown)}: "
            "this variant is not supported. Choose another of --models."
        )
    theta = fields.get("rope_theta") or raw.get("rope_theta") or base
    if isinstance(theta, bool) or not isinstance(theta, int | float) or not 0 < theta < math.inf:
        raise InputError(f"Expected a positive rope_theta in config.json, got {theta!r}. Change --models.")
    named = fields.get("partial_rotary_factor", raw.get("partial_rotary_factor"))
    if share is None and named not in (None, 1):
        raise InputError(
            f"Expected 'partial_rotary_factor' = 1 in config.json, got {named!r}: this family rotates all features of "
            "a head. Choose another of --models."
        )
    share = (share or 1.0) if named is None else named
    dims = int(head_dim * share)
    if not 0 < dims <= head_dim or dims % 2:
        raise InputError(
            f"Expected a partial_rotary_factor that rotates an even number of {head_dim} features, got {share}. "
            "Change --models."
        )
    exponents = (np.arange(0, dims, 2, dtype=np.float32) / np.float32(dims)).astype(np.float64)
    # Rounded where torch rounds: at position 500 one bit of a frequency moves the state by 1e-5 of its RMS.
    wavelengths = np.power(float(theta), exponents).astype(np.float32)
    kind = fields.get("rope_type") or fields.get("type") or "default"
    if kind == "linear":
        return _rope(np.float32(1) / wavelengths / np.float32(_number(fields, "factor")))
    if kind == "llama3":
        return _rope(_llama3(np.float32(1) / wavelengths, fields, raw))
    if kind == "yarn":
        return _yarn(wavelengths, float(theta), fields, raw)
    if kind in ("longrope", "su"):
        return _longrope(wavelengths, fields, raw)
    if kind not in KINDS:
        raise InputError(
            f"Expected rope type {', '.join(KINDS)} in config.json, got {kind!r}: this variant is not supported. "
            "Choose another of --models."
        )
    return _rope(np.float32(1) / wavelengths)  # dynamic differs from default only beyond `max_position_embeddings`


def _rope(frequencies: np.ndarray, scale: float = 1.0, longest: int = 0) -> Rope:
    return Rope(tuple(float(value) for value in frequencies), scale, longest)


def _original_length(fields: dict[str, Any], raw: dict[str, Any], kind: str) -> float:
    length = fields.get("original_max_position_embeddings") or raw.get("original_max_position_embeddings")
    length = length or raw.get("max_position_embeddings")
    if not length:
        raise InputError(f"Expected 'original_max_position_embeddings' with rope type {kind!r}, got none.")
    return length


def _llama3(frequencies: np.ndarray, fields: dict[str, Any], raw: dict[str, Any]) -> np.ndarray:
    """Llama 3.1: long waves slowed by `factor`, short ones kept, a linear blend between the two bands."""
    factor, low, high = (_number(fields, name) for name in ("factor", "low_freq_factor", "high_freq_factor"))
    length = _original_length(fields, raw, "llama3")
    wavelength = 2 * math.pi / frequencies
    blend = (np.float32(length) / wavelength - np.float32(low)) / np.float32(high - low)
    mixed = (1 - blend) * frequencies / np.float32(factor) + blend * frequencies
    slowed = np.where(wavelength > length / low, frequencies / np.float32(factor), frequencies)
    between = (wavelength >= length / high) & (wavelength <= length / low)
    return np.where(between, mixed, slowed).astype(np.float32)


def _yarn(wavelengths: np.ndarray, base: float, fields: dict[str, Any], raw: dict[str, Any]) -> Rope:
    """YaRN (Peng et al. 2023, arXiv:2309.00071): fast pairs kept, slow ones divided by `factor`, a ramp between them.

    Cosine and sine are scaled by 0.1 log(factor) + 1, or as `attention_factor`, `mscale`, `mscale_all_dim` say.
    """
    length = _original_length(fields, raw, "yarn")
    factor = fields.get("factor") or raw.get("max_position_embeddings", length) / length
    dims = 2 * len(wavelengths)

    def pair_of(rotations: float) -> float:
        return dims * math.log(length / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = pair_of(fields.get("beta_fast") or 32), pair_of(fields.get("beta_slow") or 1)
    if fields.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dims - 1)
    high = high + 0.001 if low == high else high
    ramp = np.clip((np.arange(dims // 2, dtype=np.float32) - np.float32(low)) / np.float32(high - low), 0, 1)
    kept = np.float32(1) - ramp
    slow, fast = np.float32(1) / (np.float32(factor) * wavelengths), np.float32(1) / wavelengths
    return _rope(slow * (np.float32(1) - kept) + fast * kept, _yarn_scale(factor, fields))


def _yarn_scale(factor: float, fields: dict[str, Any]) -> float:
    def grown(share: float) -> float:
        return 1.0 if factor <= 1 else 0.1 * share * math.log(factor) + 1.0

    if fields.get("attention_factor") is not None:
        return float(fields["attention_factor"])
    share, all_dims = fields.get("mscale"), fields.get("mscale_all_dim")
    return grown(share) / grown(all_dims) if share and all_dims else grown(1.0)


def _longrope(wavelengths: np.ndarray, fields: dict[str, Any], raw: dict[str, Any]) -> Rope:
    """LongRoPE (Ding et al. 2024, arXiv:2402.13753) for texts within the original length: `short_factor`."""
    length = _original_length(fields, raw, "longrope")
    short = fields.get("short_factor")
    if not isinstance(short, list) or len(short) != len(wavelengths):
        raise InputError(
            f"Expected {len(wavelengths)} numbers 'short_factor' in the rope parameters of config.json, got "
            f"{short if not isinstance(short, list) else len(short)}. Change --models."
        )
    factor = fields.get("factor") or raw.get("max_position_embeddings", length) / length
    scale = fields.get("attention_factor")
    if scale is None:
        scale = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(length))
    return _rope(np.float32(1) / (np.asarray(short, np.float32) * wavelengths), float(scale), int(length))


def _number(fields: dict[str, Any], name: str) -> float:
    value = fields.get(name)
    if not isinstance(value, int | float) or value <= 0:
        raise InputError(f"Expected a positive number '{name}' in the rope parameters of config.json, got {value!r}.")
    return float(value)


def no_rope(head_dim: int) -> Rope:
    """Returns the rope that rotates nothing."""
    return Rope((0.0,) * (head_dim // 2))


def turns_at(ropes: tuple[Rope, ...], positions: Int32[jax.Array, "row slot"], *, interleaved: bool) -> Turns:
    """Returns the cosines and sines of each rope at each position, as wide as the features that are turned.

    In float32: in bfloat16 positions above 256 would merge. As whole tables, joined from two halves: XLA would compute
    the halves again in every layer, for every head and for each of the two products (5 to 8 % of the time of Gemma 3's
    prompts on a CPU).
    """
    table = jnp.asarray(np.array([rope.frequencies for rope in ropes], np.float32))
    angles = positions.astype(jnp.float32)[None, :, :, None] * table[:, None, None, :]
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    if any(rope.scale != 1 for rope in ropes):
        scales = jnp.asarray([rope.scale for rope in ropes], jnp.float32)[:, None, None, None]
        cos, sin = cos * scales, sin * scales
    return Turns(_join(cos, cos, interleaved), _join(-sin, sin, interleaved))


def rotate(
    heads: Float[jax.Array, "row slot head feature"], turns: Turns, *, interleaved: bool
) -> Float[jax.Array, "row slot head feature"]:
    """Returns `heads` with each pair of features turned: (0, 1), (2, 3) if interleaved, else by halves.

    Only as many features are turned as `turns` has, those of one rope: (row, slot, feature).
    """
    cos, sin = turns.cos[:, :, None, :], turns.sin[:, :, None, :]
    turned_features = cos.shape[-1]
    wide = heads[..., :turned_features].astype(jnp.float32)
    halves, axis = ((-1, 2), -1) if interleaved else ((2, -1), -2)
    partners = jnp.flip(wide.reshape(*wide.shape[:-1], *halves), axis).reshape(wide.shape)
    turned = (wide * cos + partners * sin).astype(heads.dtype)
    if turned_features == heads.shape[-1]:
        return turned
    return jnp.concatenate([turned, heads[..., turned_features:]], axis=-1)


def _join(first: jax.Array, second: jax.Array, interleaved: bool) -> jax.Array:
    """One axis of features out of the first and the second ones of all pairs."""
    if interleaved:
        return jnp.stack([first, second], axis=-1).reshape(*first.shape[:-1], -1)
    return jnp.concatenate([first, second], axis=-1)
