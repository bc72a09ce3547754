"""Concepts with a word in every language, and their split into a seed dictionary and a test set."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from itertools import combinations, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from jaxalign.concepts import tsv, wordnet, wordnet_files
from jaxalign.types import Concepts, InputError, Split

tsv_languages, tsv_traits = tsv.languages_of, tsv.traits_of

_CACHE_VERSION = 1  # raise when the same files and arguments would give other concepts


def load(
    source: str, languages: Sequence[str], *, min_depth: int = 5, both: str = "physical", cache_dir: Path | None = None
) -> Concepts:
    """Concepts of `source` that have a word in each of `languages`.

    source: "builtin" (`wordlist.builtin`), "wordnet" (`wordnet.concepts`, to which `min_depth` and `both` belong, and
    whose result is kept in `cache_dir`), or the path of a TSV file (`wordlist.read`). Raises InputError.
    """
    if not languages or len(set(languages)) < len(languages):
        raise InputError(f"Expected languages, each once, got {', '.join(languages) or 'none'}. Change --languages.")
    if source == "builtin":
        return tsv.builtin(languages)
    if source == "wordnet":
        return _wordnet(languages, min_depth, both, cache_dir)
    return tsv.read(Path(source), languages)


def builtin_has(ids: Iterable[str]) -> bool:
    """Whether any of `ids` is in the built-in lexicon."""
    return not set(tsv.builtin(("en",)).ids).isdisjoint(ids)


def identical_share(concepts: Concepts) -> dict[tuple[str, str], float]:
    """Fraction of concepts with exactly the same form in both languages of each pair, in the order of the languages."""
    pairs = combinations(concepts.words, 2)
    return {(a, b): sum(map(str.__eq__, concepts.words[a], concepts.words[b])) / len(concepts.ids) for a, b in pairs}


def digest(concepts: Concepts) -> str:
    """16 hexadecimal digits of SHA-256 over ids and words."""
    return _sha256(json.dumps([concepts.ids, concepts.words], sort_keys=True).encode())[:16]


def split(
    concepts: Concepts,
    *,
    seed_size: int | None = None,
    test_size: int | None = None,
    seed: int = 0,
    balance: bool = True,
) -> Split:
    """A random seed dictionary and a test set, disjoint, drawn by `numpy.random.default_rng(seed)`.

    With `balance` the seed dictionary takes abstract and physical concepts in turn (the paper has 1,500 of each), so
    that every beginning of it is balanced too, until a kind is used up; "other" come last. Where one of the two kinds
    is missing there is nothing to balance. The order is random, and a larger `seed_size` only adds to it. The test set
    has the order of the concepts.

    seed_size: default two thirds of the concepts; with `balance` even, and so that a fifth of each kind is left for
    the test (the paper: 3,000 of 4,397, which leaves 22 % of the abstract concepts). test_size: default all that is
    left (the paper), otherwise a sample of it. Raises InputError where there are too few concepts.
    """
    rng = np.random.default_rng(seed)
    total = len(concepts.ids)
    kinds = np.array(concepts.kinds, dtype=str)
    in_turn = [rng.permutation(np.flatnonzero(kinds == kind)) for kind in ("abstract", "physical")]
    rest = rng.permutation(np.flatnonzero((kinds != "abstract") & (kinds != "physical")))
    rarest = min(map(len, in_turn))
    if not balance or not rarest:
        in_turn, rest = [rng.permutation(total)], rest[:0]
    least = 1 if test_size is None else test_size
    if seed_size is None:
        third = total // 3
        wanted = 2 * min(third, int(0.8 * rarest)) if len(in_turn) == 2 else 2 * third
        seed_size = max(min(wanted, total - least), 1)
    if min(seed_size, least) < 1 or seed_size + least > total:
        raise InputError(
            f"Expected sizes that fit {total:,} concepts, got {seed_size:,} for the seed dictionary and "
            f"{least:,} at least for the test. Change --seed_size or --test_size, or ask for fewer "
            "--languages, so that more concepts are shared."
        )
    order = [row for turn in zip_longest(*in_turn) for row in turn if row is not None] + list(rest)
    left = np.sort(order[seed_size:])
    if test_size is not None:
        left = np.sort(rng.choice(left, test_size, replace=False))
    ids = concepts.ids
    return Split(tuple(ids[row] for row in order[:seed_size]), tuple(ids[row] for row in left))


def read_split(path: Path, concepts: Concepts) -> Split:
    """The split in the JSON file at `path`: `{"seed": [ids], "test": [ids]}`, in its order.

    Raises InputError for anything else, and for ids that are not concepts, come twice, or are in both.
    """
    where = f"in {path}. Give --split a file like the split.json of a run on the same concepts."
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'Expected JSON {{"seed": [...], "test": [...]}}, got {error} {where}') from error
    if not isinstance(found, dict) or not {"seed", "test"} <= found.keys():
        raise InputError(f'Expected JSON {{"seed": [...], "test": [...]}}, got other content {where}')
    known = set(concepts.ids)
    for part in ("seed", "test"):
        ids = found[part]
        if not isinstance(ids, list) or not ids or not all(isinstance(name, str) for name in ids):
            raise InputError(f"Expected a list of concept ids under {part!r}, got something else or nothing {where}")
        unknown = [name for name in ids if name not in known]
        if unknown:
            raise InputError(
                f"Expected ids of the {len(known):,} concepts under {part!r}, got {len(unknown):,} others "
                f"({unknown[0]!r}) {where}"
            )
        if len(set(ids)) < len(ids):
            raise InputError(f"Expected each id once under {part!r}, got {len(ids) - len(set(ids)):,} repeats {where}")
    shared = set(found["seed"]) & set(found["test"])
    if shared:
        raise InputError(
            f"Expected disjoint seed and test, got {len(shared):,} ids in both, one is {min(shared)!r}, {where}"
        )
    return Split(tuple(found["seed"]), tuple(found["test"]))


def write_split(path: Path, split: Split) -> None:
    """Writes the split as JSON that `read_split` reads."""
    _write(Path(path), json.dumps({"seed": split.seed, "test": split.test}, ensure_ascii=False, indent=1) + "\n")


def _wordnet(languages: Sequence[str], min_depth: int, both: str, cache_dir: Path | None) -> Concepts:
    if min_depth < 0:
        raise InputError(f"Expected a depth of 0 or more, got {min_depth}. Change --min_depth.")
    files = wordnet_files.read(languages)
    if cache_dir is None:
        return wordnet.concepts(files, languages, min_depth=min_depth, both=both)
    parts = [files.nouns, files.senses, *(files.tables[code] for code in sorted(files.tables))]
    asked = [_CACHE_VERSION, list(languages), min_depth, both, [_sha256(part) for part in parts]]
    entry = Path(cache_dir) / f"wordnet-{_sha256(json.dumps(asked).encode())[:24]}.json"
    found = _cached(entry)
    if found is None:
        found = wordnet.concepts(files, languages, min_depth=min_depth, both=both)
        with contextlib.suppress(OSError):  # the concepts are right without their cache
            entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(entry, json.dumps({"digest": digest(found), **found._asdict()}, ensure_ascii=False))
    return found


def _cached(entry: Path) -> Concepts | None:
    """The concepts of a cache entry, or None where it is missing or damaged."""
    try:
        kept: dict[str, Any] = json.loads(entry.read_bytes())
        words = {code: tuple(map(str, column)) for code, column in kept["words"].items()}
        steps = tuple((str(name), int(left)) for name, left in kept["filters"])
        found = Concepts(tuple(kept["ids"]), tuple(kept["kinds"]), words, steps)
        aligned = all(len(column) == len(found.ids) for column in (found.kinds, *words.values()))
        return found if aligned and kept["digest"] == digest(found) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, all of it or nothing."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
