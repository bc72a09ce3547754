"""What a run is about: its concepts, its splits, and its spaces, made by models or read from .vec folders."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign.concepts import dataset as words
from jaxalign.concepts import splitting
from jaxalign.config import Config, parse_layers
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, InputError, Space, SpaceLabel, Split


class Made(NamedTuple):
    """The spaces of one model: every layer of every pooling of every embedding."""

    spaces: list[Space]
    tokens: np.ndarray | None  # of each concept's English word
    record: dict[str, dict]  # the model's name -> resolved commit, digest of config and weights, parameters


SEVEN = ("en", "fr", "ro", "eu", "fi", "ja", "th")


def concepts_of(config: Config) -> tuple[Concepts, Space | None]:
    """The run's concepts, and its space where it comes from .vec files."""
    if config.spaces:
        return _from_vec(config)
    asked = config.languages
    if asked == ("auto",):
        own = config.concepts not in ("builtin", "wordnet")
        asked = words.list_languages(Path(config.concepts)) if own else SEVEN
    if len(asked) < 2:
        raise InputError(
            f"Expected at least two languages in {config.concepts}, got {', '.join(asked)}. Add a column to --concepts."
        )
    return words.load(
        config.concepts, asked, min_depth=config.min_depth, cache_dir=Path(config.workdir) / "cache"
    ), None


def _from_vec(config: Config) -> tuple[Concepts, Space]:
    from jaxalign.embeddings import word2vec_format

    folder = Path(config.spaces)
    asked = word2vec_format.languages(folder) if config.languages == ("auto",) else config.languages
    if len(asked) < 2:
        raise InputError(
            f"Expected at least two LANG.vec files in {folder}, got {', '.join(asked) or 'none'}. "
            "Give --spaces another folder."
        )
    options = word2vec_format.ReadOptions(config.max_vocabulary, config.repeated_keys)
    ids, vectors = word2vec_format.read_folder(folder, asked, options)
    space = Space(SpaceLabel(folder.resolve().name, "vec", "none", 0), ids, vectors)
    return _named(config, ids, asked), space


def _named(config: Config, ids: tuple[str, ...], languages: tuple[str, ...]) -> Concepts:
    """Words and kinds of the ids that --concepts knows; any other id stands for itself."""
    known = Concepts((), (), {}, ())
    if config.concepts != "builtin" or words.any_builtin(ids):
        # Kinds need one language of the list; English where the folder has none of its languages.
        if config.concepts in ("builtin", "wordnet"):
            have = [code for code in languages if config.concepts == "wordnet" or code in SEVEN] or ["en"]
        else:
            listed = words.list_languages(Path(config.concepts))
            have = [code for code in languages if code in listed] or list(listed[:1])
        known = words.load(config.concepts, have, min_depth=config.min_depth, cache_dir=Path(config.workdir) / "cache")
    place = {name: row for row, name in enumerate(known.ids)}
    kinds = tuple(known.kinds[place[name]] if name in place else "other" for name in ids)
    found = {
        code: tuple(known.words[code][place[name]] if name in place and code in known.words else name for name in ids)
        for code in languages
    }
    return Concepts(ids, kinds, found, (("in every .vec file", len(ids)),))


def traits_of(config: Config, concepts: Concepts) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    """Each concept's English word (none where it is not known), and the numbers of a TSV's `trait:` columns."""
    listed = config.concepts if config.concepts not in ("builtin", "wordnet") else ""
    own = words.list_covariates(Path(listed)) if listed else {}
    columns = {
        name: np.array([column.get(concept, np.nan) for concept in concepts.ids]) for name, column in own.items()
    }
    if "en" in concepts.words:
        return concepts.words["en"], columns
    if listed and "en" not in words.list_languages(Path(listed)):
        return (), columns
    if not listed and config.concepts == "builtin" and not words.any_builtin(concepts.ids):
        return (), columns
    known = words.load(config.concepts, ("en",), min_depth=config.min_depth, cache_dir=Path(config.workdir) / "cache")
    place = {name: row for row, name in enumerate(known.ids)}
    found = tuple(known.words["en"][place[name]] if name in place else "" for name in concepts.ids)
    return (found if any(found) else ()), columns


def splits_of(config: Config, concepts: Concepts) -> list[Split]:
    """The split of --split, or --splits seeded ones."""
    if config.split:
        return [splitting.read_split(Path(config.split), concepts)]
    return [
        splitting.split(
            concepts,
            rng_seed=config.seed + number,
            seed_size=config.seed_size or None,
            test_size=config.test_size or None,
        )
        for number in range(config.splits)
    ]


def check_asked(config: Config, concepts: Concepts) -> None:
    """Raises InputError where a control or --export_spaces could not do what it is asked for."""
    if "isometry" in config.controls:
        from jaxalign.metrics import isometry

        isometry.check_size(isometry.DEFAULT, len(concepts.ids))
    if config.export_spaces:
        from jaxalign.embeddings import word2vec_format

        word2vec_format.keys_of(concepts.ids)


