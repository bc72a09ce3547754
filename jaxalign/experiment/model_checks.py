"""What can be refused about the models of a run before any concept is read or any weight is loaded."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jaxalign.config import Config
from jaxalign.embeddings import prompts
from jaxalign.experiment import training_overlap
from jaxalign.experiment.training_overlap import TrainingRecord
from jaxalign.flag_rules import layer_numbers
from jaxalign.models.checkpoint import sharding
from jaxalign.models.checkpoint.load import find_origin, open_tensors
from jaxalign.models.checkpoint.tokenizer import kept_tokenizer
from jaxalign.models.config import Config as ModelConfig
from jaxalign.models.families.registry import read_config
from jaxalign.types import InputError


def check(config: Config) -> dict[str, TrainingRecord]:
    """Model (or folder of --spaces) -> what it says about its training; raises InputError for what cannot run.

    Of a hub id only config.json and the tokenizer are fetched. Checked are the family, the dtype, --layers, --pooling,
    --model_parallel, --templates, the tokenizer and, of local folders, that there are weights to read.
    """
    if config.spaces:
        folder = Path(config.spaces)
        return {folder.resolve().name: training_overlap.read(folder)}
    templates_of(config)
    if config.model_parallel > 1:
        sharding.make_mesh(config.model_parallel)
    records = {}
    for name in config.models:
        with name_model_in_errors(name):
            origin = find_origin(name, config.revision or None)
            model = read_config(origin.raw, config.dtype, decoder="decoder" in config.pooling)
            layers_of(config, model)
            if len(config.models) > 1:  # that of a single model is read for its texts, before its weights
                kept_tokenizer(origin.tokenizer)
            if config.weights == "pretrained" and origin.place.commit is None:
                with open_tensors(origin):
                    pass
            folder = origin.place.folder
            records[name] = training_overlap.read(folder if folder.is_dir() else folder.parent)
    return records


def layers_of(config: Config, model: ModelConfig) -> str | tuple[int, ...]:
    """The layers of --layers in this model; raises InputError for one that it does not have."""
    depths = {model.decoder_layers} if "decoder" in config.pooling else set()
    depths |= {model.num_layers} if set(config.pooling) != {"decoder"} else set()
    numbers = {layer_numbers(config.layers, depth) for depth in depths}
    if len(numbers) > 1:
        raise InputError(
            f"Expected --layers that are the same in encoder and decoder, got {config.layers} for depths "
            f"{' and '.join(map(str, sorted(depths)))}. Run --pooling=decoder on its own."
        )
    return numbers.pop()


def width_of(config: Config, name: str) -> int:
    """The features of a model's states, from its config.json."""
    return read_config(find_origin(name, config.revision or None).raw, config.dtype).width


def templates_of(config: Config) -> Mapping[str, Any]:
    """The prompt templates of --templates that --template_names chooses."""
    known = prompts.load(config.templates or None)
    if config.template_names == ("all",):
        return known
    for name in config.template_names:
        if name not in known:
            raise InputError(
                f"Expected --template_names of {', '.join(known)}, or all, got {name!r}. Change --template_names."
            )
    return {name: known[name] for name in config.template_names}


@contextlib.contextmanager
def name_model_in_errors(name: str) -> Iterator[None]:
    """Appends --models=NAME to errors that name no flag."""
    try:
        yield
    except InputError as error:
        if "--" in str(error):
            raise
        raise InputError(f"{error} Change --models={name}.") from error
