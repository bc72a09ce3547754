"""Whether the concepts and the split of a run allow the k, the seed sizes and the controls that its flags ask for."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import numpy as np

from jaxalign.alignment.normalize import is_constant, parse_steps
from jaxalign.concepts import dataset
from jaxalign.config import Config
from jaxalign.flag_rules import shown
from jaxalign.languages import canonical
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, InputError, Split


def check_languages(config: Config) -> None:
    """Raises InputError where two of --languages are one language, such as en and eng; files of vectors may be."""
    if not config.spaces and len(set(map(canonical, config.languages))) < len(config.languages):
        raise InputError(f"Expected --languages, each once, got {','.join(config.languages)}. Drop one of the two.")


def check_libraries(config: Config) -> None:
    """Raises InputError where a control needs a library that is not installed."""
    if "confounds" in config.controls and not find_spec("statsmodels"):
        raise InputError(
            "Expected statsmodels for --controls=confounds, got none. Install it with pip install 'jaxalign[study]', "
            "or drop confounds from --controls."
        )
    if "matched" in config.controls and _english_is_certain(config):
        check_frequencies(config)


def check_frequencies(config: Config) -> None:
    """Raises InputError where --controls=matched has English words but nothing that gives their frequency."""
    is_list = config.concepts not in ("builtin", "wordnet")
    if find_spec("wordfreq") or is_list and "frequency" in dataset.list_covariates(Path(config.concepts)):
        return
    raise InputError(
        "Expected wordfreq for --controls=matched, got no wordfreq. Install it with pip install 'jaxalign[study]', "
        "add a column trait:frequency to --concepts, or drop matched from --controls."
    )


def _english_is_certain(config: Config) -> bool:
    """Whether there are English words to look up, as far as flags and file names tell."""
    if not config.spaces:
        return True
    if config.languages != ("auto",):
        return any(canonical(code) == "en" for code in config.languages)
    from jaxalign.embeddings import word2vec_format

    return any(canonical(code) == "en" for code in word2vec_format.languages(Path(config.spaces)))


def check_vectors(config: Config, vectors: Mapping[str, np.ndarray]) -> None:
    """Raises InputError where languages have one vector, or one direction, for all concepts: every answer would tie."""
    steps = parse_steps(config.normalize)
    same = ", ".join(code for code, rows in vectors.items() if is_constant(rows, steps))
    if same:
        raise InputError(
            f"Expected spaces whose vectors differ, got one vector for all concepts in {same}. Leave these out of "
            f"--languages, or change {'--spaces' if config.spaces else '--pooling or --layers'}."
        )


def check_controls(config: Config, concepts: Concepts) -> None:
    """Raises InputError where a control or --export_spaces cannot be computed on these concepts."""
    if "isometry" in config.controls:
        from jaxalign.metrics import isometry

        isometry.check_size(isometry.DEFAULT, len(concepts.ids))
    if {"hubness", "bitext"} & set(config.controls) or config.answers == "all":
        from jaxalign.evaluation import pair_scores

        pair_scores.check_size(len(concepts.ids), int(config.memory_budget * 2**30))
    if config.export_spaces or config.export_mapped:
        from jaxalign.embeddings import word2vec_format

        word2vec_format.keys_of(concepts.ids)


def check_identical(config: Config, concepts: Concepts, split: Split) -> None:
    """Raises InputError where no pair has enough seed words that are written alike; says which pairs have too few."""
    if config.dictionary or not config.seed_dictionary:
        return
    from jaxalign.evaluation import found_seeds

    if config.spaces and all(words == concepts.ids for words in concepts.words.values()):
        raise InputError(
            "Expected words of the concepts with --seed_dictionary=identical, got their ids only, which are the same "
            "in every language. Give --concepts, or drop --seed_dictionary."
        )
    place = {name: row for row, name in enumerate(concepts.ids)}
    known = found_seeds.alike(concepts.words, [place[name] for name in split.seed])
    counts = {"-".join(pair): int(mask.sum()) for pair, mask in known.items()}
    few = [f"{pair} ({count})" for pair, count in counts.items() if count < found_seeds.LEAST]
    if len(few) == len(counts):
        raise InputError(
            f"Expected {found_seeds.LEAST} seed concepts or more whose words are the same in two languages, got "
            f"{', '.join(few)[:300]}. Drop --seed_dictionary, or give other languages or more concepts."
        )
    if few:
        LOGGER.warning(
            "identical: %s are left out, with fewer than %d identical words among the seeds (their number in brackets)",
            ", ".join(few),
            found_seeds.LEAST,
        )


def ks_of(config: Config, concepts: Concepts, splits: Sequence[Split]) -> tuple[int, ...]:
    """The values of --k that the number of candidates allows; raises InputError for a --csls_k above it."""
    candidates = len(concepts.ids) if config.candidates == "all" else min(len(split.test) for split in splits)
    from jaxalign.retrieval import penalties

    for retrieval in config.retrieval:
        penalties.check_neighbours(cast(penalties.Retrieval, retrieval), config.csls_k, candidates)
    return fitting_k(config, candidates)


def fitting_k(config: Config, candidates: int) -> tuple[int, ...]:
    """The values of --k up to the number of candidates; larger ones that the user gave are an InputError.

    Larger default values are left out with a note on stderr.
    """
    above = [k for k in config.k if k > candidates]
    if above and config.k != Config.k:
        raise InputError(
            f"Expected --k of at most {candidates}, the candidates, got {', '.join(map(str, above))}. Lower them."
        )
    if above:
        LOGGER.info("P@k with k above %d, the candidates, is left out: %s", candidates, shown(tuple(above)))
    return tuple(k for k in config.k if k <= candidates)


def seed_sizes_of(config: Config, split: Split) -> tuple[int, ...]:
    """The values of --seed_sizes up to the size of the seed dictionary, ascending; 0 stands for all of it.

    Larger ones are left out with a note on stderr; an InputError where none is left.
    """
    whole = len(split.seed)
    sizes = sorted({size or whole for size in config.seed_sizes})
    above = [size for size in sizes if size > whole]
    if above and len(above) == len(sizes):
        raise InputError(
            f"Expected --seed_sizes of at most {whole}, the concepts in the seed dictionary, got "
            f"{','.join(map(str, sizes))}. Lower them, or raise --seed_size."
        )
    if above:
        what = "the concepts in the seed dictionary"
        LOGGER.info("seed sizes above %d, %s, are left out: %s", whole, what, shown(tuple(above)))
    return tuple(size for size in sizes if size <= whole)
