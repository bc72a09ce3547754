"""The run's real programs, compiled for devices that are not here; each in a process of its own.

    python -m jaxalign.experiment.plan.programs < specification.json

The child prints one JSON object: what the compiler says of the program's memory, and how long it took. A compiler that
refuses a program, or takes longer than `LIMIT` seconds, is a result too: `error` says what it said.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
from jax.sharding import NamedSharding, PartitionSpec

from jaxalign import models
from jaxalign.embeddings import extract
from jaxalign.models.checkpoint import convert, sharding
from jaxalign.runtime import targets
from jaxalign.runtime.threads import cores

LIMIT = 600  # seconds of one compilation


class Compiled(NamedTuple):
    """What the compiler says of one program, bytes per device."""

    compile_seconds: float = 0.0
    argument_bytes: int = 0
    temporary_bytes: int = 0
    output_bytes: int = 0
    code_bytes: int = 0
    error: str = ""

    @property
    def bytes(self) -> int:
        """All that has to be in a device's memory at once."""
        return self.argument_bytes + self.temporary_bytes + self.output_bytes + self.code_bytes


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


def extraction(spec: Extraction) -> Any:
    """The lowered program of an extraction on the target's abstract devices."""
    target = targets.read_target(spec.target)
    mesh = targets.mesh_of(target, spec.model_parallel)
    config = models.read_config(spec.raw, spec.dtype, decoder=spec.decoder)
    abstract = models.abstract(config)
    if spec.model_parallel > 1:
        places = convert.unflatten(sharding.shardings(mesh, convert.flatten(abstract)))
    else:
        places = jax.tree.map(lambda _: NamedSharding(mesh, PartitionSpec()), abstract)
    params = jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), abstract, places
    )
    copies = target.number // spec.model_parallel
    shape = extract.Shape(
        spec.rows * copies, spec.width, spec.pooled_per_row, spec.pooled, tuple(spec.layers), False, spec.decoder
    )
    return extract.lower(config, shape, mesh, spec.model_parallel == 1, params)


BUILDERS = {"Extraction": (Extraction, extraction)}


def compile_all(specs: Sequence[Any]) -> list[Compiled]:
    """What the compiler says of each program, in the order given; as many at a time as this machine has cores."""
    with ThreadPoolExecutor(max(1, min(cores(), len(specs)))) as pool:
        return list(pool.map(compile_apart, specs))


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
    """One program compiled in this process."""
    _, build = BUILDERS[type(spec).__name__]
    lowered = build(spec)
    start = time.perf_counter()
    memory = lowered.compile().memory_analysis()
    return Compiled(
        time.perf_counter() - start,
        memory.argument_size_in_bytes,
        memory.temp_size_in_bytes,
        memory.output_size_in_bytes,
        memory.generated_code_size_in_bytes,
    )


def main() -> None:
    """Reads one specification from standard input, prints one result."""
    question = json.load(sys.stdin)
    kind, _ = BUILDERS[question["kind"]]
    print(json.dumps(compiled_here(kind(**question["fields"]))._asdict()), flush=True)


if __name__ == "__main__":
    main()
