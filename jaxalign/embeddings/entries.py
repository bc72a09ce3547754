"""Entries of the vector store: found, continued where an interrupted run stopped, or made, chunk by chunk."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxalign
from jaxalign import models
from jaxalign.embeddings import extract, packing, prompts, tokenize, vector_store
from jaxalign.embeddings.chunks import orbax
from jaxalign.embeddings.kinds import Kind
from jaxalign.models.products import state_dtype
from jaxalign.runtime import processes
from jaxalign.runtime.log import LOGGER
from jaxalign.runtime.memory import advice
from jaxalign.runtime.progress import Progress
from jaxalign.types import Concepts, InputError

CHUNK_BYTES = 32 << 20
CHUNK_BATCHES = 16


class _Work(NamedTuple):
    """The plan of an entry, the shape of its batches, and how they are divided into chunks."""

    plan: packing.Forest
    shape: extract.Shape
    chunk_batches: int
    chunks: int


class EntryMaker:
    """Makes the entries of one model and one list of concepts, all with the same engine."""

    def __init__(self, model: models.Model, concepts: Concepts, root: Path, special_tokens: str, batch_tokens: int):
        self._model, self._concepts, self._root = model, concepts, root
        self._special_tokens, self._batch_tokens = special_tokens, batch_tokens

    @cached_property
    def _engine(self) -> extract.Engine:
        # Made at the first use: a run whose spaces are all stored needs none.
        return extract.engine(self._model)

    def entry(self, kind: Kind, layers: tuple[int, ...]) -> vector_store.Entry:
        """The finished entry of one kind with at least these layers and the kind's poolings."""
        requests = self._requests(kind)
        made_of = self._made_of(kind)
        name = _name(made_of, kind, requests, self._concepts)
        first = jax.process_index() == 0
        with vector_store.locked(self._root, name) if first else nullcontext(self._root / name) as folder:
            processes.barrier("embed looked up")
            entry = _lookup(folder, layers, kind.poolings) if first else None
            if not processes.must_compute(name, entry is None):
                entry = entry or _lookup(folder, layers, kind.poolings)
                if entry is None:
                    raise InputError(
                        "Expected a --workdir that every process of the run sees, but this process cannot see the "
                        f"vectors of process 0, got none in {folder}. Give a shared folder or gs://BUCKET/PATH."
                    )
            else:
                path = folder / _part_name(layers, kind.poolings)
                work = self._work(kind, layers, requests, path)
                del requests  # the plan holds all that is needed of them
                entry = self._make(kind, work, path, made_of)
            processes.barrier("embed done")
            return entry

    def _made_of(self, kind: Kind) -> dict[str, Any]:
        model = self._model
        states = str(jnp.dtype(state_dtype(model.dtype)))
        products = {} if states == model.dtype else {"states": states}
        return {
            "name": model.name, "revision": model.revision, "weights": model.digest, "dtype": model.dtype,
            "embedding": kind.name, "languages": list(kind.texts), "special_tokens": self._special_tokens,
            "version": jaxalign.__version__, **products,
        }  # fmt: skip

    def _requests(self, kind: Kind) -> list[packing.Request]:
        """Requests of every pooling and language, poolings outermost."""
        model, parts = self._model, {}
        with Progress(len(kind.texts), f"tokenize {kind.name}", "languages", show_end=False) as progress:
            for language, texts in kind.texts.items():
                try:
                    part = tokenize.tokenize(
                        model.tokenizer, texts, max_length=model.max_length, add_special_tokens=kind.add_special_tokens
                    )
                except InputError as error:
                    raise InputError(f"{error} (language {language}, {kind.name})") from None
                if part.unknown:
                    LOGGER.warning(
                        "embed: %s, %s: %d of %d texts are nothing but the unknown token",
                        kind.name, language, part.unknown, len(texts),
                    )  # fmt: skip
                parts[language] = tokenize.checked(model, part)
                progress.update()
        requests = {pooling: dict(parts) for pooling in kind.poolings}
        if "concept" in requests:
            tokenizer, special = model.tokenizer, kind.add_special_tokens
            requests["concept"] = {
                language: prompts.concept_tokens(tokenizer, kind.texts[language], part, special)
                for language, part in parts.items()
            }
        return [packing.Request(part, pooling) for pooling, own in requests.items() for part in own.values()]

    def _work(
        self, kind: Kind, layers: tuple[int, ...], requests: Sequence[packing.Request], path: Path
    ) -> _Work:  # fmt: skip
        """The plan of the entry at `path`, begun now or by the run that was interrupted."""
        engine = self._engine
        options: dict[str, Any] = {"special_tokens": self._special_tokens, "batch_tokens": self._batch_tokens}
        plan = extract.forest_for(engine, requests, **options)
        decoder = packing.decoder_only(kind.poolings)
        shape = extract.shape_for(engine, plan, layers, self._batch_tokens, decoder)
        if jax.process_index() == 0:
            names = [f"{pooling} {language}" for pooling in kind.poolings for language in kind.texts]
            index = dict(zip(names, plan.where, strict=True))
            vector_store.begin(path, _division(plan, shape, kind, engine.config.width), index, extract.replicas(engine))
        processes.barrier("embed begun")
        begun = vector_store.read_plan(path)
        rows = packing.Rows(begun["width"], begun.get("window_rows", 1))  # 1: begun before there were windows
        if rows != (plan.width, plan.window_rows):
            plan = extract.forest_for(engine, requests, rows=rows, **options)
        shape = extract.with_rows(engine, plan, shape, begun["rows"])
        return _Work(plan, shape, begun["chunk_batches"], begun["chunks"])

    def _make(self, kind: Kind, work: _Work, path: Path, made_of: dict[str, Any]) -> vector_store.Entry:
        """The entry at `path`, its missing chunks made by all processes together."""
        process, count = processes.share()
        missing = list(range(work.chunks))
        if process == 0:
            missing = sorted(set(missing) - set(vector_store.committed(path, work.chunks)))
        missing = processes.broadcast_numbers(missing, work.chunks)
        remedy = "lower --batch_tokens, give --dtype=bfloat16, or raise --model_parallel on several devices"
        with advice(f"computing {kind.name}", remedy):
            _fill(self._engine, work, path, missing[process::count], kind.name)
        processes.barrier("embed filled")
        if process == 0:
            counts = extract.counts(work.plan, work.shape)
            LOGGER.info(
                "embed: %s: %d texts, %d tokens given, %d computed, %.1f %% of %d slots unused", kind.name,
                counts.texts, counts.tokens_given, counts.tokens_computed, 100 * counts.padding, counts.slots,
            )  # fmt: skip
            device = str(self._engine.mesh.devices.flat[0].device_kind)
            vector_store.finish(path, {**made_of, **counts._asdict(), "devices": device})
        processes.barrier("embed finished")
        entry = vector_store.find(path)
        if entry is None:
            raise InputError(f"Expected the finished vectors in {path}, got damaged ones. Check the disk of --workdir.")
        return entry


