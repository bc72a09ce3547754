"""The converted tree on disk (Orbax): a later load reads only what its own devices hold."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jax

from jaxalign.types import InputError

LAYOUT = 1  # raise it when the tree's paths or their meaning change


def cache_key(raw: dict[str, Any], folder: Path, commit: str | None, dtype: str) -> str:
    """Returns what names a converted tree: config, dtype, hub commit or else name, size, time of each file."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin"))
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    text = json.dumps([LAYOUT, raw, commit or stamps, dtype], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _orbax() -> Any:
    import orbax.checkpoint  # seconds to import, for those who cache only

    return orbax.checkpoint


def save(place: Path, params: Any, digest: str) -> None:
    """Writes the tree and the digest of the tensors it came from; a cut-off write leaves no such folder."""
    ocp = _orbax()
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
        args = ocp.args.Composite(params=ocp.args.StandardSave(params), source=ocp.args.JsonSave({"digest": digest}))
        checkpointer.save(place.absolute(), args, force=True)


def restore(place: Path, abstract: Any, shardings: Any) -> tuple[Any, str]:
    """Returns the tree, straight in `shardings` (None: one device), and the digest of what `save` took."""
    ocp = _orbax()
    if shardings is None:
        alone = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        shardings = jax.tree.map(lambda _: alone, abstract)
    wanted = jax.tree.map(
        lambda leaf, to: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=to), abstract, shardings
    )
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as checkpointer:
        args = ocp.args.Composite(params=ocp.args.StandardRestore(wanted), source=ocp.args.JsonRestore())
        try:
            found = checkpointer.restore(place.absolute(), args)
        except (ValueError, KeyError, OSError) as error:
            raise InputError(
                f"Expected converted weights in {place}, got {str(error)[:200]}. Delete that folder "
                "of --weights_cache; it is made again."
            ) from error
    return found["params"], found["source"]["digest"]
