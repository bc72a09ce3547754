"""Spaces of all languages, every embedding, pooling and layer: found in the store, continued, or made by chunks."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

import jaxalign
from jaxalign import models
from jaxalign.embeddings import extract, packing, prompts, tokenize, vector_store
from jaxalign.runtime import clock
from jaxalign.runtime import processes as processes_module
from jaxalign.types import Concepts, InputError, Space, SpaceLabel

CHUNK_BYTES = 32 << 20
CHUNK_BATCHES = 16


class Vectors(Mapping[str, np.ndarray]):
    """Vectors of one layer and pooling by language, read from the store when asked for."""

    def __init__(self, entry: vector_store.Entry, index: dict[str, np.ndarray], layer: int, cache: dict[str, Any]):
        self._entry, self._index, self._layer, self._cache = entry, index, layer, cache

    def __getitem__(self, language: str) -> np.ndarray:
        rows = self._index[language]
        if self._cache.get("layer") != self._layer:  # one layer of an entry at a time in memory
            self._cache.clear()
            self._cache.update(layer=self._layer, found=vector_store.read_layer(self._entry, self._layer))
        return self._cache["found"][rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)


class Kind(NamedTuple):
    """One way to give concepts to the model."""

    name: str  # "vanilla" or "prompt:NAME"
    texts: Mapping[str, Sequence[str]]  # by language
    add_special_tokens: bool
    poolings: tuple[str, ...]


def spaces(
    model: models.Model, concepts: Concepts, *, embeddings: Sequence[str] = ("vanilla",),
    poolings: Sequence[str] = ("auto",), templates: Mapping[str, prompts.Template] | None = None, layers: Any = "last",
    special_tokens: str = "auto", store_root: str | Path, batch_tokens: int = 0,
    progress: extract.Progress | None = None,
) -> list[Space]:  # fmt: skip
    """Spaces of all languages for every embedding, pooling and layer, made or found in the store; read when used.

    `templates` (the paper's alone by default) serve the embedding "prompt". A space that the store holds is not made
    again; an interrupted run goes on where it was; on several hosts each process makes its share of the chunks.
    """
    found = []
    progress = progress or StderrProgress()
    engine: list[extract.Engine] = []  # made at the first use: a run whose spaces are all stored needs none
    for kind in _kinds(model, concepts, embeddings, poolings, templates):
        chosen = extract.parse_layers(model, layers, extract.decoder_only(kind.poolings))
        entry = _entry(model, concepts, kind, chosen, special_tokens, Path(store_root), batch_tokens, progress, engine)
        index = vector_store.read_index(entry)
        cache: dict[str, Any] = {}
        for pooling in kind.poolings:
            where = {language: index[f"{pooling} {language}"] for language in concepts.words}
            for layer in chosen:
                label = SpaceLabel(model.name, kind.name, pooling, layer)
                found.append(Space(label, concepts.ids, Vectors(entry, where, layer, cache)))  # type: ignore[arg-type]
    return found


def _kinds(model: Any, concepts: Concepts, embeddings: Any, poolings: Any, templates: Any) -> Iterator[Kind]:
    """What is to be embedded, one after another; every template is tried on a word of each language first."""
    for embedding in embeddings:
        if embedding not in ("vanilla", "prompt"):
            raise InputError(f"Expected --embeddings of vanilla and prompt, got {embedding!r}.")
    chosen = dict(templates) if templates is not None else {prompts.PAPER: prompts.load()[prompts.PAPER]}
    if "prompt" in embeddings:
        chosen = _usable(model, chosen)
        for template in chosen.values():
            _filled(model, template, {lang: words[:1] for lang, words in concepts.words.items()})
    for embedding in embeddings:
        # The paper: last token of a prompt in every family; of a bare word, the family's own pooling.
        auto = model.default_pooling if embedding == "vanilla" else "last"
        own = tuple(dict.fromkeys(auto if pooling == "auto" else pooling for pooling in poolings))
        groups = [tuple(p for p in own if p != "decoder"), tuple(p for p in own if p == "decoder")]
        for group in filter(None, groups):
            if embedding == "vanilla":
                yield Kind("vanilla", concepts.words, True, group)
                continue
            for template in chosen.values():
                texts = _filled(model, template, concepts.words)
                yield Kind(f"prompt:{template.name}", texts, not template.chat, group)


def _filled(model: Any, template: prompts.Template, words: Mapping[str, Sequence[str]]) -> dict[str, prompts.Filled]:
    tokenizer = model.tokenizer if template.chat else None
    return {lang: prompts.fill(template, column, lang, tokenizer) for lang, column in words.items()}


def _usable(model: Any, templates: dict[str, prompts.Template]) -> dict[str, prompts.Template]:
    """The templates without the chat ones where the tokenizer has no chat template, unless nothing is left."""
    plain = {name: template for name, template in templates.items() if not template.chat}
    if plain and len(plain) < len(templates) and getattr(model.tokenizer, "chat_template", None) is None:
        left_out = ", ".join(name for name in templates if name not in plain)
        _say(f"{model.name} has no chat template: left out {left_out}")
        return plain
    return templates


def _entry(
    model: Any, concepts: Concepts, kind: Kind, layers: tuple[int, ...], special_tokens: str, root: Path,
    batch_tokens: int, progress: extract.Progress, engine: list[extract.Engine],
) -> vector_store.Entry:  # fmt: skip
    """The finished entry of one kind: found, continued or made."""
    requests = _requests(model, kind, progress)
    made = {
        "name": model.name, "revision": model.revision, "weights": model.digest, "dtype": model.dtype,
        "embedding": kind.name, "languages": list(kind.texts), "special_tokens": special_tokens,
        "version": jaxalign.__version__,
    }  # fmt: skip
    name = _name(made, kind, requests, concepts)
    first = jax.process_index() == 0
    with vector_store.locked(root, name) if first else nullcontext(root / name) as folder:
        _meet("found")
        entry = _lookup(folder, layers, kind.poolings) if first else None
        if not processes_module.is_open(name, entry is None):
            entry = entry or _lookup(folder, layers, kind.poolings)
            if entry is None:
                raise InputError(
                    f"Expected a --workdir that every process of the run sees, got none of process 0's vectors in "
                    f"{folder}. Give a shared folder or gs://BUCKET/PATH."
                )
            _meet("done")
            return entry
        if not engine:
            engine.append(extract.engine(model))
        entry = _make(engine[0], folder, made, requests, kind, layers, special_tokens, batch_tokens, progress)
        _meet("done")
        return entry


def _name(made: dict[str, Any], kind: Kind, requests: list[packing.Request], concepts: Concepts) -> str:
    # The tokens stand for tokenizer, template and words at once; the ids for the list they belong to.
    rows = {
        f"{what} {language}": getattr(request.tokens, what)
        for language, request in zip(kind.texts, requests, strict=False)
        for what in ("ids", "offsets", "inner_from", "inner_to")
    }
    return vector_store.digest({**made, **rows, "concepts": list(concepts.ids)})


def _lookup(folder: Path, layers: tuple[int, ...], poolings: tuple[str, ...]) -> vector_store.Entry | None:
    """A finished entry that holds at least these layers and poolings."""
    for path in vector_store.candidates(folder):
        entry = vector_store.find(path)
        if entry is not None and set(layers) <= set(entry.layers) and set(poolings) <= set(entry.poolings):
            return entry
    return None


def _requests(model: Any, kind: Kind, progress: extract.Progress) -> list[packing.Request]:
    """Requests of every pooling and language, poolings outermost."""
    parts = {}
    for done, (language, texts) in enumerate(kind.texts.items(), 1):
        try:
            part = tokenize.tokenize(
                model.tokenizer, texts, max_length=model.max_length, add_special_tokens=kind.add_special_tokens
            )
        except InputError as error:
            raise InputError(f"{error} (language {language}, {kind.name})") from None
        if part.unknown:
            _say(f"{kind.name}, {language}: {part.unknown} of {len(texts)} texts are nothing but the unknown token")
        parts[language] = extract.checked(model, part)
        progress(f"tokenize {kind.name}", done, len(kind.texts))
    return [packing.Request(part, pooling) for pooling in kind.poolings for part in parts.values()]


def _make(
    engine: extract.Engine, folder: Path, made: dict[str, Any], requests: list[packing.Request], kind: Kind,
    layers: tuple[int, ...], special_tokens: str, batch_tokens: int, progress: extract.Progress,
) -> vector_store.Entry:  # fmt: skip
    process, processes = jax.process_index(), jax.process_count()
    path = folder / vector_store.digest({"layers": list(layers), "poolings": list(kind.poolings)})[:8]
    options: dict[str, Any] = {
        "causal": engine.config.causal, "special_tokens": special_tokens, "features": engine.config.width
    }  # fmt: skip
    plan = packing.forest(requests, **options)
    shape = extract.shape_for(engine, plan, layers, batch_tokens, extract.decoder_only(kind.poolings))
    cut = _cut(plan, shape, kind, engine.config.width)
    if process == 0:
        index = {
            f"{pooling} {language}": where
            for (pooling, language), where in zip(
                ((pooling, language) for pooling in kind.poolings for language in kind.texts), plan.where, strict=True
            )
        }
        vector_store.begin(path, cut, index, extract.replicas(engine))
    _meet("begun")
    cut = vector_store.read_plan(path)
    if cut["width"] != plan.width:
        plan = packing.forest(requests, width=cut["width"], **options)
    requests.clear()  # the plan holds all that is needed of them
    shape = extract.with_rows(engine, plan, shape, cut["rows"])
    missing = list(range(cut["chunks"]))
    if process == 0:
        missing = sorted(set(missing) - set(vector_store.committed(path, cut["chunks"])))
    missing = processes_module.told(missing, cut["chunks"])
    _fill(engine, plan, shape, path, missing[process::processes], cut["chunk_batches"], progress, kind.name)
    _meet("filled")
    said = extract.counts(plan, shape)
    if process == 0:
        _say(
            f"{kind.name}: {said.texts} texts, {said.tokens_given} tokens given, {said.tokens_computed} computed, "
            f"{100 * said.padding:.1f} % of {said.slots} slots unused"
        )
        vector_store.finish(path, {**made, **said._asdict(), "devices": str(engine.mesh.devices.flat[0].device_kind)})
    _meet("finished")
    entry = vector_store.find(path)
    if entry is None:
        raise InputError(f"Expected the finished vectors in {path}, got damaged ones. Check the disk of --workdir.")
    return entry


def _cut(plan: packing.Forest, shape: extract.Shape, kind: Kind, features: int) -> dict[str, Any]:
    """How the work is cut into chunks: the smallest unit that is committed."""
    total = extract.batch_count(plan, shape)
    batch_bytes = math.ceil(len(plan.pick_text) / total) * len(shape.layers) * features * 4
    each = max(1, min(CHUNK_BATCHES, CHUNK_BYTES // batch_bytes))
    return {
        "format": vector_store.FORMAT, "texts": len(plan.offsets) - 1, "vectors": len(plan.pick_text),
        "width": plan.width,
        "rows": shape.rows, "layers": list(shape.layers), "poolings": list(kind.poolings), "features": features,
        "chunk_batches": each, "chunks": math.ceil(total / each),
    }  # fmt: skip


def _fill(
    engine: extract.Engine, plan: packing.Forest, shape: extract.Shape, path: Path, chunks: Sequence[int], each: int,
    progress: extract.Progress, name: str,
) -> None:  # fmt: skip
    """Computes and commits the chunks; a thread writes one while the next is computed."""
    total, process = extract.batch_count(plan, shape), jax.process_index()
    indices = [i for chunk in chunks for i in range(chunk * each, min((chunk + 1) * each, total))]
    slots = shape.rows * shape.width
    pending: list[np.ndarray] = []
    waiting: list[Future] = []
    with ThreadPoolExecutor(1) as thread:
        for done, (index, found) in enumerate(extract.vectors(engine, plan, shape, indices), 1):
            pending.append(found)
            if index + 1 == total or (index + 1) % each == 0:
                chunk = np.concatenate(pending, axis=1)
                waiting.append(
                    thread.submit(vector_store.write_chunk, path, index // each, shape.layers, chunk, process)
                )
                pending = []
                if len(waiting) > 1:  # at most two chunks in memory beside the one in the making
                    waiting.pop(0).result()
            progress(f"embed {name}", done * slots, len(indices) * slots)
        for future in waiting:
            future.result()


def _meet(what: str) -> None:
    processes_module.meet(f"embed {what}")


def _say(text: str) -> None:
    print(f"embed: {text}", file=sys.stderr, flush=True)


class StderrProgress:
    """A progress line on stderr for each piece of work: throughput and time left; `unit` says what is counted."""

    def __init__(self, unit: str = "") -> None:
        self._unit, self._what, self._done, self._line = unit, "", 0, clock.Progress(0, "")

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            unit = self._unit or ("slots" if what.startswith("embed") else "languages")
            self._what, self._done, self._line = what, 0, clock.Progress(total, what, unit)
        self._line.update(done - self._done)
        self._done = done
        if done == total and (self._unit or what.startswith("embed")):
            self._line.close()
            self._what = ""
