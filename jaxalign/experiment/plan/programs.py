"""The run's real programs, compiled for devices that are not here, in other processes (`children`).

    python -m jaxalign.experiment.plan.programs < specifications.jsonl

For each specification, one a line, the child prints one JSON object: what the compiler says of the program's memory,
and how long it took. A compiler that refuses a program, or takes longer than `LIMIT` seconds, is a result too: `error`
says what it said.
"""

import hashlib
import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import jax
from filelock import FileLock
from jax.sharding import NamedSharding, PartitionSpec

import jaxalign
from jaxalign import models
from jaxalign.alignment import reduced
from jaxalign.alignment.procrustes import Completion
from jaxalign.embeddings import batches, extract
from jaxalign.evaluation import pairs_on_mesh
from jaxalign.evaluation.candidates import choose_tiling
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.experiment.plan import children
from jaxalign.experiment.plan.stages import Stage, stage
from jaxalign.models.checkpoint import sharding
from jaxalign.models.parameters import flatten, unflatten
from jaxalign.retrieval.penalties import Retrieval
from jaxalign.runtime import files, targets

LIMIT = 600  # seconds of one compilation
# Names of custom calls in StableHLO; on a TPU each takes minutes to compile, on a GPU it runs on one matrix at a time.
DECOMPOSITIONS = ("@Qr", "@Svd", "@Eigh", "geqrf", "gesvd", "gesdd", "syevd", "cusolver", "HouseholderProduct")


class Compiled(NamedTuple):
    """What the compiler says of one program, bytes per device."""

    compile_seconds: float = 0.0
    argument_bytes: int = 0
    temporary_bytes: int = 0
    output_bytes: int = 0
    code_bytes: int = 0
    decompositions: tuple[str, ...] = ()  # SVD, QR and eigenvalue routines that stand in the program
    error: str = ""

    @property
    def bytes(self) -> int:
        """All that has to be in a device's memory at once."""
        return self.argument_bytes + self.temporary_bytes + self.output_bytes + self.code_bytes


class Probe(NamedTuple):
    """The smallest program there is: whether the compiler of the target is installed."""

    target: str


def probe(spec: Probe) -> Any:
    """The lowered program that adds one to one number."""
    mesh = targets.mesh_of(targets.read_target(spec.target))
    number = jax.ShapeDtypeStruct((), "float32", sharding=NamedSharding(mesh, PartitionSpec()))
    return jax.jit(lambda value: value + 1).lower(number)


class Extraction(NamedTuple):
    """The program that turns one batch of tokens into pooled hidden states."""

    target: str
    raw: dict[str, Any]  # config.json
    dtype: str
    model_parallel: int
    rows: int  # of a batch, per copy of the model
    width: int
    pooled_per_row: int
    pooled: int  # vectors that leave a copy of the model per batch
    layers: tuple[int, ...]
    decoder: bool = False
    focused: bool = False  # the last block computes the wanted tokens only
    single: bool = False  # each vector is one token's state


def extraction(spec: Extraction) -> Any:
    """The lowered program of an extraction on the target's abstract devices."""
    target = targets.read_target(spec.target)
    mesh = targets.mesh_of(target, spec.model_parallel)
    config = models.read_config(spec.raw, spec.dtype, decoder=spec.decoder)
    abstract = models.abstract(config)
    if target.device.platform == "cpu":  # as `extract.engine` does there
        abstract = _unstacked(abstract)
    if spec.model_parallel > 1:
        places = unflatten(sharding.shardings(mesh, flatten(abstract)))
    else:
        places = jax.tree.map(lambda _: NamedSharding(mesh, PartitionSpec()), abstract)
    params = jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), abstract, places
    )
    copies = target.number // spec.model_parallel
    shape = batches.Shape(
        spec.rows * copies, spec.width, spec.pooled_per_row, spec.pooled, tuple(spec.layers), spec.focused,
        spec.decoder, spec.single,
    )  # fmt: skip
    return extract.lower(config, shape, mesh, spec.model_parallel == 1, params)


def _unstacked(abstract: Any) -> Any:
    """Shapes of parameters whose blocks are a tuple, one per layer."""
    stack = abstract["blocks"]
    count = len(jax.tree.leaves(stack)[0])
    block = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), stack)
    return {**abstract, "blocks": (block,) * count}


class Ranking(NamedTuple):
    """The program that fits the maps of all pairs in a group of settings and ranks both directions."""

    target: str
    languages: int
    concepts: int
    seeds: int
    features: int
    settings: int  # that share their seed rows: `after` and its nulls
    retrievals: tuple[Retrieval, ...]  # in which one program ranks
    completion: Completion
    precision: str
    memory_budget: int
    csls_k: int = 10
    procrustes: str = "auto"  # `auto` as a run on the target takes it