def _name(made_of: dict[str, Any], kind: Kind, requests: Sequence[packing.Request], concepts: Concepts) -> str:
    # The tokens stand for tokenizer, template and words at once; the ids for the list they belong to.
    rows = {
        f"{what} {language}": getattr(request.tokens, what)
        for language, request in zip(kind.texts, requests, strict=False)
        for what in ("ids", "offsets", "inner_from", "inner_to")
    }
    return vector_store.digest({**made_of, **rows, "concepts": list(concepts.ids)})


def _part_name(layers: tuple[int, ...], poolings: tuple[str, ...]) -> str:
    return vector_store.digest({"layers": list(layers), "poolings": list(poolings)})[:8]


def _lookup(folder: Path, layers: tuple[int, ...], poolings: tuple[str, ...]) -> vector_store.Entry | None:
    """A finished entry that holds at least these layers and poolings."""
    for path in vector_store.candidates(folder):
        entry = vector_store.find(path)
        if entry is not None and set(layers) <= set(entry.layers) and set(poolings) <= set(entry.poolings):
            return entry
    return None


def _division(plan: packing.Forest, shape: extract.Shape, kind: Kind, features: int) -> dict[str, Any]:
    """How the work is divided into chunks, the smallest units that are committed; written as plan.json."""
    total = extract.batch_count(plan, shape)
    batch_bytes = math.ceil(len(plan.vector_text) / total) * len(shape.layers) * features * 4
    chunk_batches = max(1, min(CHUNK_BATCHES, CHUNK_BYTES // batch_bytes))
    return {
        "format": vector_store.FORMAT, "texts": len(plan.offsets) - 1, "vectors": len(plan.vector_text),
        "width": plan.width, "window_rows": plan.window_rows, "rows": shape.rows, "layers": list(shape.layers),
        "poolings": list(kind.poolings), "features": features, "chunk_batches": chunk_batches,
        "chunks": math.ceil(total / chunk_batches),
    }  # fmt: skip


def _fill(engine: extract.Engine, work: _Work, path: Path, chunks: Sequence[int], name: str) -> None:
    """Computes and commits the chunks; a thread writes one while the next is computed."""
    plan, shape, each = work.plan, work.shape, work.chunk_batches
    total, process = extract.batch_count(plan, shape), jax.process_index()
    indices = [i for chunk in chunks for i in range(chunk * each, min((chunk + 1) * each, total))]
    slots = shape.rows * shape.width
    waiting: list[Future] = []
    orbax()  # imported here: the clock does not count what the thread does
    with (
        Progress(len(indices) * slots, f"embed {name}", "slots") as progress,
        ThreadPoolExecutor(1) as thread,
    ):
        for number, vectors in _chunk_vectors(engine, work, indices, lambda: progress.update(slots)):
            waiting.append(thread.submit(vector_store.write_chunk, path, number, shape.layers, vectors, process))
            if len(waiting) > 1:  # at most two chunks in memory besides the one that is being made
                waiting.pop(0).result()
        for future in waiting:
            future.result()


def _chunk_vectors(
    engine: extract.Engine, work: _Work, indices: Sequence[int], done: Any
) -> Iterator[tuple[int, np.ndarray]]:
    """(number, (layer, vector, feature)) of each chunk, out of its batches; `done()` is called after every batch."""
    total = extract.batch_count(work.plan, work.shape)
    parts: list[np.ndarray] = []
    for batch in extract.vectors(engine, work.plan, work.shape, indices):
        parts.append(batch.vectors)
        done()
        if batch.number + 1 == total or (batch.number + 1) % work.chunk_batches == 0:
            vectors, parts = np.concatenate(parts, axis=1), []
            yield batch.number // work.chunk_batches, vectors
