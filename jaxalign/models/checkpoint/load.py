"""A model from a folder or a hub id: config, weights on the devices, origin."""

import hashlib
import json
from pathlib import Path
from typing import Any

from jaxalign.models import parameters
from jaxalign.models.checkpoint import convert, sharding
from jaxalign.models.checkpoint.cache import cache_key, restore, save
from jaxalign.models.checkpoint.hub import Place, locate
from jaxalign.models.config import Config, read_json
from jaxalign.models.families.registry import family_of, read_config
from jaxalign.models.model import Model, Source
from jaxalign.models.parameters import Weights
from jaxalign.types import InputError


def load_model(
    path_or_hub_id: str | Path,
    dtype: str = "float32",
    *,
    revision: str | None = None,
    model_parallel: int = 1,
    weights: str = "pretrained",
    seed: int = 0,
    cache_dir: str | Path | None = None,
    decoder: bool = False,
) -> Model:
    """Returns the model of a folder in Hugging Face format, of a hub id, or "demo".

    `weights="random"` needs only config.json and draws the parameters on the devices from `seed`. `model_parallel` > 1
    splits them over that many devices of `Model.mesh`. `cache_dir` keeps the converted tree (Orbax), so that in a
    later load each device reads only its own part. `decoder` loads the decoder of T5, mT0 or Aya-101 too, which
    `decoded` needs. Raises InputError that names what is wrong.
    """
    if weights not in ("pretrained", "random"):
        raise InputError(f"Expected weights 'pretrained' or 'random', got {weights!r}.")
    place = locate(path_or_hub_id, revision, config_only=True)
    raw = read_json(place.folder)
    config = read_config(raw, dtype, decoder=decoder)
    mesh = sharding.make_mesh(model_parallel) if model_parallel != 1 else None
    shapes = convert.flatten(parameters.abstract(config))
    shardings = sharding.shardings(mesh, shapes) if mesh is not None else {}
    if weights == "random":
        drawn = parameters.random_params(config, seed, convert.unflatten(shardings) if shardings else None)
        loaded = Weights(drawn, f"random-{seed}")
    else:
        loaded = pretrained(path_or_hub_id, raw, config, place, shardings, cache_dir)
    digest = hashlib.sha256((json.dumps(raw, sort_keys=True) + loaded.digest).encode()).hexdigest()
    source = Source(str(path_or_hub_id), place.folder, digest, place.commit, mesh)
    return Model(parameters.merge(config, loaded.params), source)


def pretrained(
    path_or_hub_id: str | Path,
    raw: dict[str, Any],
    config: Config,
    place: Place,
    shardings: dict[str, Any],
    cache_dir: str | Path | None,
) -> Weights:
    """Returns parameters and digest from the cache, or from the checkpoint's files, which then fill the cache."""
    entry = None
    if cache_dir is not None:
        try:
            Path(cache_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"Expected --weights_cache to be a folder that can be written, got {cache_dir}: {error.strerror}. "
                "Give another."
            ) from error
        fields = raw | {"decoder": config.decoder_layers}
        entry = Path(cache_dir) / cache_key(fields, place.folder, place.commit, config.dtype)
        if entry.is_dir():
            tree = convert.unflatten(shardings) if shardings else None
            return restore(entry, parameters.abstract(config), tree)
    folder = place.folder
    if place.commit is not None:  # so far only config and tokenizer are on this machine
        folder = locate(path_or_hub_id, place.commit).folder
    loaded = convert.load(family_of(raw), config, folder, shardings)
    if entry is not None:
        save(entry, loaded)
    return loaded
