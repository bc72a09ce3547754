"""A pair's map as a safetensors file, and the map applied to vectors of other words."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from jaxalign.alignment.pair_map import Normalization, PairMap
from jaxalign.runtime.files import write_bytes
from jaxalign.types import InputError

FORMAT = "jaxalign-map-1"
_ARRAYS = ("left", "right", "origin", "end")
_NEEDED = {"format", "source", "target", "normalize", "source_scale", "target_scale", "is_orthogonal"}


def write(path: Path, pair: PairMap, source: str, target: str, about: Mapping[str, object]) -> None:
    """Writes the map from `source` to `target`; `about` (model, layer, ...) stands in the file's metadata as text."""
    tensors = {name: array for name in _ARRAYS if (array := getattr(pair, name)) is not None}
    for side in ("source", "target"):
        for number, mean in enumerate(getattr(pair, side).means):
            tensors[f"{side}_mean_{number}"] = mean
    record = {
        "format": FORMAT,
        "source": source,
        "target": target,
        "normalize": ",".join(pair.source.steps),
        "source_scale": repr(pair.source.scale),
        "target_scale": repr(pair.target.scale),
        "is_orthogonal": json.dumps(pair.is_orthogonal),
    }
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in tensors.items()}
    write_bytes(path, save(arrays, {**text, **record}))


def apply_map(
    path: str | Path, vectors: Float[np.ndarray, "row feature"], language: str, into: str | None = None
) -> Float[np.ndarray, "row feature"]:
    """Vectors of any words of `language` in the space of `into`, by the map that a run wrote with --export_maps.

    path: a file such as `runs/run-0001/maps/SPACE/fr-en.safetensors`. language: one of its two languages. into: the
    other language or the same one; default: the language that the map leads to. Raw vectors are given, as the model
    makes them: they are normalised with the means of the run. The language `into` itself keeps its place, without
    directions that the map does not reach, so that cosines between the two results are those that the run ranks by.
    Returns float32. Raises InputError for another language, a wrong width, a damaged file, or a map that leads one way
    only.
    """
    path = Path(path)
    pair, source, target = _read(path)
    into = target if into is None else into
    for code in (language, into):
        if code not in (source, target):
            raise InputError(f"Expected a language of {path}, {source} or {target}, got {code!r}. Give another file.")
    rows = np.asarray(vectors)
    width = len(pair.left) if language == source or pair.right is not None else pair.left.shape[1]
    if rows.ndim != 2 or rows.shape[1] != width or not np.isfinite(rows).all():
        raise InputError(f"Expected finite vectors (row, {width}) for {path}, got {rows.dtype} {rows.shape}.")
    if into == source:
        if not pair.is_orthogonal:
            raise InputError(f"Expected the direction {source} to {target} of {path}, got {language} into {into}. Give "
                             f"{target}-{source}.safetensors: this kind of map leads one way only.")  # fmt: skip
        pair, source = pair.reversed(), target
    mapped = pair.of_source(rows) if language == source else pair.of_target(rows)
    return mapped.astype(np.float32)


def _read(path: Path) -> tuple[PairMap, str, str]:
    try:
        with safe_open(path, framework="numpy") as file:
            about, arrays = file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"Expected a map written by --export_maps, got {path}: {error}. Repeat the run.") from error
    if about.get("format") != FORMAT or not about.keys() >= _NEEDED or "left" not in arrays:
        raise InputError(f"Expected a map written by --export_maps, got {path} with other contents. Repeat the run.")
    steps = tuple(step for step in about["normalize"].split(",") if step)
    sides = []
    for side in ("source", "target"):
        names = itertools.takewhile(lambda name: name in arrays, (f"{side}_mean_{n}" for n in itertools.count()))
        means = tuple(arrays[name] for name in names)
        if len(means) != steps.count("center"):
            raise InputError(f"Expected {steps.count('center')} means of {side} in {path}, got {len(means)}. "
                             "Repeat the run.")  # fmt: skip
        sides.append(Normalization(steps, means, float(about[f"{side}_scale"])))
    kept = {name: arrays.get(name) for name in ("right", "origin", "end")}
    orthogonal = about["is_orthogonal"] == "true"
    pair = PairMap(sides[0], sides[1], arrays["left"], is_orthogonal=orthogonal, **kept)
    return pair, about["source"], about["target"]
