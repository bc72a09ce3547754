"""A model out of a folder or a hub id: config, weights on the devices, tokenizer."""

import dataclasses
import hashlib
import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

from jax.sharding import Mesh

from jaxalign.models import transformer
from jaxalign.models.checkpoint import convert, sharding
from jaxalign.models.checkpoint.cache import cache_key, restore, save
from jaxalign.models.config import Config, read_json
from jaxalign.models.families.registry import family_of, read_config
from jaxalign.types import InputError

TEXT_FILES = ("*.json", "*.model", "*.txt")  # config and tokenizer


@dataclasses.dataclass(frozen=True)
class Model:
    """A loaded model: what `stack.pooled` needs, the tokenizer, and what tells it from others."""

    name: str  # as given: hub id, folder or "demo"
    config: Config
    params: transformer.Params
    folder: Path
    digest: str  # SHA-256 of config.json and of the tensors read
    revision: str | None  # resolved commit of a hub id
    mesh: Mesh | None  # None: whole parameters on the default device

    @cached_property
    def tokenizer(self) -> Any:
        """Returns the folder's own tokenizer, read at first use."""
        return read_tokenizer(self.folder)

    @property
    def family(self) -> str:
        return self.config.family

    @property
    def causal(self) -> bool:
        return self.config.causal

    @property
    def num_layers(self) -> int:
        return self.config.num_layers

    @property
    def width(self) -> int:
        return self.config.width

    @property
    def dtype(self) -> str:
        return self.config.dtype

    @property
    def max_length(self) -> int:
        return self.config.max_length

    @property
    def default_pooling(self) -> str:
        return self.config.default_pooling

    @property
    def model_parallel(self) -> int:
        return 1 if self.mesh is None else self.mesh.shape["model"]


def read_tokenizer(folder: Path) -> Any:
    """Returns the tokenizer in `folder`; no code of the folder is run."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except Exception as error:  # the tokenizers library raises bare Exception for a damaged file
        said = " ".join(str(error).split())[:200]
        raise InputError(f"Expected tokenizer files in {folder}, got: {said}. Change --models.") from error


def demo_path() -> Path:
    """Returns the folder of the packaged demo model, what `load("demo")` reads."""
    return Path(__file__).parents[2] / "data" / "demo"


def load(
    path_or_hub_id: str | Path,
    *,
    dtype: str = "float32",
    revision: str | None = None,
    model_parallel: int = 1,
    weights: str = "pretrained",
    seed: int = 0,
    cache_dir: str | Path | None = None,
    decoder: bool = False,
) -> Model:
    """Returns the model of a folder in Hugging Face format, of a hub id, or "demo".

    `weights="random"` needs config.json alone and draws the parameters on the devices from `seed`. `model_parallel` > 1
    splits them over that many devices of `Model.mesh`. `cache_dir` keeps the converted tree (Orbax), so that a later
    load reads each device's part alone. `decoder` loads the decoder of T5, mT0 or Aya-101 too, which `decoded` needs.
    Raises InputError that names what is wrong.
    """
    if weights not in ("pretrained", "random"):
        raise InputError(f"Expected weights 'pretrained' or 'random', got {weights!r}.")
    folder, commit = find(path_or_hub_id, revision, config_only=True)
    raw = read_json(folder)
    config = read_config(raw, dtype, decoder=decoder)
    mesh = sharding.make_mesh(model_parallel) if model_parallel != 1 else None
    places = sharding.shardings(mesh, convert.flatten(transformer.abstract(config))) if mesh is not None else {}
    if weights == "random":
        params = transformer.random_params(config, seed, convert.unflatten(places) if places else None)
        digest = f"random-{seed}"
    else:
        params, digest = pretrained(path_or_hub_id, raw, config, folder, commit, places, cache_dir)
    identity = hashlib.sha256((json.dumps(raw, sort_keys=True) + digest).encode()).hexdigest()
    return Model(str(path_or_hub_id), config, params, folder, identity, commit, mesh)


def pretrained(
    path_or_hub_id: str | Path,
    raw: dict[str, Any],
    config: Config,
    folder: Path,
    commit: str | None,
    places: dict[str, Any],
    cache_dir: str | Path | None,
) -> tuple[transformer.Params, str]:
    """Returns parameters and digest from the cache, or from the checkpoint's files, which then fill the cache."""
    place = None
    if cache_dir is not None:
        try:
            Path(cache_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"Expected --weights_cache to be a folder that can be written, got {cache_dir}: {error.strerror}. "
                "Give another."
            ) from error
        place = Path(cache_dir) / cache_key(raw | {"decoder": config.decoder_layers}, folder, commit, config.dtype)
        if place.is_dir():
            return restore(place, transformer.abstract(config), convert.unflatten(places) if places else None)
    if commit is not None:  # so far only config and tokenizer are here
        folder, _ = find(path_or_hub_id, commit)
    found = convert.load(family_of(raw), config, folder, places)
    if place is not None:
        save(place, *found)
    return found


def find(path_or_hub_id: str | Path, revision: str | None, *, config_only: bool = False) -> tuple[Path, str | None]:
    """Returns the local folder, and of a hub id the commit that `revision` resolved to."""
    demo = str(path_or_hub_id) == "demo"
    folder = demo_path() if demo else Path(path_or_hub_id)
    if len(str(path_or_hub_id)) < 4096 and (demo or os.path.isdir(folder)):
        if revision is not None:
            raise InputError(f"Expected a hub id with --revision, got {path_or_hub_id}. Leave --revision out.")
        return folder, None
    if not str(path_or_hub_id).count("/") <= 1 or str(path_or_hub_id).startswith((".", "~", "/")):
        raise InputError(f"Expected a folder or a hub id, got {str(path_or_hub_id)!r}. Change --models.")
    return download(str(path_or_hub_id), revision, config_only)


def download(hub_id: str, revision: str | None, config_only: bool) -> tuple[Path, str]:
    """Returns the folder and commit of a hub id; takes .bin only where there are no safetensors.

    "model*", since some repositories hold the weights once more as consolidated.safetensors.
    """
    kinds: tuple[str | None, ...] = (None,) if config_only else ("model*.safetensors", "pytorch_model*.bin")
    for weight_files in kinds:
        folder = _snapshot(hub_id, revision, [*TEXT_FILES, weight_files] if weight_files else [*TEXT_FILES])
        if weight_files is None or any(folder.glob(weight_files)):
            break
    return folder, folder.name


def _snapshot(hub_id: str, revision: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns, ignore_patterns=["*/*"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"Expected the hub's files of {hub_id[:100]!r} at revision {revision or 'main'}, got "
            f"{' '.join(str(error).split())[:200]}. "
            "Check --models, the network, and access to gated repositories."
        ) from error
