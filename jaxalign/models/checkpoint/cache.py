"""The converted parameters on disk (Orbax): in a later load each device reads only its own part."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jax

from jaxalign.models.parameters import Weights
from jaxalign.runtime.files import os_errors
from jaxalign.types import InputError

LAYOUT = 1  # raise it when the tree's paths or their meaning change


def cache_key(raw: dict[str, Any], folder: Path, commit: str | None, dtype: str) -> str:
    """Returns the name of a converted tree: a digest of config, dtype, and hub commit or size and time of each file."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin"))
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    text = json.dumps([LAYOUT, raw, commit or stamps, dtype], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _orbax() -> Any:
    import orbax.checkpoint  # takes seconds to import: only where a cache is used

    return orbax.checkpoint


def save(place: Path, weights: Weights) -> None:
    """Writes the tree and the digest of the tensors it came from; an interrupted write leaves no such folder."""
    ocp = _orbax()
    with os_errors(place), ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
        source = ocp.args.JsonSave({"digest": weights.digest})
        args = ocp.args.Composite(params=ocp.args.StandardSave(weights.params), source=source)
        checkpointer.save(place.absolute(), args, force=True)


def restore(place: Path, abstract: Any, shardings: Any) -> Weights:
    """Returns the tree, read directly into `shardings` (None: one device), and the digest that `save` was given."""
    ocp = _orbax()
    if shardings is None:
        single = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        shardings = jax.tree.map(lambda _: single, abstract)
    wanted = jax.tree.map(
        lambda leaf, to: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=to), abstract, shardings
    )
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
        args = ocp.args.Composite(params=ocp.args.StandardRestore(wanted), source=ocp.args.JsonRestore())
        try:
            restored = checkpointer.restore(place.absolute(), args)
        except (ValueError, KeyError, OSError) as error:
            raise InputError(
                f"Expected converted weights in {place}, got {str(error)[:200]}. Delete that folder "
                "in --weights_cache; it will be made again."
            ) from error
    return Weights(restored["params"], restored["source"]["digest"])