def ranking(spec: Ranking) -> Any:
    """The lowered program of a ranking on the target's abstract devices."""
    target = targets.read_target(spec.target)
    mesh = pairs_on_mesh.make_mesh(list(targets.devices(target).flat))
    own = "svd" if target.device.platform == "cpu" else "polar"
    options = AlignmentOptions(
        completion=spec.completion, precision=spec.precision, csls_k=spec.csls_k,
        procrustes=own if spec.procrustes == "auto" else spec.procrustes,
        memory_budget=spec.memory_budget,
    )  # fmt: skip
    paddings = [choose_tiling(spec.concepts, replace(options, retrieval=name), 1) for name in spec.retrievals]
    padded, tilings = paddings[0].rows, tuple(padding.tiling for padding in paddings)
    whole, split = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), (pairs_on_mesh.AXIS,)))

    def abstract(shape: tuple[int, ...], dtype: Any, place: NamedSharding) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, dtype, sharding=place)

    one = jax.eval_shape(
        partial(reduced.reduce, options=options.map_options),
        jax.ShapeDtypeStruct((spec.concepts, spec.features), "float32"),
        jax.ShapeDtypeStruct((padded, spec.features), "float32"),
        jax.ShapeDtypeStruct((spec.seeds,), "int32"),
    )
    spaces = jax.tree.map(lambda leaf: abstract((spec.languages, *leaf.shape), leaf.dtype, whole), one)
    pairs = spec.languages * (spec.languages - 1) // 2 * spec.settings
    platform = mesh.devices.flat[0].platform
    count, at_once = pairs_on_mesh.batching(pairs, mesh.size, spaces, tilings[0], spec.memory_budget, platform)
    shapes = ((count, 2), (count, 2, spec.seeds), (count, 2, padded))  # languages, seeds, answers
    items: Any = pairs_on_mesh.Items(*(abstract(shape, "int32", split) for shape in shapes))  # type: ignore[arg-type]
    return pairs_on_mesh.rank_on.lower(mesh, spaces, items, tilings, spec.concepts, options.map_options, at_once)


BUILDERS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "Probe": (Probe, probe),
    "Extraction": (Extraction, extraction),
    "Ranking": (Ranking, ranking),
    "Stage": (Stage, stage),
}


def compile_cached(spec: Any) -> Compiled:
    """As `compile_apart`; the same question to the same compiler and the same code is asked once."""
    kept = _kept(files.user_cache("plans"), type(spec).__name__, json.dumps(_shaping(spec)), _code())
    with _locked(kept):
        if kept.exists():
            return _read(kept)
        answer = compile_apart(spec)
        if not answer.error:
            _keep(kept, answer)
        return answer


@cache
def _code() -> bytes:
    """A digest of the package's code."""
    paths = sorted(Path(jaxalign.__file__).parent.rglob("*.py"))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in paths)).digest()


def _shaping(spec: Any) -> dict[str, Any]:
    """The fields of a specification, with config.json as what shapes the model: equal models are one question."""
    fields = spec._asdict()
    if isinstance(spec, Extraction):
        fields["raw"] = repr(models.read_config(spec.raw, spec.dtype, decoder=spec.decoder))
    return fields


def _kept(root: Path, *content: str | bytes) -> Path:
    """Where the answer of the installed compilers to this content is kept."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in (jax.__version__, *_plugins(), *content):
        data = part.encode() if isinstance(part, str) else part
        hashed.update(len(data).to_bytes(8) + data)
    return root / f"{hashed.hexdigest()}.json"


def _locked(kept: Path) -> FileLock:
    """A lock that one thread of one process holds while it finds the answer."""
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return FileLock(kept.with_suffix(".lock"))


def _keep(path: Path, answer: Compiled) -> None:
    files.write_text(path, json.dumps(answer._asdict()))


def _read(path: Path) -> Compiled:
    return _compiled(path.read_text("utf-8"))


def _compiled(text: str) -> Compiled:
    fields = json.loads(text)
    return Compiled(**{**fields, "decompositions": tuple(fields["decompositions"])})


@cache
def _plugins() -> list[str]:
    """Name and version of the installed compilers."""
    names = ("libtpu", "jax-cuda13-plugin")
    return sorted(f"{found.name} {found.version}" for found in metadata.distributions() if found.name in names)


def compile_apart(spec: Any) -> Compiled:
    """One program compiled in another process, one of `children`."""
    root = str(files.user_cache("plans"))
    question = json.dumps({"kind": type(spec).__name__, "fields": spec._asdict(), "root": root})
    tpus = [device.name for device in targets.DEVICES if device.platform == "tpu"]
    reply = children.ask(question, LIMIT, two_threads=spec.target.partition("-")[0] in tpus)
    return _compiled(reply.line) if reply.line else Compiled(error=reply.error)


def compiled_here(spec: Any, root: Path | None = None) -> Compiled:
    """One program compiled in this process, once for all specifications that give the same program for the target.

    Models of one shape share their programs, and a change of the package leaves most programs as they were. The
    answers are kept in the folder `root`, by default that of the user's cache.
    """
    _, build = BUILDERS[type(spec).__name__]
    lowered = build(spec)
    text = lowered.as_text()
    described = targets.description(targets.read_target(spec.target))
    kept = _kept(root or files.user_cache("plans"), "program", spec.target, described, text)
    with _locked(kept):
        if kept.exists():
            return _read(kept)
        found = tuple(sorted(name for name in DECOMPOSITIONS if name in text))
        start = time.perf_counter()
        memory = lowered.compile().memory_analysis()
        answer = Compiled(
            time.perf_counter() - start,
            memory.argument_size_in_bytes,
            memory.temp_size_in_bytes,
            memory.output_size_in_bytes,
            memory.generated_code_size_in_bytes,
            found,
        )
        _keep(kept, answer)
        return answer


def _answer(question: dict[str, Any]) -> Compiled:
    kind, _ = BUILDERS[question["kind"]]
    try:
        return compiled_here(kind(**question["fields"]), Path(question["root"]))
    except Exception:  # what the compiler refuses is an answer
        return Compiled(error=children.error_line(traceback.format_exc()) or "unknown error")


def main() -> None:
    """Reads a specification from each line of standard input, prints a result for each."""
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))._asdict()), flush=True)
        jax.clear_caches()  # what is compiled stays in no memory


if __name__ == "__main__":
    main()
