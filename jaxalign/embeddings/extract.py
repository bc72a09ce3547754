"""A forest's batches on the local devices: pooled vectors of the chosen layers, in the order of the forest.

The rows of a batch are split over the devices by pmap (over the mesh's "data" axis where the weights are sharded). Each
batch is placed ahead of time, the next ones are dispatched before the first is read, and copies to the host are
asynchronous.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxalign import models
from jaxalign.embeddings import batches, packing
from jaxalign.embeddings.batches import Shape
from jaxalign.runtime.environment import made_for
from jaxalign.types import Batch, InputError

IN_FLIGHT = 2  # batches dispatched before the first of them is read
# Batches that a CPU computes side by side. XLA's CPU library multiplies the small matrices of attention on one core,
# whatever their number; with a second batch the other cores have work then (2 to 6 % of the time on two cores).
AT_ONCE = 2
PROGRAMS = 32  # compiled programs kept


class Engine(NamedTuple):
    """A model's parameters on all local devices."""

    config: Any
    params: Any
    mesh: Mesh
    mapped: bool  # each device holds all weights and pmap splits the rows; otherwise jit does, over the mesh


class BatchVectors(NamedTuple):
    """Pooled vectors of one batch, in the plan's order."""

    number: int  # of the batch in its plan
    vectors: np.ndarray  # (layer, vector, feature) float32


class Counts(NamedTuple):
    """What a run computed."""

    texts: int
    tokens_given: int
    tokens_computed: int
    slots: int

    @property
    def padding(self) -> float:
        """Fraction of the slots that no token used."""
        return 1 - self.tokens_computed / self.slots if self.slots else 0.0


def engine(model: models.Model) -> Engine:
    """Engine of `model`: its own mesh, or a copy of the parameters on every local device."""
    if model.mesh is not None and model.mesh.size > 1:
        if jax.process_count() > 1:
            raise InputError(
                "Expected --model_parallel=1 on several hosts, got a sharded model. Run each model on one host."
            )
        return Engine(model.config, model.params, model.mesh, False)
    devices = np.array(jax.local_devices())
    mesh = Mesh(devices, ("data",), axis_types=(AxisType.Auto,))
    params = model.params
    if devices[0].platform == "cpu":
        params = models.unstacked(params)
        params["blocks"] = models.with_wider_mlp(model.config, params["blocks"])
    params = jax.device_put(params, NamedSharding(mesh, PartitionSpec()))
    # On several hosts pmap takes its arguments as shares of a global batch, whatever its devices; jit does not.
    return Engine(model.config, params, mesh, jax.process_count() == 1)


def replicas(engine: Engine) -> int:
    """Number of copies of the model, each with its share of a batch's rows."""
    return engine.mesh.shape["data"]


def on_one_cpu(engine: Engine) -> bool:
    """Whether the model runs on a single CPU device."""
    return engine.mapped and engine.mesh.size == 1 and engine.mesh.devices.flat[0].platform == "cpu"


def forest_for(
    engine: Engine, requests: Sequence[packing.Request], *, special_tokens: str = "auto", batch_tokens: int = 0,
    rows: packing.Rows | None = None,
) -> packing.Forest:  # fmt: skip
    """Plan of all requests for the engine's model; on one CPU device, where the batches are small, with windows."""
    return packing.forest(
        requests, causal=engine.config.causal, special_tokens=special_tokens, features=engine.config.width, rows=rows,
        window_slots=(batch_tokens or batches.usual_tokens(engine.config, "cpu")) if on_one_cpu(engine) else 0,
    )  # fmt: skip


