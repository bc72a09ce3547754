"""How long a run will take, told before it begins: from counts of tokens, parameters and pairs, and a measured product.

An estimate, not a promise: what earlier runs left in --workdir is not looked at, and another program on the machine
makes everything slower.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxalign.config import Config
from jaxalign.evaluation.shrinkage import FOLDS
from jaxalign.experiment import design, model_checks
from jaxalign.types import Concepts, Space, SpaceLabel, Split

LONG = 60.0  # seconds from which a run tells its estimate
# Seconds on two cores that no product explains, measured on the quickstart: programs that compile or are read from
# their cache, files that are written; each embedding, each retrieval, the report.
_EMBED, _ALIGN, _REPORT = 2.5, 5.0, 6.0
_LOAD_BYTES = 3e8  # bytes of weights that are read and converted in a second
_DECOMPOSITION = 50  # operations of an SVD of an m x m matrix, in m^3, as slow as they are
_ROW_SCORED, _ROW_SHOWN = 50e-6, 45e-6  # seconds for a row of the results
_ROWS = 28  # rows of a pair and setting: metrics, subsets and tests
_ENTRY = 1e-9  # seconds for ranking by one entry of a similarity
_ROUGH_GFLOPS, _ROUGH_TOKENS = 100.0, 8  # where nothing is measured or counted: of two cores, and of a text
_SAMPLE = 400  # texts of an embedding and language whose tokens are counted


class Estimate(NamedTuple):
    """Seconds of each stage."""

    seconds: dict[str, float]

    @property
    def total(self) -> float:
        """Seconds of the whole run."""
        return sum(self.seconds.values())

    @property
    def text(self) -> str:
        """`about 9 minutes: embed 3, align 5, report 1`: stages that take a share worth naming."""
        units = ((120, 1.0, "seconds"), (7200, 60.0, "minutes"), (float("inf"), 3600.0, "hours"))
        unit, name = next((unit, name) for below, unit, name in units if self.total < below)
        worth = {stage: seconds for stage, seconds in self.seconds.items() if seconds > 0.02 * self.total}
        shown = ", ".join(f"{stage} {_round(seconds / unit)}" for stage, seconds in worth.items())
        return f"about {_round(self.total / unit)} {name}: {shown}"


class Work(NamedTuple):
    """The operations of a run by stage, and the seconds that do not depend on the speed of products."""

    flops: dict[str, float]
    fixed: dict[str, float]


class _Model(NamedTuple):
    """What `embeddings.kinds` needs of a model, before its weights are loaded."""

    name: str
    tokenizer: Any
    default_pooling: str


def estimate(work: Work, gflops: float, embed_gflops: float | None = None) -> Estimate:
    """The seconds of the work on a device whose float32 products reach `gflops`.

    `embed_gflops`: the same of products in the dtype of the models.
    """
    speed = {"embed": embed_gflops or gflops}
    stages = ("load", "embed", "align", "score", "report")
    return Estimate({s: work.flops.get(s, 0.0) / (speed.get(s, gflops) * 1e9) + work.fixed.get(s, 0.0) for s in stages})


class Asked(NamedTuple):
    """What a run is about to do."""

    config: Config
    concepts: Concepts
    vec_space: Space | None
    splits: Sequence[Split]
    seed_sizes: Sequence[int]


def long_run(asked: Asked) -> Estimate | None:
    """The estimate of a run that takes minutes; None where a rough look says that it does not."""
    if estimate(work_of(asked, counted=False), _ROUGH_GFLOPS).total < LONG:
        return None
    return measured(asked)


def measured(asked: Asked) -> Estimate:
    """The estimate with counted tokens and parameters, and the speed of products measured now."""
    from jaxalign.runtime import peaks

    dtypes = {asked.config.dtype, "float32"}  # the model's; alignment is float32
    # Of each 0.6 s; the peak itself takes 3 s.
    speed = {dtype: peaks.peak_product(dtype, repeats=2, least_seconds=0.005) for dtype in dtypes}
    return estimate(work_of(asked), speed["float32"], speed[asked.config.dtype])


def work_of(asked: Asked, counted: bool = True) -> Work:
    """The work of a run of the alignment suite without its controls; uncounted, sizes are guessed from config.json."""
    config, concepts, vec_space, splits, seed_sizes = asked
    flops, fixed = {"embed": 0.0, "align": 0.0}, {"load": 0.0, "embed": 0.0, "align": 0.0}
    rows = 0.0
    if vec_space is not None:
        families = [[(vec_space, next(iter(vec_space.vectors.values())).shape[1])]]
    else:
        families = []
        for name in config.models:
            model = (_of_model if counted else _guessed)(config, name, concepts)
            flops["embed"] += model.flops
            fixed["embed"] += _EMBED * model.kinds
            fixed["load"] += model.weight_bytes / _LOAD_BYTES
            families.append([(space, model.width) for space in model.spaces])
    seeds = max([*seed_sizes, len(splits[0].seed)])
    for spaces in families:
        width_of = {space.label: width for space, width in spaces}
        for space, questions in design.questions(
            config, [space for space, _ in spaces], tuple(seed_sizes), len(splits)
        ):
            evaluations, settings = len(questions.retrievals) * questions.splits, questions.settings
            own_maps = [name for name in settings if name.startswith("shrunken")]  # in each retrieval
            shared = [name for name in settings if name not in own_maps]
            for names, times in ((shared, questions.splits), (own_maps, evaluations)):
                flops["align"] += times * _alignment(config, concepts, names, width_of[space.label], seeds)
            fixed["align"] += evaluations * _ranking(config, concepts, settings, splits[0])
            rows += evaluations * len(settings) * _ROWS * (len(concepts.words) ** 2 + len(concepts.words) + 1)
        fixed["align"] += _ALIGN * len(config.retrieval)
    fixed |= {"score": _ROW_SCORED * rows, "report": _REPORT + _ROW_SHOWN * rows}
    return Work(flops, fixed)


class _Extraction(NamedTuple):
    """The extraction of one model."""

    flops: float
    kinds: int
    weight_bytes: float
    width: int
    spaces: list[Space]  # without vectors


def _of_model(config: Config, name: str, concepts: Concepts) -> _Extraction:
    from jaxalign import models
    from jaxalign.embeddings import kinds, packing, tokenize
    from jaxalign.models.checkpoint.load import find_origin
    from jaxalign.models.checkpoint.tokenizer import kept_tokenizer
    from jaxalign.models.parameters import abstract, active_parameters, flatten

    origin = find_origin(name, config.revision or None)
    made = models.read_config(origin.raw, config.dtype, decoder="decoder" in config.pooling)
    model = _Model(name, kept_tokenizer(origin.tokenizer), made.default_pooling)
    leaves: Mapping[str, Any] = flatten(abstract(made))
    depths = _depths(config, made)
    tokens, count, spaces = 0.0, 0, []
    templates = model_checks.templates_of(config)
    for kind in kinds.kinds(model, concepts, config.embeddings, config.pooling, templates):
        count += 1
        few = [text for column in kind.texts.values() for text in list(column)[:_SAMPLE]]
        every = sum(len(column) for column in kind.texts.values())
        part = tokenize.tokenize(model.tokenizer, few, add_special_tokens=kind.add_special_tokens)
        request = packing.Request(part, "last" if kind.poolings[0] == "decoder" else kind.poolings[0])
        tokens += packing.forest([request], causal=made.causal, features=made.width).computed * every / len(few)
        spaces += [
            Space(SpaceLabel(name, kind.name, pooling, layer), (), {}) for pooling in kind.poolings for layer in depths
        ]
    weights = sum(leaf.size * leaf.dtype.itemsize for leaf in leaves.values())
    return _Extraction(2.0 * active_parameters(made) * tokens, count, weights, made.width, spaces)


def _guessed(config: Config, name: str, concepts: Concepts) -> _Extraction:
    """As `_of_model` from the width and depth alone: a block has about 12 times the square of its width."""
    from jaxalign import models
    from jaxalign.models.checkpoint.load import find_origin

    made = models.read_config(find_origin(name, config.revision or None).raw, config.dtype)
    parameters = 12.0 * made.num_layers * made.width**2
    templates = model_checks.templates_of(config) if "prompt" in config.embeddings else {}
    names = ["vanilla"] * ("vanilla" in config.embeddings) + [f"prompt:{template}" for template in templates]
    texts = len(names) * len(concepts.ids) * len(concepts.words)
    if concepts.contexts:
        names.append(f"context:{concepts.contexts.name}")
        texts += sum(len(own) for column in concepts.contexts.sentences.values() for own in column)
    labels = [SpaceLabel(name, kind, pooling, layer) for kind in names for pooling in config.pooling
              for layer in _depths(config, made)]  # fmt: skip
    spaces = [Space(label, (), {}) for label in labels]
    return _Extraction(2 * parameters * texts * _ROUGH_TOKENS, len(names), 4 * parameters, made.width, spaces)


def _depths(config: Config, model: Any) -> Sequence[int]:
    layers = model_checks.layers_of(config, model)
    if isinstance(layers, str):
        return range(model.num_layers + 1) if layers == "all" else [model.num_layers]
    return layers


def _alignment(config: Config, concepts: Concepts, settings: Sequence[str], width: int, seeds: int) -> float:
    """Operations of the fits and similarities of every pair, in one retrieval and split."""
    pool, languages = len(concepts.ids), len(concepts.words)
    draws = {name: config.null_draws for name in ("null", "shrunken_null", "ceiling_null")}
    total = 0.0
    for setting in settings:
        fitted = 0 if setting == "before" else pool if setting.startswith("ceiling") else seeds
        inner = min(width, fitted) if fitted else 0
        fit = _DECOMPOSITION * inner**3 + 2 * inner**2 * fitted + 4 * pool * inner**2
        if setting.startswith("shrunken"):  # every lambda in every fold
            fit += FOLDS * len(config.shrinkage) * _DECOMPOSITION * min(width, 2 * seeds) ** 3
        total += draws.get(setting, 1) * (fit + 2 * pool**2 * (inner or width))
    return total * languages * (languages - 1) / 2


def _ranking(config: Config, concepts: Concepts, settings: Sequence[str], split: Split) -> float:
    pool = len(concepts.ids) if config.candidates == "all" else len(split.test)
    return _ENTRY * pool**2 * len(settings) * len(concepts.words) * (len(concepts.words) - 1)


def _round(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.1g}" if number < 1 else f"{number:.1f}".removesuffix(".0")
