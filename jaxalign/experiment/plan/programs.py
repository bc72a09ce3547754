"""The run's real programs, compiled for devices that are not here; each in a process of its own.

    python -m jaxalign.experiment.plan.programs < specification.json

The child prints one JSON object: what the compiler says of the program's memory, and how long it took. A compiler that
refuses a program, or takes longer than `LIMIT` seconds, is a result too: `error` says what it said.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
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
from jaxalign.embeddings import extract
from jaxalign.evaluation import pairs_on_mesh
from jaxalign.evaluation.candidates import choose_tiling
from jaxalign.evaluation.options import AlignmentOptions
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
    shape = extract.Shape(
        spec.rows * copies, spec.width, spec.pooled_per_row, spec.pooled, tuple(spec.layers), spec.focused,
        spec.decoder,
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
    retrieval: Retrieval
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
        retrieval=spec.retrieval, completion=spec.completion, precision=spec.precision, csls_k=spec.csls_k,
        procrustes=own if spec.procrustes == "auto" else spec.procrustes,
        memory_budget=spec.memory_budget,
    )  # fmt: skip
    padded, tiling = choose_tiling(spec.concepts, options, 1)
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
    count, at_once = pairs_on_mesh.batching(pairs, mesh.size, spaces, tiling, spec.memory_budget, platform)
    shapes = ((count, 2), (count, 2, spec.seeds), (count, 2, padded))  # languages, seeds, answers
    items: Any = pairs_on_mesh.Items(*(abstract(shape, "int32", split) for shape in shapes))  # type: ignore[arg-type]
    return pairs_on_mesh.rank_on.lower(mesh, spaces, items, tiling, spec.concepts, options.map_options, at_once)


BUILDERS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "Probe": (Probe, probe),
    "Extraction": (Extraction, extraction),
    "Ranking": (Ranking, ranking),
    "Stage": (Stage, stage),
}


def compile_cached(spec: Any) -> Compiled:
    """As `compile_apart`; the same question to the same compiler and the same code is asked once."""
    sources = [path.read_bytes() for path in sorted(Path(jaxalign.__file__).parent.rglob("*.py"))]
    kept = _kept(type(spec).__name__, json.dumps(spec._asdict()), *sources)
    if kept.exists():
        return _read(kept)
    answer = compile_apart(spec)
    if not answer.error:
        _keep(kept, answer)
    return answer


def _kept(*content: str | bytes) -> Path:
    """Where the answer of the installed compilers to this content is kept."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in (jax.__version__, *_plugins(), *content):
        data = part.encode() if isinstance(part, str) else part
        hashed.update(len(data).to_bytes(8) + data)
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "jaxalign" / "plans" / f"{hashed.hexdigest()}.json"


def _keep(path: Path, answer: Compiled) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write_text(path, json.dumps(answer._asdict()))


def _read(path: Path) -> Compiled:
    fields = json.loads(path.read_text("utf-8"))
    return Compiled(**{**fields, "decompositions": tuple(fields["decompositions"])})


def _plugins() -> list[str]:
    """Name and version of the installed compilers."""
    names = ("libtpu", "jax-cuda13-plugin")
    return sorted(f"{found.name} {found.version}" for found in metadata.distributions() if found.name in names)


def compile_apart(spec: Any) -> Compiled:
    """One program compiled in a process of its own."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "TPU_SKIP_MDS_QUERY": "1"}
    question = json.dumps({"kind": type(spec).__name__, "fields": spec._asdict()})
    command = [sys.executable, "-m", "jaxalign.experiment.plan.programs"]
    try:
        done = subprocess.run(command, input=question, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return Compiled(error=f"the compiler took more than {LIMIT} seconds")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return Compiled(error=_last_words(done.stderr) or f"exit status {done.returncode}")
    return Compiled(**json.loads(lines[-1]))


def _last_words(text: str) -> str:
    """The line of a traceback that says what was wrong."""
    lines = [line for line in text.splitlines() if "Error" in line or "RESOURCE_EXHAUSTED" in line]
    return lines[-1][:300] if lines else ""


def compiled_here(spec: Any) -> Compiled:
    """One program compiled in this process, once for all specifications that give the same program for the target.

    Models of one shape share their programs, and a change of the package leaves most programs as they were.
    """
    _, build = BUILDERS[type(spec).__name__]
    lowered = build(spec)
    text = lowered.as_text()
    kept = _kept("program", spec.target, targets.description(targets.read_target(spec.target)), text)
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(kept.with_suffix(".lock")):
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


def main() -> None:
    """Reads one specification from standard input, prints one result."""
    question = json.load(sys.stdin)
    kind, _ = BUILDERS[question["kind"]]
    print(json.dumps(compiled_here(kind(**question["fields"]))._asdict()), flush=True)


if __name__ == "__main__":
    main()