def shape_for(
    engine: Engine, plan: packing.Forest, layers: tuple[int, ...], batch_tokens: int = 0, decoder: bool = False
) -> Shape:  # fmt: skip
    """Shape of the plan's batches: `batch_tokens` slots per device, fewer where memory or the plan itself is small."""
    platform = engine.mesh.devices.flat[0].platform
    tokens = batch_tokens or batches.usual_tokens(engine.config, platform)
    each = max(1, tokens // (plan.width * plan.window_rows))
    while True:
        shape = batches.shape_of(plan, layers, engine.config.num_layers, replicas(engine), each, decoder)
        if batch_tokens or each == 1 or _fits(engine, shape):
            return shape
        each //= 2


def with_rows(engine: Engine, plan: packing.Forest, shape: Shape, rows: int) -> Shape:
    """The shape for the same plan, or one of another width, in batches of `rows` rows."""
    most = batches.most_vectors(plan, rows // replicas(engine))
    return shape._replace(
        rows=rows, width=plan.width, row_vectors=plan.most_vectors, copy_vectors=most, earlier=plan.earlier
    )


def _fits(engine: Engine, shape: Shape) -> bool:
    """Whether the compiler's own figure for the shape's program fits the free memory of a device."""
    free = _free_bytes(engine.mesh.devices.flat[0])
    memory = program(engine, shape).memory_analysis()
    if free is None or memory is None:
        return True
    programs = AT_ONCE if on_one_cpu(engine) else 1
    return programs * memory.temp_size_in_bytes + (IN_FLIGHT + 1) * memory.output_size_in_bytes < 0.8 * free


def _free_bytes(device: Any) -> int | None:
    stats = device.memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    if device.platform == "cpu" and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def program(engine: Engine, shape: Shape) -> Any:
    """The compiled program of a shape: `(params, batch, slots, numbers) -> pooled`, kept for the process."""
    arguments = (engine.params, *_place(engine, _blank(shape, replicas(engine))))
    leaves, tree = jax.tree.flatten(arguments)
    abstract = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding) for leaf in leaves)
    return compiled(engine.config, shape, engine.mesh, engine.mapped, tree, abstract)


@lru_cache(maxsize=PROGRAMS)
def compiled(config: Any, shape: Shape, mesh: Mesh, mapped: bool, tree: Any, abstract: tuple[Any, ...]) -> Any:
    """The program for arguments of these shapes, dtypes and placements; models of one architecture share it."""
    return _mapped(config, shape, mesh, mapped).lower(*jax.tree.unflatten(tree, abstract)).compile()


def _mapped(config: Any, shape: Shape, mesh: Mesh, mapped: bool) -> Any:
    run = partial(_decoded, config, shape.layers) if shape.decoder else partial(_pooled, config, shape)
    if not mapped:
        return jax.jit(run)
    return jax.pmap(run, axis_name="data", in_axes=(None, 0, 0, 0), devices=list(mesh.devices.flat))


