"""How much a run computes: its texts, its tokens and the batches that hold them, without any weights."""

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import huggingface_hub

from jaxalign import models
from jaxalign.concepts import dataset
from jaxalign.config import Config
from jaxalign.embeddings import packing, prompts, tokenize
from jaxalign.models.checkpoint import hub
from jaxalign.models.checkpoint.tokenizer import read_tokenizer
from jaxalign.models.fields import read_json
from jaxalign.types import InputError

PAPER_CONCEPTS = 4397  # Peng and Soegaard 2024: concepts that all seven languages have, after their filters
PAPER_SEEDS = 3000


class Work(NamedTuple):
    """What one model has to compute in a run."""

    model: str
    raw: dict[str, Any]  # config.json
    config: models.Config
    concepts: int
    seeds: int  # in the seed dictionary
    languages: int
    texts: int
    tokens_given: int
    tokens_computed: int  # after shared prefixes are computed once
    width: int  # slots of a packed row
    pooled_per_row: int
    estimates: tuple[str, ...]  # what is estimated, and from what


def of_model(name: str, config: Config) -> Work:
    """The work of one model of the run; InputError where its config.json can not be had."""
    folder, raw = _config_json(name, config)
    model_config = models.read_config(raw, config.dtype, decoder="decoder" in config.pooling)
    tokenizer, notes = _tokenizer(name, folder)
    words, concepts, seeds, scale, more = _words(config)
    estimates = tuple(notes + more)
    parts = [tokenize.tokenize(tokenizer, texts, max_length=model_config.max_length) for texts in _texts(config, words)]
    pooling = model_config.default_pooling if config.pooling == ("auto",) else config.pooling[0]
    pooling = "last" if pooling == "decoder" else pooling
    plan = packing.forest(
        [packing.Request(part, pooling) for part in parts], causal=model_config.causal, features=model_config.width
    )
    texts = sum(len(part.offsets) - 1 for part in parts)
    return Work(
        name, raw, model_config, concepts, seeds, len(words), round(texts * scale), round(plan.given * scale),
        round(plan.computed * scale), plan.width, plan.most_vectors, estimates,
    )  # fmt: skip


@cache
def packaged() -> dict[str, dict[str, Any]]:
    """The config.json of the paper's ten models, by hub id, as released (only the fields that shape the model)."""
    return json.loads(resources.files("jaxalign").joinpath("data/paper_models.json").read_text("utf-8"))


def _config_json(name: str, config: Config) -> tuple[Path | None, dict[str, Any]]:
    """The model's folder, if it is on this machine, and its config.json."""
    if name == "demo" or Path(name).is_dir():
        folder = hub.demo_path() if name == "demo" else Path(name)
        return folder, read_json(folder)
    cached = huggingface_hub.try_to_load_from_cache(name, "config.json", revision=config.revision or None)
    if isinstance(cached, str):  # nothing is downloaded for a plan
        return Path(cached).parent, read_json(Path(cached).parent)
    if name in packaged():
        return None, packaged()[name]
    raise InputError(
        f"Expected a config.json for --models={name}, got none: it is no folder, is not in the hub's cache, and the "
        f"package carries those of {', '.join(packaged())} only. Put config.json and the tokenizer's files into a "
        "folder and give that to --models."
    )


def _tokenizer(name: str, folder: Path | None) -> tuple[Any, list[str]]:
    if folder is not None:
        try:
            return read_tokenizer(folder), []
        except InputError:
            pass
    note = f"tokens of {name}: counted with the demo model's tokenizer, since its own is not on this machine"
    return read_tokenizer(hub.demo_path()), [note]


def _words(config: Config) -> tuple[dict[str, tuple[str, ...]], int, int, float, list[str]]:
    """(words by language, concepts, seeds, texts of the run per text counted, what is estimated)."""
    languages = ("en", "fr", "ro", "eu", "fi", "ja", "th") if config.languages == ("auto",) else config.languages
    try:
        concepts = dataset.load(config.concepts, languages, min_depth=config.min_depth)
        count, notes = len(concepts.ids), []
    except InputError:
        if config.concepts != "wordnet":
            raise
        concepts = dataset.load("builtin", languages)
        count = PAPER_CONCEPTS
        notes = [f"concepts: {count:,} as in the paper, since WordNet is not on this machine; tokens scaled from the "
                 f"{len(concepts.ids)} concepts of the lexicon"]  # fmt: skip
    seeds = config.seed_size or (PAPER_SEEDS if count == PAPER_CONCEPTS else round(count * 2 / 3))
    return concepts.words, count, seeds, count / len(concepts.ids), notes


def _texts(config: Config, words: dict[str, tuple[str, ...]]) -> list[list[str]]:
    """All texts of each embedding."""
    columns = []
    if "vanilla" in config.embeddings:
        columns.append([word for column in words.values() for word in column])
    if "prompt" in config.embeddings:
        known = prompts.load(config.templates or None)
        for template in known if config.template_names == ("all",) else config.template_names:
            filled = (prompts.fill(known[template], list(column), code) for code, column in words.items())
            columns.append([text for column in filled for text in column])
    return columns
