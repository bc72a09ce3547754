"""What --export_maps and --export_mapped write: the fitted map of every pair, and spaces mapped into one language."""

import itertools
from pathlib import Path

import numpy as np

import jaxalign
from jaxalign.alignment import map_file, pair_map
from jaxalign.alignment.pair_map import PairMap
from jaxalign.embeddings import word2vec_format
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.languages import canonical
from jaxalign.types import InputError, Space, SpaceLabel, Split


class MapExport:
    """Fits the maps of a space again, as the setting `after` does: first split, the largest seed dictionary."""

    def __init__(self, space: Space, split: Split, options: AlignmentOptions):
        self._space, self._options = space, options
        size = max(options.seed_sizes, default=len(split.seed))
        row_of = {name: row for row, name in enumerate(space.ids)}
        self.seed_ids = split.seed[:size]
        self._seed = np.asarray([row_of[name] for name in self.seed_ids])

    def write_maps(self, folder: Path) -> None:
        """Writes `folder`/SPACE/fr-en.safetensors for every pair; both directions of maps that lead one way only."""
        codes = list(self._space.vectors)
        is_directed = self._options.map_options.is_directed
        pairs = list((itertools.permutations if is_directed else itertools.combinations)(codes, 2))
        place = folder / folder_name(self._space.label)
        place.mkdir(parents=True, exist_ok=True)
        for source, target in pairs:
            path = place / f"{source}-{target}.safetensors"
            map_file.write(path, self._fit(source, target), source, target, self._about())

    def write_mapped(self, folder: Path, target: str) -> Path:
        """Writes `folder`/SPACE/LANG.vec: every language mapped into the space of `target`, which is normalised.

        Returns `folder`/SPACE.
        """
        vectors = {}
        for code, rows in self._space.vectors.items():
            if code == target:
                mapped = pair_map.normalization(rows, self._options.normalize).apply(rows)
            else:
                mapped = self._fit(code, target).of_source(rows)
            vectors[code] = mapped.astype(np.float32)
        place = folder / folder_name(self._space.label)
        word2vec_format.write_folder(place, self._space.ids, vectors)
        return place

    def _fit(self, source: str, target: str) -> PairMap:
        spaces = self._space.vectors
        options = self._options.map_options
        return pair_map.fit(spaces[source], spaces[target], self._seed, self._options.normalize, options)

    def _about(self) -> dict[str, object]:
        options = self._options.map_options
        return dict(
            **self._space.label._asdict(),
            map=options.map,
            completion=options.completion,
            seed_size=len(self._seed),
            jaxalign=jaxalign.__version__,
        )


def target_of(name: str, codes: tuple[str, ...]) -> str:
    """The language of --export_mapped among those of the run; InputError where it is none of them."""
    known = {canonical(code): code for code in codes} | {code: code for code in codes}
    wanted = name if name in known else canonical(name)
    if wanted not in known:
        raise InputError(f"Expected --export_mapped of {', '.join(codes)}, got {name!r}. Name a language of the run.")
    return known[wanted]


def folder_name(label: SpaceLabel) -> str:
    """The folder of a space's files: MODEL-EMBEDDING-POOLING-LAYER, without a separator of paths."""
    parts = label._replace(model=Path(label.model).name)
    return "-".join(str(part).replace("/", "_").replace(":", "_") for part in parts)
