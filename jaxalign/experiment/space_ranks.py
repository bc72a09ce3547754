"""Ranks of one space in one split, read from the work folder where they were computed before."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from jaxalign.alignment import generalized
from jaxalign.alignment.normalize import normalized
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate, evaluate_each
from jaxalign.evaluation.result import Ranks
from jaxalign.evaluation.rows import Rows
from jaxalign.experiment import result_cache
from jaxalign.runtime import processes
from jaxalign.runtime.progress import EvaluationProgress
from jaxalign.types import Space, Split


class SpaceRanks:
    """Ranks of one space; what is expensive to prepare is prepared once.

    Every process computes its share of the pairs; only the first one reads and writes the work folder, so that the
    others get no ranks of an evaluation that was computed before.
    """

    def __init__(self, space: Space, workdir: str, bar: EvaluationProgress | None):
        self._space, self._folder, self._bar = space, Path(workdir) / "ranks", bar
        self._row_of = {name: row for row, name in enumerate(space.ids)}
        self._shared: dict[Split, dict[str, np.ndarray]] = {}

    def of_pairs(self, split: Split, asked: Sequence[AlignmentOptions]) -> list[Ranks]:
        """Ranks with a map of their own for each pair, for options that differ in the retrieval alone."""
        keys = [result_cache.digest(self._space, split, "pairs", options.key()) for options in asked]
        kept: dict[str, Ranks | None] = {key: self._read(key) for key in keys}
        missing = {key: options for key, options in zip(keys, asked, strict=True) if kept[key] is None}
        if self._bar:
            self._bar.next(len(asked) - len(missing))
        if missing:
            progress = partial(self._bar.within, evaluations=len(missing)) if self._bar else None
            vectors, rows = self._space.vectors, self._rows(split)
            made = evaluate_each(vectors, rows, list(missing.values()), progress=progress, across_processes=True)
            kept |= zip(missing, made, strict=True)
            for key, ranks in zip(missing, made, strict=True):
                self._write(key, ranks)
            if self._bar:
                self._bar.next(len(missing))
        return [found for key in keys if (found := kept[key]) is not None]

    def of_shared_space(self, split: Split, options: AlignmentOptions) -> Ranks:
        """The setting `gpa`: all languages mapped into one space by generalised Procrustes on the seed dictionary."""
        key = result_cache.digest(self._space, split, "gpa", replace(options, settings=(), seed_sizes=()).key())
        ranks = self._read(key)
        if ranks is None:
            if split not in self._shared:
                self._shared[split] = self._into_one_space(split, options)
            raw = replace(options, settings=("before",), seed_sizes=(), normalize=())
            before = evaluate(self._shared[split], self._rows(split), raw, across_processes=True)
            tables = (table._replace(setting="gpa", seed_size=len(split.seed)) for table in before.tables)
            ranks = Ranks(before.languages, tuple(tables))
            self._write(key, ranks)
        return ranks

    def _into_one_space(self, split: Split, options: AlignmentOptions) -> dict[str, np.ndarray]:
        vectors = {
            code: np.asarray(normalized(np.asarray(rows), options.normalize))
            for code, rows in self._space.vectors.items()
        }
        seed = self._rows(split).seed
        # Where the seed does not span the space the common rotation is the identity there: it has to be one for all.
        # The rounds begin at the first language: the alphabetically first, whatever the order of --languages.
        order = sorted(vectors)
        # All rounds: where the growth is no more than rounding, a stop would depend on the number of devices.
        seeds = [vectors[code][seed] for code in order]
        maps = generalized.rotations(seeds, method=options.map_options.method, tolerance=-1.0)
        rotation_of = dict(zip(order, maps, strict=True))
        return {code: rows @ rotation_of[code] for code, rows in vectors.items()}

    def _rows(self, split: Split) -> Rows:
        return Rows(*(np.asarray([self._row_of[name] for name in names]) for names in split))

    def _read(self, key: str) -> Ranks | None:
        """Ranks from the work folder, on the first process; on others, empty ranks where the first one has them."""
        kept = result_cache.read(self._path(key)) if processes.is_first() else None
        if processes.must_compute(key, kept is None):
            return None
        return kept or Ranks((), ())

    def _write(self, key: str, ranks: Ranks) -> None:
        if processes.is_first():
            result_cache.write(self._path(key), ranks)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.ranks"
