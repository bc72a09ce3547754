"""Spaces of all languages for every embedding, pooling and layer, taken from the store or made for it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign import models
from jaxalign.embeddings import entries, extract, kinds, packing, prompts, vector_store
from jaxalign.types import Concepts, Space, SpaceLabel


class SpaceOptions(NamedTuple):
    """What is made of each concept.

    templates: prompt templates by name for the embedding "prompt"; the paper's only, when None.
    layers: "last", "all", or layer numbers. batch_tokens: slots computed at once per device; 0: chosen by the device.
    """

    embeddings: Sequence[str] = ("vanilla",)
    poolings: Sequence[str] = ("auto",)
    templates: Mapping[str, prompts.Template] | None = None
    layers: Any = "last"
    special_tokens: str = "auto"
    batch_tokens: int = 0


DEFAULTS = SpaceOptions()


class Rows(NamedTuple):
    """Which vectors of an entry are one language's; of a concept in context the mean of its sentences' is taken."""

    numbers: np.ndarray  # (text,)
    starts: np.ndarray | None  # (concept,) place of each concept's first text; None: one text of each concept


class Vectors(Mapping[str, np.ndarray]):
    """Vectors of one layer and pooling by language, (concept, feature) float32, read from the store when used."""

    def __init__(self, entry: vector_store.Entry, index: dict[str, Rows], layer: int, cache: dict[str, Any]):
        self._entry, self._index, self._layer, self._cache = entry, index, layer, cache

    def __getitem__(self, language: str) -> np.ndarray:
        rows = self._index[language]
        if self._cache.get("layer") != self._layer:  # one layer of an entry at a time in memory
            self._cache.clear()
            self._cache.update(layer=self._layer, vectors=vector_store.read_layer(self._entry, self._layer))
        vectors = self._cache["vectors"][rows.numbers]
        return vectors if rows.starts is None else mean_of_groups(vectors, rows.starts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)


def mean_of_groups(vectors: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(group, feature) float32 mean of the rows from each start up to the next one, summed in float64."""
    counts = np.diff(np.append(starts, len(vectors)))
    return (np.add.reduceat(vectors.astype(np.float64), starts) / counts[:, None]).astype(np.float32)


def spaces(
    model: models.Model, concepts: Concepts, options: SpaceOptions = DEFAULTS, *, store_root: str | Path
) -> list[Space]:
    """Spaces of all languages for every embedding, pooling and layer; their vectors are read when used.

    A space that the store at `store_root` holds is not made again, and an interrupted run is continued; on several
    hosts each process makes its share of the chunks.
    """
    made = []
    maker = entries.EntryMaker(model, concepts, Path(store_root), options.special_tokens, options.batch_tokens)
    for kind in kinds.kinds(model, concepts, options.embeddings, options.poolings, options.templates):
        layers = extract.parse_layers(model, options.layers, packing.decoder_only(kind.poolings))
        entry = maker.entry(kind, layers)
        index = vector_store.read_index(entry)
        cache: dict[str, Any] = {}
        for pooling in kind.poolings:
            rows = {
                language: Rows(
                    index[f"{pooling} {language}"], texts.starts if isinstance(texts, prompts.InContext) else None
                )
                for language, texts in kind.texts.items()
            }
            for layer in layers:
                label = SpaceLabel(model.name, kind.name, pooling, layer)
                made.append(Space(label, concepts.ids, Vectors(entry, rows, layer, cache)))  # type: ignore[arg-type]
    return made
