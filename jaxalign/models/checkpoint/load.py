"""A model from a folder, a hub id or a GGUF file: config, weights on the devices, origin."""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from jaxalign.models import parameters
from jaxalign.models.checkpoint import convert, gguf_file, lora, sharding
from jaxalign.models.checkpoint.cache import cache_key, restore, save
from jaxalign.models.checkpoint.files import Checkpoint, open_checkpoint, open_files
from jaxalign.models.checkpoint.hub import Place, locate, split_revision
from jaxalign.models.checkpoint.sentence import SentenceModules, read_sentence_modules, transformer_folder
from jaxalign.models.config import Config
from jaxalign.models.families.registry import family_of, read_all
from jaxalign.models.fields import read_json
from jaxalign.models.model import Model, Source
from jaxalign.models.parameters import Weights
from jaxalign.types import InputError

LOGGER = logging.getLogger(__name__)


class Origin(NamedTuple):
    """Where the parts of a model are."""

    name: str  # as given
    place: Place  # of config.json and weights, those of the base where there is an adapter
    raw: dict[str, Any]  # config.json
    tokenizer: Path  # folder, or GGUF file
    sentence: SentenceModules
    adapter: lora.Adapter | None


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
    """Returns the model of a folder in Hugging Face format, a hub id, a GGUF file, or "demo".

    A folder or repository may also be a LoRA adapter, which is merged into its base; a sentence-transformers model,
    whose pooling and prompts are read; or a `models--org--name` folder of the hub's cache.
    `weights="random"` needs only config.json and draws the parameters on the devices from `seed`. `model_parallel` > 1
    splits them over that many devices of `Model.mesh`. `cache_dir` keeps the converted tree (Orbax), so that in a
    later load each device reads only its own part. `decoder` loads the decoder of T5, mT0 or Aya-101 too, which
    `decoded` needs. Raises InputError that names what is wrong.
    """
    if weights not in ("pretrained", "random"):
        raise InputError(f"Expected weights 'pretrained' or 'random', got {weights!r}.")
    origin = find_origin(path_or_hub_id, revision)
    config, warnings = read_all(origin.raw, dtype, decoder=decoder)
    mesh = sharding.make_mesh(model_parallel) if model_parallel != 1 else None
    shapes = parameters.flatten(parameters.abstract(config))
    shardings = sharding.shardings(mesh, shapes) if mesh is not None else {}
    if weights == "random":
        drawn = parameters.random_params(config, seed, parameters.unflatten(shardings) if shardings else None)
        loaded = Weights(drawn, f"random-{seed}")
    else:
        loaded = pretrained(origin, config, shardings, cache_dir)
    digest = hashlib.sha256((json.dumps(origin.raw, sort_keys=True) + loaded.digest).encode()).hexdigest()
    warnings = (*warnings, *origin.sentence.warnings)
    for warning in warnings:
        LOGGER.warning("%s: %s", origin.name, warning)
    stored = "GGUF" if origin.place.folder.is_file() else origin.raw.get("dtype") or origin.raw.get("torch_dtype")
    source = Source(
        name=origin.name, folder=origin.tokenizer, digest=digest, revision=origin.place.commit, mesh=mesh,
        sentence=origin.sentence, checkpoint_dtype=str(stored or "unknown"), warnings=warnings,
    )  # fmt: skip
    return Model(parameters.merge(config, loaded.params), source)


def find_origin(path_or_hub_id: str | Path, revision: str | None) -> Origin:
    """Returns where config, weights and tokenizer are; of a hub id without its weights so far."""
    name = str(path_or_hub_id)
    if gguf_file.is_gguf(path_or_hub_id):
        if revision is not None:
            raise InputError(f"Expected a hub id with --revision, got the file {name}. Leave --revision out.")
        file = Path(path_or_hub_id)
        return Origin(name, Place(file, None), gguf_file.read_fields(file), file, SentenceModules(), None)
    place, adapter = locate(path_or_hub_id, revision, config_only=True), None
    tokenizer = top = place.folder
    if (top / lora.CONFIG).is_file() and not (top / "config.json").is_file():
        adapter = lora.read_adapter(top)
        place = base_of(adapter)
        top = place.folder
        tokenizer = tokenizer if (tokenizer / "tokenizer_config.json").is_file() else top
    sentence = read_sentence_modules(top)
    folder = transformer_folder(top)
    if adapter is None:
        tokenizer = folder
    return Origin(name, Place(folder, place.commit), read_json(folder), tokenizer, sentence, adapter)


def base_of(adapter: lora.Adapter) -> Place:
    """Returns the place of an adapter's base; the error names both."""
    try:
        return locate(adapter.base, adapter.fields.get("revision"), config_only=True)
    except InputError as error:
        raise InputError(
            f"Expected the base {adapter.base!r} of the LoRA adapter in {adapter.folder}: {error} "
            f"Or write another folder as 'base_model_name_or_path' in {adapter.folder / lora.CONFIG}."
        ) from error


def pretrained(origin: Origin, config: Config, shardings: dict[str, Any], cache_dir: str | Path | None) -> Weights:
    """Returns parameters and digest from the cache, or from the checkpoint's files, which then fill the cache."""
    entry, place = None, origin.place
    if cache_dir is not None and place.folder.is_dir():
        try:
            Path(cache_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"Expected --weights_cache to be a folder that can be written, got {cache_dir}: {error.strerror}. "
                "Give another."
            ) from error
        fields = origin.raw | {"decoder": config.decoder_layers}
        if origin.adapter is not None:
            changed = [path.stat().st_mtime_ns for path in sorted(origin.adapter.folder.glob("adapter_*"))]
            fields |= {"adapter": [origin.adapter.fields, changed]}
        entry = Path(cache_dir) / cache_key(fields, place.folder, place.commit, config.dtype)
        if entry.is_dir():
            tree = parameters.unflatten(shardings) if shardings else None
            return restore(entry, parameters.abstract(config), tree)
    with open_tensors(origin) as checkpoint:
        loaded = convert.load(family_of(origin.raw), config, origin.raw, checkpoint, shardings)
    if entry is not None:
        save(entry, loaded)
    return loaded


@contextmanager
def open_tensors(origin: Origin) -> Iterator[Checkpoint]:
    """Yields the tensors of a model's files; fetches the weights of a hub id."""
    folder = origin.place.folder
    if folder.is_file():
        yield gguf_file.open_tensors(folder)
        return
    if origin.place.commit is not None:  # so far only config and tokenizer are on this machine
        name = split_revision(origin.name).name if origin.adapter is None else origin.adapter.base
        root = locate(name, origin.place.commit).folder
        folder = root if (root / "config.json").is_file() else transformer_folder(root)
    with ExitStack() as stack:
        checkpoint = stack.enter_context(open_checkpoint(folder))
        if origin.adapter is not None:
            file = origin.adapter.folder / "adapter_model.safetensors"
            if not file.is_file():
                raise InputError(f"Expected {file}, got no such file. Give --models a folder with it.")
            checkpoint = lora.merged(checkpoint, origin.adapter, stack.enter_context(open_files([file])))
        yield checkpoint
