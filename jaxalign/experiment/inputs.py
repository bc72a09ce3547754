"""The inputs of a run: its concepts, its splits, and its spaces, computed by models or read from .vec folders."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign.concepts import dataset, splitting
from jaxalign.concepts.contexts import with_contexts
from jaxalign.config import PAPER_LANGUAGES, Config
from jaxalign.experiment import map_export, training_overlap
from jaxalign.experiment.training_overlap import Training, TrainingRecord
from jaxalign.languages import canonical
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, InputError, Space, SpaceLabel, Split


class Source(NamedTuple):
    """The concepts of a run and, where they come from .vec files, their space."""

    concepts: Concepts
    vec_space: Space | None


class Traits(NamedTuple):
    """What `--controls=matched` matches samples on, and `--controls=confounds` regresses on."""

    english: tuple[str, ...]  # English word of each concept, "" where it is not known; empty: of none
    columns: dict[str, np.ndarray]  # `trait:` column of the TSV -> number of each concept, NaN where it is not given


class ModelSpaces(NamedTuple):
    """The spaces of one model: every layer of every pooling of every embedding."""

    spaces: list[Space]
    tokens: dict[str, np.ndarray]  # language -> number of tokens of each concept's word; empty without a tokenizer
    record: dict[str, dict]  # name of the model -> resolved commit, digest of config and weights, parameters


def concepts_of(config: Config) -> Source:
    """The concepts of a run, and its space where --spaces names a folder of .vec files."""
    if config.spaces:
        return _from_vec(config)
    languages = config.languages
    if languages == ("auto",):
        is_list = config.concepts not in ("builtin", "wordnet")
        languages = dataset.list_languages(Path(config.concepts)) if is_list else PAPER_LANGUAGES
    if len(languages) < 2:
        raise InputError(
            f"Expected at least two languages in {config.concepts}, got {', '.join(languages) or 'none'}. "
            "Add a column to --concepts, or name one with another title in --languages."
        )
    concepts = _load(config, languages)
    return Source(with_contexts(concepts, config.contexts, config.missing) if config.contexts else concepts, None)


def _load(config: Config, languages: tuple[str, ...]) -> Concepts:
    cache = Path(config.workdir) / "cache"
    return dataset.load(config.concepts, languages, min_depth=config.min_depth, missing=config.missing, cache_dir=cache)


def _from_vec(config: Config) -> Source:
    from jaxalign.embeddings import word2vec_format

    folder = Path(config.spaces)
    languages = word2vec_format.languages(folder) if config.languages == ("auto",) else config.languages
    if len(languages) < 2:
        raise InputError(
            f"Expected at least two LANG.vec files in {folder}, got {', '.join(languages) or 'none'}. "
            "Give --spaces another folder."
        )
    options = word2vec_format.ReadOptions(config.max_vocabulary, config.repeated_keys)
    ids, vectors = word2vec_format.read_folder(folder, languages, options)
    space = Space(SpaceLabel(folder.resolve().name, "vec", "none", 0), ids, vectors)
    return Source(_describe(config, ids, languages), space)


def _describe(config: Config, ids: tuple[str, ...], languages: tuple[str, ...]) -> Concepts:
    """Words and kinds of the ids that --concepts knows; the word of any other id is the id itself."""
    known = Concepts((), (), {}, ())
    codes = {label: canonical(label) for label in languages}
    if config.concepts != "builtin" or dataset.any_builtin(ids):
        # Kinds need one language of the list: English where the folder has none of its languages.
        if config.concepts in ("builtin", "wordnet"):
            any_language = config.concepts == "wordnet"
            shared = [code for code in codes.values() if any_language or code in PAPER_LANGUAGES] or ["en"]
        else:
            listed = dataset.list_languages(Path(config.concepts))
            shared = [code for code in codes.values() if code in listed] or list(listed[:1])
        known = _load(config, tuple(dict.fromkeys(shared)))
    row_of = {name: row for row, name in enumerate(known.ids)}
    kinds = tuple(known.kinds[row_of[name]] if name in row_of else "other" for name in ids)
    words = {
        label: tuple(
            known.words[code][row_of[name]] if name in row_of and code in known.words else name for name in ids
        )
        for label, code in codes.items()
    }
    answers = {
        label: tuple(
            known.answers[code][row_of[name]] if name in row_of and code in known.answers else (name,) for name in ids
        )
        for label, code in codes.items()
    }
    return Concepts(ids, kinds, words, (("in every .vec file", len(ids)),), answers)


def traits_of(config: Config, concepts: Concepts) -> Traits:
    """The English words of the concepts, and the numbers of the `trait:` columns of a TSV file."""
    listed = config.concepts if config.concepts not in ("builtin", "wordnet") else ""
    given = dataset.list_covariates(Path(listed)) if listed else {}
    columns = {
        name: np.array([column.get(concept, np.nan) for concept in concepts.ids]) for name, column in given.items()
    }
    if known_as := next((label for label in concepts.words if canonical(label) == "en"), ""):
        return Traits(concepts.words[known_as], columns)
    if listed and "en" not in dataset.list_languages(Path(listed)):
        return Traits((), columns)
    if not listed and config.concepts == "builtin" and not dataset.any_builtin(concepts.ids):
        return Traits((), columns)
    known = _load(config, ("en",))
    row_of = {name: row for row, name in enumerate(known.ids)}
    english = tuple(known.words["en"][row_of[name]] if name in row_of else "" for name in concepts.ids)
    return Traits(english if any(english) else (), columns)


def trainings_of(records: Mapping[str, TrainingRecord], concepts: Concepts) -> dict[str, Training]:
    """Model -> its record and the concepts of this run that it was trained on."""
    return {
        name: Training(record, training_overlap.trained_concepts(record, concepts)) for name, record in records.items()
    }


def splits_of(config: Config, concepts: Concepts, trainings: Mapping[str, Training]) -> list[Split]:
    """The split of --split; the one that a model brings for these concepts; or --splits random ones.

    Concepts whose translations a model was trained on are in no test set, except in that of --split.
    """
    if config.split:
        return [splitting.read_split(Path(config.split), concepts)]
    trained = frozenset(name for training in trainings.values() for name in training.trained)
    own = training_overlap.own_split([training.record for training in trainings.values()], concepts)
    if own and config.splits == 1 and not config.seed_size and not config.test_size:
        return [training_overlap.without_trained(own, concepts, trained, 0, config.seed)]
    seed_size, test_size = config.seed_size or None, config.test_size or None
    splits = []
    for seed in range(config.seed, config.seed + config.splits):
        split = splitting.split(concepts, rng_seed=seed, seed_size=seed_size, test_size=None if trained else test_size)
        splits.append(training_overlap.without_trained(split, concepts, trained, config.test_size, seed))
    return splits


def spaces_of(config: Config, concepts: Concepts, vec_space: Space | None, clock: Clock) -> Iterator[ModelSpaces]:
    """The spaces of one model after the other; each is loaded when the one before is finished."""
    if vec_space is not None:
        yield ModelSpaces([vec_space], {}, {})
        return
    import jax

    from jaxalign import models
    from jaxalign.embeddings import cached_spaces
    from jaxalign.experiment import model_checks

    templates = model_checks.templates_of(config)
    for name in config.models:
        with model_checks.name_model_in_errors(name):
            with clock.phase("load"):
                model = models.load_model(
                    name,
                    dtype=config.dtype,
                    revision=config.revision or None,
                    weights=config.weights,
                    model_parallel=config.model_parallel,
                    seed=config.seed,
                    cache_dir=config.weights_cache or None,
                    decoder="decoder" in config.pooling,
                )
            with clock.phase("embed"):
                spaces = cached_spaces.spaces(
                    model,
                    concepts,
                    cached_spaces.SpaceOptions(
                        embeddings=config.embeddings,
                        poolings=config.pooling,
                        templates=templates,
                        layers=model_checks.layers_of(config, model.config),
                        special_tokens=config.special_tokens,
                        batch_tokens=config.batch_tokens,
                    ),
                    store_root=Path(config.workdir) / "spaces",
                )
        counts = _token_counts(model.tokenizer, concepts)
        record: dict[str, Any] = {
            "revision": model.revision,
            "digest": model.digest,
            "family": model.family,
            "dtype": model.dtype,
            "checkpoint_dtype": model.source.checkpoint_dtype,
            "warnings": list(model.warnings),
        }
        record["unknown_words"] = _unknown_words(model.tokenizer, concepts)
        record["parameters"] = sum(leaf.size for leaf in jax.tree.leaves(model.params))
        del model  # one model in memory at a time
        if config.weights == "random":  # a control: its name differs from that of the trained model in a joined report
            name = f"{name} (random weights)"
            spaces = [space._replace(label=space.label._replace(model=name)) for space in spaces]
        yield ModelSpaces(spaces, counts, {name: record})


def _token_counts(tokenizer: Any, concepts: Concepts) -> dict[str, np.ndarray]:
    counts = {}
    for code, words in concepts.words.items():
        rows = tokenizer(list(words), add_special_tokens=False)["input_ids"]
        counts[code] = np.array([len(row) for row in rows])
    return counts


def _unknown_words(tokenizer: Any, concepts: Concepts) -> dict[str, int]:
    """Language -> how many of its words are nothing but the unknown token; only languages that have some."""
    from jaxalign.embeddings import tokenize

    counts = {code: tokenize.tokenize(tokenizer, column).unknown for code, column in concepts.words.items()}
    return {code: count for code, count in counts.items() if count}


def export(space: Space, folder: Path, training: Training | None) -> None:
    """Writes a space as `folder`/MODEL-EMBEDDING-POOLING-LAYER/LANG.vec, with what its model was trained on."""
    from jaxalign.embeddings import word2vec_format

    name = map_export.folder_name(space.label)
    word2vec_format.write_folder(folder / name, space.ids, space.vectors)
    if training:
        training_overlap.write(folder / name, training)


def log_concepts(concepts: Concepts, split: Split) -> None:
    """Logs how many concepts each filter left, and the sizes of the split."""
    for name, left in concepts.filters:
        LOGGER.info("concepts: %s after %s", f"{left:,}", name)
    if concepts.contexts:
        sizes = {code: sum(map(len, own)) for code, own in concepts.contexts.sentences.items()}
        per_language = ", ".join(f"{code} {count:,}" for code, count in sizes.items())
        LOGGER.info("%s", f"contexts: sentences of {concepts.contexts.name}: {per_language}")
    kinds = {kind: concepts.kinds.count(kind) for kind in ("abstract", "physical", "other")}
    counts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    LOGGER.info("%s", f"concepts: {len(concepts.ids):,} ({counts}); {len(split.seed):,} seed, {len(split.test):,} test")


def settings_of(config: Config) -> dict:
    """Flag -> value, for the report."""
    return {option.name: getattr(config, option.name) for option in dataclasses.fields(config)}
