"""Which questions are asked of which space: all of them, or in the star design one thing changed at a time."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from jaxalign.config import Config
from jaxalign.retrieval.penalties import Retrieval
from jaxalign.types import Space


class Questions(NamedTuple):
    """How much is asked of one space."""

    retrievals: tuple[Retrieval, ...]
    splits: int
    settings: tuple[str, ...]
    seed_sizes: tuple[int, ...]
    controls: bool = True  # subsets, the shared space and the distances
    isometry: bool = True  # how similar the languages are without a map


class AskedSpace(NamedTuple):
    """A space and what is asked of it."""

    space: Space
    questions: Questions


def questions(config: Config, spaces: Sequence[Space], seed_sizes: tuple[int, ...], splits: int) -> list[AskedSpace]:
    """What is asked of each space of a model.

    The star's centres are the first pooling at the last layer of the vanilla embedding, of the first template and of
    the words in context. They get every question; a space that differs from its centre in layer, pooling or template
    gets before, after, ceiling and its null with the whole seed dictionary, the first retrieval and split, no controls;
    one that differs in layer and pooling before and after only; one that differs in the template and something else is
    left out.
    """
    retrievals = cast(tuple[Retrieval, ...], config.retrieval)
    everything = Questions(retrievals, splits, config.settings, seed_sizes)
    if config.design == "full":
        return [AskedSpace(space, everything) for space in spaces]

    def short(*names: str, isometry: bool) -> Questions:
        few = tuple(name for name in config.settings if name in names) or config.settings
        return Questions(retrievals[:1], 1, few, seed_sizes[-1:], controls=False, isometry=isometry)

    one_changed = short("before", "after", "ceiling", "ceiling_null", isometry=True)
    two_changed = short("before", "after", isometry=False)
    kinds = list(dict.fromkeys(space.label.embedding for space in spaces))
    poolings = {kind: next(space.label.pooling for space in spaces if space.label.embedding == kind) for kind in kinds}
    last = max(space.label.layer for space in spaces)
    first = {kind.partition(":")[0]: kind for kind in reversed(kinds)}  # vanilla, the first template, the contexts
    centres = set(first.values())
    asked = []
    for space in spaces:
        label = space.label
        other_template = label.embedding not in centres
        changed = (label.layer != last) + (label.pooling != poolings[label.embedding]) + other_template
        if changed < 2 or not other_template:
            asked.append(AskedSpace(space, (everything, one_changed, two_changed)[changed]))
    return asked
