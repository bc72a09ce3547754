"""How much a run computes: its texts, its tokens and the batches that hold them, without any weights."""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import huggingface_hub
import numpy as np

from jaxalign import models
from jaxalign.concepts import dataset
from jaxalign.config import Config
from jaxalign.embeddings import extract, kinds, packing, tokenize
from jaxalign.evaluation.options import AlignmentOptions, from_config
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import settings_of
from jaxalign.experiment import design, inputs, limits, model_checks
from jaxalign.flag_rules import layer_numbers
from jaxalign.models.checkpoint import hub
from jaxalign.models.checkpoint.sentence import read_sentence_modules
from jaxalign.models.checkpoint.tokenizer import read_tokenizer
from jaxalign.models.fields import read_json
from jaxalign.retrieval.penalties import Retrieval
from jaxalign.types import Concepts, InputError, Space, SpaceLabel

PAPER_CONCEPTS = 4397  # Peng and Soegaard 2024: concepts that all seven languages have, after their filters
PAPER_SEEDS = 3000


class Embedding(NamedTuple):
    """One way to give the concepts to a model, with the plan of its batches as the run makes it."""

    name: str  # "vanilla" or "prompt:NAME"
    plan: packing.Forest
    poolings: tuple[str, ...]
    layers: tuple[int, ...]
    decoder: bool  # vectors of the decoder's first step
    vectors: int  # that are written per layer
    texts: int
    tokens_given: int
    tokens_computed: int  # after shared prefixes are computed once


class Work(NamedTuple):
    """What one model has to compute in a run."""

    model: str
    raw: dict[str, Any]  # config.json
    config: models.Config
    concepts: int
    languages: int
    embeddings: tuple[Embedding, ...]
    options: AlignmentOptions
    candidates: int  # of each query
    fitted: Mapping[int, int]  # rows that a map is fitted on (0: no map) -> how often a pair of languages is ranked
    estimates: tuple[str, ...]  # what is estimated, and from what
    retrievals: tuple[Retrieval, ...] = ("csls",)  # of each ranking, all from one map and one similarity

    @property
    def texts(self) -> int:
        """Texts of all embeddings."""
        return sum(part.texts for part in self.embeddings)

    @property
    def tokens_given(self) -> int:
        """Tokens of all texts."""
        return sum(part.tokens_given for part in self.embeddings)

    @property
    def tokens_computed(self) -> int:
        """Tokens that the model sees, after shared prefixes are computed once."""
        return sum(part.tokens_computed for part in self.embeddings)

    @property
    def disk_bytes(self) -> int:
        """Bytes of the spaces on disk: float32 vectors."""
        return sum(part.vectors * len(part.layers) for part in self.embeddings) * self.config.width * 4


def of_model(name: str, config: Config) -> Work:
    """The work of one model of the run; InputError where its config.json can not be had."""
    folder, raw = _config_json(name, config)
    model_config = models.read_config(raw, config.dtype, decoder="decoder" in config.pooling)
    tokenizer, notes = _tokenizer(name, folder)
    concepts, scale, more = _concepts(config)
    sentence = read_sentence_modules(folder).pooling if folder else ""
    model = SimpleNamespace(
        name=name, config=model_config, tokenizer=tokenizer, num_layers=model_config.num_layers,
        default_pooling=sentence or model_config.default_pooling,
    )  # fmt: skip
    templates = model_checks.templates_of(config) if "prompt" in config.embeddings else None
    embeddings = tuple(
        _embedding(model, kind, config, scale)
        for kind in kinds.kinds(model, concepts, config.embeddings, config.pooling, templates)
    )
    count = round(len(concepts.ids) * scale)
    rankings = _rankings(config, concepts, count, embeddings)
    if rankings.options.map != "orthogonal":
        more = [*more, f"memory of the rankings: that of orthogonal maps, in place of --map={rankings.options.map}"]
    return Work(
        name, raw, model_config, count, len(concepts.words), embeddings, *rankings, tuple(notes + more),
        cast(tuple[Retrieval, ...], config.retrieval),
    )  # fmt: skip