def ks_of(config: Config, concepts: Concepts, splits: list[Split]) -> tuple[int, ...]:
    """The k of P@k, each of which the candidates allow; the defaults above their number are left out with a note."""
    pool = len(concepts.ids) if config.candidates == "all" else min(len(split.test) for split in splits)
    if "csls" in config.retrieval:
        from jaxalign.retrieval import csls

        csls.check_k(config.csls_k, pool)
    return fitting_k(config, pool)


def fitting_k(config: Config, pool: int) -> tuple[int, ...]:
    """The k of --k up to the number of candidates: larger ones are an error, but the defaults, which are left out."""
    above = [k for k in config.k if k > pool]
    if above and config.k != Config.k:
        raise InputError(
            f"Expected --k of at most {pool}, the candidates, got {', '.join(map(str, above))}. Lower them."
        )
    if above:
        LOGGER.info("P@k with k above %d, the candidates, is left out: %s", pool, ", ".join(map(str, above)))
    return tuple(k for k in config.k if k <= pool)


def seed_sizes_of(config: Config, split: Split) -> tuple[int, ...]:
    """The sizes of --seed_sizes that the seed dictionary has, ascending; 0 stands for all of it."""
    whole = len(split.seed)
    sizes = sorted({size or whole for size in config.seed_sizes})
    left_out = [size for size in sizes if size > whole]
    if left_out and len(left_out) == len(sizes):
        raise InputError(
            f"Expected --seed_sizes of at most {whole}, the concepts in the seed dictionary, got "
            f"{','.join(map(str, sizes))}. Lower them, or raise --seed_size."
        )
    if left_out:
        LOGGER.info(
            "seed sizes above %d, the concepts in the seed dictionary, are left out: %s",
            whole,
            ", ".join(map(str, left_out)),
        )
    return tuple(size for size in sizes if size <= whole)


def spaces_of(config: Config, concepts: Concepts, vec_space: Space | None, clock: Clock) -> Iterator[Made]:
    """The spaces of one model after the other, each read when used."""
    if vec_space is not None:
        yield Made([vec_space], None, {})
        return
    import jax

    from jaxalign import models
    from jaxalign.embeddings import cached_spaces, prompts

    templates = _templates(prompts.load(config.templates or None), config.template_names)
    for name in config.models:
        with _about(name):
            with clock.phase("load"):
                model = models.load(
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
                made = cached_spaces.spaces(
                    model,
                    concepts,
                    cached_spaces.SpaceOptions(
                        embeddings=config.embeddings,
                        poolings=config.pooling,
                        templates=templates,
                        layers=parse_layers(config.layers),
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
        }
        record["unknown_words"] = _unknown(model.tokenizer, concepts)
        record["parameters"] = sum(leaf.size for leaf in jax.tree.leaves(model.params))
        del model  # one model in memory at a time
        if config.weights == "random":  # a control of the model, which may stand beside it in one report
            name = f"{name} (random weights)"
            made = [space._replace(label=space.label._replace(model=name)) for space in made]
        yield Made(made, counts, {name: record})


@contextlib.contextmanager
def _about(name: str) -> Iterator[None]:
    """Adds the flag to what is wrong with a model, where nothing else to change is named."""
    try:
        yield
    except InputError as error:
        if "--" in str(error):
            raise
        raise InputError(f"{error} Change --models={name}.") from error


def _token_counts(tokenizer: Any, concepts: Concepts) -> np.ndarray | None:
    if "en" not in concepts.words:
        return None
    rows = tokenizer(list(concepts.words["en"]), add_special_tokens=False)["input_ids"]
    return np.array([len(row) for row in rows])


def _unknown(tokenizer: Any, concepts: Concepts) -> dict[str, int]:
    """Language -> how many of its words are nothing but the unknown token; only languages that have some."""
    from jaxalign.embeddings import tokenize

    counts = {code: tokenize.tokenize(tokenizer, column).unknown for code, column in concepts.words.items()}
    return {code: count for code, count in counts.items() if count}


def _templates(known: dict, names: tuple[str, ...]) -> dict:
    if names == ("all",):
        return known
    for name in names:
        if name not in known:
            raise InputError(f"Expected --template_names of {', '.join(known)}, or all, got {name!r}. Correct it.")
    return {name: known[name] for name in names}


def export(space: Space, folder: Path) -> None:
    """Writes a space as `folder`/MODEL-EMBEDDING-POOLING-LAYER/LANG.vec."""
    from jaxalign.embeddings import word2vec_format

    label = space.label._replace(model=Path(space.label.model).name)
    name = "-".join(str(part).replace("/", "_").replace(":", "_") for part in label)
    word2vec_format.write_folder(folder / name, space.ids, space.vectors)


def say_concepts(concepts: Concepts, split: Split) -> None:
    """Logs how many concepts each filter left, and the split."""
    for name, left in concepts.filters:
        LOGGER.info("concepts: %s after %s", f"{left:,}", name)
    kinds = {kind: concepts.kinds.count(kind) for kind in ("abstract", "physical", "other")}
    shown = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    LOGGER.info("%s", f"concepts: {len(concepts.ids):,} ({shown}); {len(split.seed):,} seed, {len(split.test):,} test")


def settings_of(config: Config) -> dict:
    """The flags that the report shows: all that were set or decide a figure."""
    return {option.name: getattr(config, option.name) for option in dataclasses.fields(config)}
