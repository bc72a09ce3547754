"""Splits of the concepts into a seed dictionary and a test set."""

import json
from itertools import zip_longest
from pathlib import Path

import numpy as np

from jaxalign.runtime.files import write_text
from jaxalign.types import Concepts, InputError, Split


def split(
    concepts: Concepts,
    *,
    seed_size: int | None = None,
    test_size: int | None = None,
    rng_seed: int = 0,
    balance: bool = True,
) -> Split:
    """Returns a random seed dictionary and a test set, disjoint, drawn by `numpy.random.default_rng(rng_seed)`.

    With `balance` the seed dictionary takes abstract and physical concepts in turn (the paper has 1,500 of each), so
    that every beginning of it is balanced too, until a kind is used up; "other" concepts come last. If one of the two
    kinds is missing, nothing is balanced. The order is random, and a larger `seed_size` only adds to it. The test set
    has the order of the concepts.

    seed_size: default two thirds of the concepts; with `balance` even, and so that a fifth of each kind is left for
    the test (the paper: 3,000 of 4,397, which leaves 22 % of the abstract concepts). test_size: default all that is
    left (the paper), otherwise a sample of it.

    Raises:
        InputError: there are too few concepts.
    """
    rng = np.random.default_rng(rng_seed)
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
            f"Expected sizes that fit {total:,} concepts, got {seed_size:,} for the seed dictionary and at least "
            f"{least:,} for the test set. Change --seed_size or --test_size, or ask for fewer --languages, so that "
            "more concepts are shared."
        )
    order = [row for turn in zip_longest(*in_turn) for row in turn if row is not None] + list(rest)
    left = np.sort(order[seed_size:])
    if test_size is not None:
        left = np.sort(rng.choice(left, test_size, replace=False))
    ids = concepts.ids
    return Split(tuple(ids[row] for row in order[:seed_size]), tuple(ids[row] for row in left))


def read_split(path: Path, concepts: Concepts) -> Split:
    """Returns the split in the JSON file at `path`: `{"seed": [ids], "test": [ids]}`, in its order.

    Raises:
        InputError: the file holds something else, or ids that are not concepts, are repeated, or are in both parts.
    """
    where = f"in {path}. Give --split a file like the split.json of a run on the same concepts."
    try:
        content = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'Expected JSON {{"seed": [...], "test": [...]}}, got {error} {where}') from error
    if not isinstance(content, dict) or not {"seed", "test"} <= content.keys():
        raise InputError(f'Expected JSON {{"seed": [...], "test": [...]}}, got other content {where}')
    known = set(concepts.ids)
    for part in ("seed", "test"):
        ids = content[part]
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
    shared = set(content["seed"]) & set(content["test"])
    if shared:
        raise InputError(
            f"Expected disjoint seed and test, got {len(shared):,} ids in both, for example {min(shared)!r}, {where}"
        )
    return Split(tuple(content["seed"]), tuple(content["test"]))


def write_split(path: Path, split: Split) -> None:
    """Writes the split as JSON that `read_split` reads."""
    text = json.dumps({"seed": split.seed, "test": split.test}, ensure_ascii=False, indent=1) + "\n"
    write_text(Path(path), text, mode=0o600)