def _embedding(model: Any, kind: kinds.Kind, config: Config, scale: float) -> Embedding:
    parts = [
        tokenize.tokenize(
            model.tokenizer, texts, max_length=model.config.max_length, add_special_tokens=kind.add_special_tokens
        )
        for texts in kind.texts.values()
    ]
    requests = [packing.Request(part, pooling) for pooling in kind.poolings for part in parts]
    plan = packing.forest(
        requests, causal=model.config.causal, special_tokens=config.special_tokens, features=model.config.width
    )
    decoder = packing.decoder_only(kind.poolings)
    depth = model.config.decoder_layers if decoder else model.num_layers
    layers = extract.parse_layers(model, layer_numbers(config.layers, depth), decoder)
    texts = sum(len(part.offsets) - 1 for part in parts)
    counts = (len(plan.vector_text), texts, plan.given // len(kind.poolings), plan.computed)
    scaled = (round(count * scale) for count in counts)
    return Embedding(kind.name, _longer(plan, scale), kind.poolings, layers, decoder, *scaled)


def _longer(plan: packing.Forest, scale: float) -> packing.Forest:
    """The plan with `scale` times its rows, for shapes only: its texts again and again."""
    if scale == 1:
        return plan
    times, rows = math.ceil(scale), round(plan.rows * scale)

    def again(starts: np.ndarray) -> np.ndarray:
        repeated = [starts[:-1] + starts[-1] * turn for turn in range(times)]
        return np.append(np.concatenate(repeated), starts[-1] * times)[: rows + 1]

    return plan._replace(window_texts=again(plan.window_texts), row_vectors=again(plan.row_vectors))


@cache
def packaged() -> dict[str, dict[str, Any]]:
    """The config.json of the paper's ten models, by hub id, as released (only the fields that shape the model)."""
    return json.loads(resources.files("jaxalign").joinpath("data/paper_models.json").read_text("utf-8"))


def _config_json(name: str, config: Config) -> tuple[Path | None, dict[str, Any]]:
    """The model's folder, if it is on this machine, and its config.json."""
    name, revision = hub.split_revision(name, config.revision or None)
    if name == "demo" or Path(name).is_dir():
        folder = hub.demo_path() if name == "demo" else Path(name)
        return folder, read_json(folder)
    cached = huggingface_hub.try_to_load_from_cache(name, "config.json", revision=revision)
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


class _Given(NamedTuple):
    """The concepts that are counted, and how many of the run each stands for."""

    concepts: Concepts
    scale: float
    notes: list[str]


class _Rankings(NamedTuple):
    options: AlignmentOptions
    candidates: int
    fitted: Mapping[int, int]


@lru_cache(maxsize=1)
def _concepts(config: Config) -> _Given:
    """The concepts of the run; where WordNet is not on this machine, those of the lexicon, scaled to the paper's."""
    try:
        return _Given(inputs.concepts_of(config).concepts, 1, [])
    except InputError as error:
        if config.concepts != "wordnet" or "nltk.downloader" not in str(error):
            raise
    languages = inputs.PAPER_LANGUAGES if config.languages == ("auto",) else config.languages
    concepts = dataset.load("builtin", languages)
    note = (
        f"concepts: {PAPER_CONCEPTS:,} as in the paper, since WordNet is not on this machine; tokens scaled from the "
        f"{len(concepts.ids)} concepts of the lexicon"
    )
    return _Given(concepts, PAPER_CONCEPTS / len(concepts.ids), [note])


def _rankings(config: Config, concepts: Concepts, count: int, embeddings: Sequence[Embedding]) -> _Rankings:
    """What is asked of every space of the run, with as many seeds as its split will have."""
    if count == len(concepts.ids):
        split = inputs.splits_of(config, concepts, {})[0]
        seed, sizes = len(split.seed), limits.seed_sizes_of(config, split)
        test = len(split.test)
    else:
        seed = config.seed_size or PAPER_SEEDS
        sizes = tuple(sorted({size or seed for size in config.seed_sizes if size <= seed}))
        test = config.test_size or count - seed
    options = dataclasses.replace(from_config(config), seed_sizes=sizes)
    rows = Rows(np.arange(seed), np.arange(seed, seed + test))
    labels = [
        SpaceLabel("", part.name, pooling, layer)
        for part in embeddings for pooling in part.poolings for layer in part.layers
    ]  # fmt: skip
    spaces = [Space(label, concepts.ids, {}) for label in labels]
    fitted: Counter[int] = Counter()
    for _, asked in design.questions(config, spaces, sizes, config.splits):
        own = dataclasses.replace(options, settings=asked.settings, seed_sizes=asked.seed_sizes)
        for setting in settings_of(own, rows):
            whole = seed + test if setting.fitted.with_test else setting.fitted.size
            fitted[whole] += asked.splits
    return _Rankings(options, test if config.candidates == "test" else count, fitted)