def lower(config: Any, shape: Shape, mesh: Mesh, mapped: bool, params: Any) -> jax.stages.Lowered:
    """The program of a shape for devices that need not be here; `params`: shapes and placements of the parameters."""
    copies = mesh.shape["data"]
    place = NamedSharding(mesh, PartitionSpec("data"))

    def abstract(part: np.ndarray) -> jax.ShapeDtypeStruct:
        split = (copies, len(part) // copies, *part.shape[1:]) if mapped else part.shape
        return jax.ShapeDtypeStruct(split, part.dtype, sharding=place)

    with made_for(mesh.devices.flat[0].platform):
        return _mapped(config, shape, mesh, mapped).lower(params, *jax.tree.map(abstract, _blank(shape, copies)))


def _pooled(config: Any, shape: Shape, params: Any, batch: Batch, slots: Any, numbers: Any) -> jax.Array:
    vectors = models.pooled(
        config, params, batch, layers=shape.layers, slots=slots, focused=shape.focused, used=numbers
    )  # fmt: skip
    return vectors.swapaxes(0, 1)  # copies first: the axis that the devices share


def _decoded(config: Any, layers: tuple[int, ...], params: Any, batch: Batch, _: Any, numbers: Any) -> jax.Array:
    vectors = models.decoded(config, params, batch, layers=layers)
    return jax.vmap(lambda each: models.used_vectors(each, numbers))(vectors).swapaxes(0, 1)


def _blank(shape: Shape, copies: int) -> tuple[Batch, Any, Any]:
    """A batch of zeros with its vectors' slots and numbers: the arguments of a program besides the parameters."""
    cells = np.zeros((shape.rows, shape.width), np.int32)
    pool = np.zeros((shape.rows, shape.row_vectors, shape.width), np.float32)
    slots = pool[:, :, 0].astype(np.int32) if shape.single else None
    earlier = np.zeros((shape.rows, shape.earlier), np.int32) if shape.earlier else None
    batch = Batch(cells, cells, cells, cells, pool, earlier, earlier)
    return batch, slots, np.zeros((copies, shape.copy_vectors), np.int32)


def _place(engine: Engine, host: tuple[Batch, Any, Any]) -> tuple[Any, Any, Any]:
    """The batch on its devices, rows split over the copies of the model."""
    sharding = NamedSharding(engine.mesh, PartitionSpec("data"))
    copies = replicas(engine)

    def split(part: np.ndarray) -> np.ndarray:
        return part if not engine.mapped else part.reshape(copies, len(part) // copies, *part.shape[1:])

    return jax.device_put(jax.tree.map(split, host), sharding)


def _dispatch(run: Any, engine: Engine, plan: packing.Forest, shape: Shape, index: int) -> jax.Array:
    """Starts batch `index` of the plan and its copy to the host; returns at once."""
    batch = batches.batch(plan, index * shape.rows, shape.rows)
    slots = batches.vector_slots(plan, batch.pool) if shape.single else None
    numbers = batches.used_numbers(plan, index * shape.rows, shape.rows, replicas(engine), shape.copy_vectors)
    vectors = run(engine.params, *_place(engine, (batch, slots, numbers)))
    vectors.copy_to_host_async()
    return vectors


def batch_count(plan: packing.Forest, shape: Shape) -> int:
    """Number of batches of the plan."""
    return math.ceil(plan.rows / shape.rows)


def vectors(engine: Engine, plan: packing.Forest, shape: Shape, indices: Iterable[int]) -> Iterator[BatchVectors]:
    """Pooled vectors of the batches asked for, one batch after another."""
    copies = replicas(engine)
    share = shape.rows // copies
    run = program(engine, shape)

    def dispatch(index: int) -> jax.Array:
        return _dispatch(run, engine, plan, shape, index)

    def fetch(index: int, on_devices: jax.Array) -> BatchVectors:
        host = np.asarray(on_devices).reshape(copies, len(shape.layers), shape.copy_vectors, -1)
        starts = np.minimum(index * shape.rows + share * np.arange(copies + 1), plan.rows)
        parts = [part[:, :count] for part, count in zip(host, np.diff(plan.row_vectors[starts]), strict=True)]
        return BatchVectors(index, parts[0] if copies == 1 else np.concatenate(parts, axis=1))

    if on_one_cpu(engine):
        with ThreadPoolExecutor(AT_ONCE) as threads:
            yield from _in_turn(indices, lambda i: threads.submit(lambda: fetch(i, dispatch(i))), Future.result)
    else:
        yield from _in_turn(indices, lambda i: (i, dispatch(i)), lambda begun: fetch(*begun))


def _in_turn(
    indices: Iterable[int], begin: Callable[[int], Any], finish: Callable[[Any], BatchVectors]
) -> Iterator[BatchVectors]:  # fmt: skip
    """The batches in order, the next IN_FLIGHT ones begun before each is finished."""
    begun: deque[Any] = deque()
    for index in indices:
        begun.append(begin(index))
        if len(begun) > IN_FLIGHT:
            yield finish(begun.popleft())
    while begun:
        yield finish(begun.popleft())


def all_vectors(engine: Engine, plan: packing.Forest, shape: Shape) -> np.ndarray:
    """(layer, vector, feature) float32 of the whole plan, in memory."""
    together = np.empty((len(shape.layers), len(plan.vector_text), engine.config.width), np.float32)
    for batch in vectors(engine, plan, shape, range(batch_count(plan, shape))):
        start = plan.row_vectors[batch.number * shape.rows]
        together[:, start : start + batch.vectors.shape[1]] = batch.vectors
    return together


def counts(plan: packing.Forest, shape: Shape) -> Counts:
    """Counts of a plan run in batches of `shape`."""
    slots = batch_count(plan, shape) * shape.rows * shape.width
    return Counts(sum(map(len, plan.where)), plan.given, plan.computed, slots)


def parse_layers(model: models.Model, layers: Any, decoder: bool = False) -> tuple[int, ...]:
    """Layer numbers of "all", "last", or an iterable of numbers (negative ones count from the last)."""
    count = (model.config.decoder_layers if decoder else model.num_layers) + 1
    if decoder and count == 1:
        raise InputError(f"Expected an encoder-decoder loaded with its decoder, got {model.name}. Change --pooling.")
    if isinstance(layers, str):
        if layers not in ("all", "last"):
            raise InputError(f"Expected --layers of all, last or numbers, got {layers!r}.")
        return tuple(range(count)) if layers == "all" else (count - 1,)
    wanted = [int(layer) for layer in ([layers] if isinstance(layers, int) else layers)]
    if not wanted or any(not -count <= layer < count for layer in wanted):
        raise InputError(f"Expected --layers from 0 to {count - 1} for {model.name}, got {wanted}.")
    return tuple(dict.fromkeys(layer % count for layer in wanted))
