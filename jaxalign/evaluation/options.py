"""Everything that an evaluation depends on apart from vectors and rows: checked once, before anything is computed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict

from jaxalign.alignment import procrustes, shrunken
from jaxalign.alignment.normalize import parse_steps
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.alignment.shrunken import Shrinking
from jaxalign.config import Config
from jaxalign.evaluation.shrinkage import STANDARD_ERRORS, Search
from jaxalign.retrieval import penalties
from jaxalign.types import InputError

SETTINGS = ("before", "after", "shrunken", "ceiling", "null", "shrunken_null", "ceiling_null")
PRECISIONS = ("highest", "fast")
POOLS = ("all", "test")
MEMORY_ONLY = ("memory_budget", "tile")  # change no rank


class RankOptions(TypedDict, total=False):
    """The keyword options of `rank`; their meanings and defaults are those of AlignmentOptions."""

    settings: Sequence[str]
    seed_sizes: Sequence[int]
    null_draws: int
    rng_seed: int
    retrieval: penalties.Retrieval
    csls_k: int
    candidates: str
    normalize: Sequence[str]
    completion: procrustes.Completion
    procrustes: str
    map: str
    shrinkage: Sequence[float]
    scale: bool
    translate: bool
    precision: str
    memory_budget: int
    tile: int
    best: bool


class OptionColumns(TypedDict):
    """The columns of a result row that the options give."""

    retrieval: str
    csls_k: int
    candidates: str
    completion: str


@dataclass(frozen=True)
class AlignmentOptions:
    """How languages are aligned and answers retrieved.

    settings           of before, after, shrunken, ceiling, null, shrunken_null, ceiling_null (see `settings`)
    seed_sizes         fit on the first n seed rows, for each n; empty: all of them
    null_draws         number of shuffled dictionaries; rng_seed: where the shuffles start
    retrieval          csls, nn, isf (inverted softmax) or margin (ratio margin, k = 4); csls_k: neighbours of csls
    candidates         all: every row of the spaces; test: the test rows. The neighbourhoods of CSLS, and the sums of
                       the inverted softmax, run over the same rows of the other language, as MUSE's over the loaded
                       words
    normalize          steps before the fit, of unit, center (mean of all rows of the space); none or empty: no step
    completion         drop, identity or arbitrary; see `procrustes.rotation`
    procrustes         svd, polar (matrix products only), or auto: `procrustes.method`
    map                orthogonal, least_squares or ridge
    shrinkage          values of lambda that `shrunken` chooses among, ascending; inf: no map
    scale, translate   also fit a scale, a shift of the origin
    precision          highest: float32 throughout; fast: bfloat16 products, and what they leave undecided in float32
                       (the same ranks, see `ranks_bfloat16`)
    memory_budget      bytes that temporaries may take
    tile               rows of the similarity made at once; any value gives the same ranks
    best               also find the best candidates and the ties

    Raises InputError for a value that is not among the choices. Two equal options give the same ranks.
    """

    settings: tuple[str, ...] = ("before", "after")
    seed_sizes: tuple[int, ...] = ()
    null_draws: int = 1
    rng_seed: int = 0
    retrieval: penalties.Retrieval = "csls"
    csls_k: int = 10
    candidates: str = "all"
    normalize: tuple[str, ...] = ("unit", "center", "unit")
    completion: procrustes.Completion = "drop"
    procrustes: str = "auto"
    map: str = "orthogonal"
    shrinkage: tuple[float, ...] = shrunken.GRID
    scale: bool = False
    translate: bool = False
    precision: str = "highest"
    memory_budget: int = 4 << 30
    tile: int = 400
    best: bool = True

    def __post_init__(self) -> None:
        for name in ("settings", "seed_sizes", "shrinkage"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "normalize", parse_steps(self.normalize))
        for setting in self.settings:
            _choice(setting, SETTINGS, "settings")
        _choice(self.retrieval, penalties.RETRIEVALS, "retrieval")
        _choice(self.candidates, POOLS, "candidates")
        _choice(self.completion, procrustes.COMPLETIONS, "completion")
        _choice(self.procrustes, procrustes.METHODS, "procrustes")
        _choice(self.map, procrustes.MAPS, "map")
        _choice(self.precision, PRECISIONS, "precision")
        shrunken.check_grid(self.shrinkage)
        if self.null_draws < 1:
            raise InputError(
                f"Expected --null_draws of 1 or more, got {self.null_draws}. Remove null from --settings instead."
            )
        if min(self.seed_sizes, default=1) < 1:
            raise InputError(f"Expected --seed_sizes of 1 or more, got {self.seed_sizes}. Raise them.")

    @property
    def map_options(self) -> MapOptions:
        """What the fit of a pair depends on, `auto` resolved for this machine."""
        method = procrustes.method(self.procrustes)
        completion = procrustes.possible_completion(method, self.completion)
        return MapOptions(method, completion, self.map, self.scale, self.translate)

    @property
    def search(self) -> Search:
        """What the choice of lambda and its map depend on."""
        fitted = self.map_options
        how = Shrinking(fitted.method, "identity" if fitted.completion == "identity" else "drop")
        return Search(how, self.shrinkage, self.neighbours if self.retrieval in ("csls", "margin") else 0)

    @property
    def neighbours(self) -> int:
        """The k of the mean of the highest similarities."""
        return penalties.MARGIN_K if self.retrieval == "margin" else self.csls_k

    @property
    def columns(self) -> OptionColumns:
        """The columns of a result row."""
        return OptionColumns(
            retrieval=self.retrieval, csls_k=self.neighbours, candidates=self.candidates, completion=self.completion
        )

    def key(self) -> dict[str, object]:
        """All that ranks depend on, for a cache."""
        made: dict[str, object] = asdict(self) | {"procrustes": procrustes.method(self.procrustes)}
        unused: tuple[str, ...] = ("shrinkage",)
        if any(name.startswith("shrunken") for name in self.settings):
            unused, made["standard_errors"] = (), STANDARD_ERRORS
        return {name: value for name, value in made.items() if name not in (*MEMORY_ONLY, *unused)}


def from_config(config: Config) -> AlignmentOptions:
    """The options of a run; `retrieval` is the first of --retrieval."""
    return AlignmentOptions(
        settings=config.settings,
        null_draws=config.null_draws,
        rng_seed=config.seed,
        retrieval=config.retrieval[0],  # type: ignore[arg-type]  # checked in __post_init__
        csls_k=config.csls_k,
        candidates=config.candidates,
        normalize=config.normalize,
        completion=config.completion,  # type: ignore[arg-type]
        procrustes=config.procrustes,
        map=config.map,
        shrinkage=config.shrinkage,
        scale=config.scale,
        translate=config.translate,
        precision=config.precision,
        memory_budget=int(config.memory_budget * 2**30),
    )


def _choice(value: str, choices: Sequence[str], flag: str) -> None:
    if value not in choices:
        raise InputError(f"Expected one of {', '.join(choices)}, got {value!r}. Fix --{flag}.")
