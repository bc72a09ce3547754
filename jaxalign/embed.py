"""Words or prompts -> vectors of the chosen layers: in memory, or in the store as the spaces of all languages.

    embed.hidden_states(model, [[5, 17, 3], [8]])                  # list of (layer + 1, token, feature)
    embed.embed(model, ["dog", "chien"], pooling="mean")           # (layer + 1, text, feature)
    embed.spaces(model, concepts, embeddings=("vanilla", "prompt"), store_root="runs/store")   # list of Space
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import jaxalign
from jaxalign import batches, extract, models, prompts, store, tokens
from jaxalign.types import Concepts, InputError, Space, SpaceLabel

CHUNK_BYTES = 32 << 20
CHUNK_BATCHES = 8
Progress = Callable[[str, int, int], None]  # what, done, total
Writer = Callable[[int, np.ndarray], None]  # index of the batch, (layer, pick, feature)


class Counts(NamedTuple):
    """What a run computed; `padding` is the share of slots that no token used."""

    texts: int
    tokens_given: int
    tokens_computed: int
    slots: int

    @property
    def padding(self) -> float:
        return 1 - self.tokens_computed / self.slots if self.slots else 0.0


def counts(plan: batches.Forest, shape: extract.Shape) -> Counts:
    """Counts of a plan run in batches of `shape`."""
    slots = extract.batch_count(plan, shape) * shape.rows * shape.width
    return Counts(sum(map(len, plan.where)), plan.given, plan.computed, slots)


def hidden_states(model: models.Model, rows: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """States of rows of token ids: a list of (layer + 1, token, feature) float32, layers as in transformers."""
    import jax

    if not len(rows):
        return []
    part = _within(model, tokens.from_rows(rows))
    plan = batches.forest([batches.Request(part, "last")], causal=model.causal, features=model.width)
    layers = tuple(range(model.num_layers + 1))
    run = jax.jit(models.states, static_argnums=(0, 3))
    each = max(1, extract.BATCH_TOKENS["cpu"] // plan.width)
    found: list[np.ndarray] = []
    for first in range(0, plan.rows, each):
        batch = batches.batch(plan, first, each)
        states = np.asarray(run(model.config, model.params, batch, layers))
        flat = states.reshape(len(layers), -1, states.shape[-1])
        found += [flat[:, slots] for slots in batches.text_slots(plan, first, each)]
    return [found[text] for text in plan.pick_text[plan.where[0]]]


def _within(model: models.Model, part: tokens.Tokens) -> tokens.Tokens:
    longest = int(np.diff(part.offsets).max(initial=0))
    if model.max_length and longest > model.max_length:
        raise InputError(f"Expected at most {model.max_length} tokens a text, got {longest}. Shorten the text.")
    if len(part.ids) and (part.ids.min() < 0 or part.ids.max() >= model.config.vocab):
        wrong = part.ids.max() if part.ids.min() >= 0 else part.ids.min()
        raise InputError(f"Expected token ids of 0 to {model.config.vocab - 1}, got {wrong}. Check the tokenizer.")
    return part


def embed(
    model: models.Model, texts: Sequence[str], pooling: str = "auto", layers: Any = "all", *,
    special_tokens: str = "auto", batch_tokens: int = 0,
) -> np.ndarray:  # fmt: skip
    """(layer, text, feature) float32 vectors of `texts`; `layers` as "all" (0 to the last), "last" or numbers."""
    chosen = parse_layers(model, layers)
    if not len(texts):
        return np.zeros((len(chosen), 0, model.width), np.float32)
    pooling = model.default_pooling if pooling == "auto" else pooling
    part = _within(model, tokens.tokenize(model.tokenizer, texts, max_length=model.max_length))
    requests = [batches.Request(part, pooling)]
    return run(model, requests, chosen, special_tokens=special_tokens, batch_tokens=batch_tokens)[0]


def run(
    model: models.Model, requests: Sequence[batches.Request], layers: Any = "all", *, special_tokens: str = "auto",
    batch_tokens: int = 0, width: int | None = None, progress: Progress | None = None, writer: Writer | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """(layer, text, feature) of each request, all in one forest; a `writer` takes the batches instead: no arrays."""
    chosen = parse_layers(model, layers)
    plan = batches.forest(
        requests, causal=model.causal, special_tokens=special_tokens, width=width, features=model.width
    )
    engine = extract.engine(model)
    shape = extract.shape_for(engine, plan, chosen, batch_tokens)
    total = extract.batch_count(plan, shape)
    found = None if writer else np.empty((len(chosen), len(plan.pick_text), model.width), np.float32)
    for done, (index, vectors) in enumerate(extract.vectors(engine, plan, shape, range(total)), 1):
        if writer is not None:
            writer(index, vectors)
        else:
            start = plan.row_picks[index * shape.rows]
            found[:, start : start + vectors.shape[1]] = vectors  # type: ignore[index]
        if progress is not None:
            progress("embed", done, total)
    return [] if found is None else [found[:, where] for where in plan.where]


def parse_layers(model: models.Model, layers: Any) -> tuple[int, ...]:
    """Layer numbers of "all", "last", or an iterable of numbers (negative ones count from the last)."""
    count = model.num_layers + 1
    if isinstance(layers, str):
        if layers not in ("all", "last"):
            raise InputError(f"Expected --layers of all, last or numbers, got {layers!r}.")
        return tuple(range(count)) if layers == "all" else (count - 1,)
    wanted = [int(layer) for layer in ([layers] if isinstance(layers, int) else layers)]
    if not wanted or any(not -count <= layer < count for layer in wanted):
        raise InputError(f"Expected --layers from 0 to {count - 1} for {model.name}, got {wanted}.")
    return tuple(dict.fromkeys(layer % count for layer in wanted))


class Vectors(Mapping[str, np.ndarray]):
    """Vectors of one layer and pooling by language, read from the store when asked for."""

    def __init__(self, entry: store.Entry, index: dict[str, np.ndarray], layer: int, cache: dict[str, Any]):
        self._entry, self._index, self._layer, self._cache = entry, index, layer, cache

    def __getitem__(self, language: str) -> np.ndarray:
        rows = self._index[language]
        if self._cache.get("layer") != self._layer:  # one layer of an entry at a time in memory
            self._cache.clear()
            self._cache.update(layer=self._layer, found=store.read_layer(self._entry, self._layer))
        return self._cache["found"][rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)


class Kind(NamedTuple):
    """One way to give concepts to the model."""

    name: str  # "vanilla" or "prompt:NAME"
    texts: dict[str, list[str]]  # by language
    add_special_tokens: bool
    poolings: tuple[str, ...]


def spaces(
    model: models.Model, concepts: Concepts, *, embeddings: Sequence[str] = ("vanilla",),
    poolings: Sequence[str] = ("auto",), templates: Mapping[str, prompts.Template] | None = None, layers: Any = "last",
    special_tokens: str = "auto", store_root: str | Path, batch_tokens: int = 0, progress: Progress | None = None,
) -> list[Space]:  # fmt: skip
    """Spaces of all languages for every embedding, pooling and layer, made or found in the store; read when used.

    `templates` (the paper's alone by default) serve the embedding "prompt". A space that the store holds is not made
    again; an interrupted run goes on where it was; on several hosts each process makes its share of the chunks.
    """
    chosen = parse_layers(model, layers)
    found = []
    progress = progress or StderrProgress()
    engine: list[extract.Engine] = []  # made at the first use: a run whose spaces are all stored needs none
    for kind in _kinds(model, concepts, embeddings, poolings, templates):
        entry = _entry(model, concepts, kind, chosen, special_tokens, Path(store_root), batch_tokens, progress, engine)
        index = store.read_index(entry)
        cache: dict[str, Any] = {}
        for pooling in kind.poolings:
            where = {language: index[f"{pooling} {language}"] for language in concepts.words}
            for layer in chosen:
                label = SpaceLabel(model.name, kind.name, pooling, layer)
                found.append(Space(label, concepts.ids, Vectors(entry, where, layer, cache)))  # type: ignore[arg-type]
    return found


def _kinds(model: Any, concepts: Concepts, embeddings: Any, poolings: Any, templates: Any) -> list[Kind]:
    kinds = []
    for embedding in embeddings:
        if embedding not in ("vanilla", "prompt"):
            raise InputError(f"Expected --embeddings of vanilla and prompt, got {embedding!r}.")
        # The paper: last token of a prompt in every family; of a bare word, the family's own pooling.
        auto = model.default_pooling if embedding == "vanilla" else "last"
        own = tuple(dict.fromkeys(auto if pooling == "auto" else pooling for pooling in poolings))
        if embedding == "vanilla":
            kinds.append(Kind("vanilla", {lang: list(words) for lang, words in concepts.words.items()}, True, own))
            continue
        chosen = templates if templates is not None else {prompts.PAPER: prompts.load()[prompts.PAPER]}
        for template in chosen.values():
            texts = {
                lang: prompts.fill(template, words, lang, model.tokenizer if template.chat else None)
                for lang, words in concepts.words.items()
            }
            kinds.append(Kind(f"prompt:{template.name}", texts, not template.chat, own))
    return kinds


def _entry(
    model: Any, concepts: Concepts, kind: Kind, layers: tuple[int, ...], special_tokens: str, root: Path,
    batch_tokens: int, progress: Progress, engine: list[extract.Engine],
) -> store.Entry:  # fmt: skip
    """The finished entry of one kind: found, continued or made."""
    import jax

    requests = _requests(model, kind, progress)
    made = {
        "name": model.name, "revision": model.revision, "weights": model.digest, "dtype": model.dtype,
        "embedding": kind.name, "languages": list(kind.texts), "special_tokens": special_tokens,
        "version": jaxalign.__version__,
    }  # fmt: skip
    rows = {
        f"{what} {language}": getattr(request.tokens, what)
        for language, request in zip(kind.texts, requests, strict=False)
        for what in ("ids", "offsets", "inner_from", "inner_to")
    }
    # The tokens stand for tokenizer, template and words at once; the ids for the list they belong to.
    name = store.digest({**made, **rows, "concepts": list(concepts.ids)})
    first = jax.process_index() == 0
    with store.locked(root, name) if first else nullcontext(root / name) as folder:
        _meet("found")
        entry = _lookup(folder, layers, kind.poolings)
        if entry is not None:
            _meet("done")
            return entry
        if not engine:
            engine.append(extract.engine(model))
        entry = _make(engine[0], folder, made, requests, kind, layers, special_tokens, batch_tokens, progress)
        _meet("done")
        return entry


def _lookup(folder: Path, layers: tuple[int, ...], poolings: tuple[str, ...]) -> store.Entry | None:
    """A finished entry that holds at least these layers and poolings."""
    for path in sorted(folder.glob("*/manifest.json")):
        entry = store.find(path.parent)
        if entry is not None and set(layers) <= set(entry.layers) and set(poolings) <= set(entry.poolings):
            return entry
    return None


def _requests(model: Any, kind: Kind, progress: Progress) -> list[batches.Request]:
    """Requests of every pooling and language, poolings outermost."""
    parts = {}
    for done, (language, texts) in enumerate(kind.texts.items(), 1):
        try:
            part = tokens.tokenize(
                model.tokenizer, texts, max_length=model.max_length, add_special_tokens=kind.add_special_tokens
            )
        except InputError as error:
            raise InputError(f"{error} (language {language}, {kind.name})") from None
        if part.unknown:
            _say(f"{kind.name}, {language}: {part.unknown} of {len(texts)} texts are nothing but the unknown token")
        parts[language] = _within(model, part)
        progress(f"tokenize {kind.name}", done, len(kind.texts))
    return [batches.Request(part, pooling) for pooling in kind.poolings for part in parts.values()]


def _make(
    engine: extract.Engine, folder: Path, made: dict[str, Any], requests: list[batches.Request], kind: Kind,
    layers: tuple[int, ...], special_tokens: str, batch_tokens: int, progress: Progress,
) -> store.Entry:  # fmt: skip
    import jax

    process, processes = jax.process_index(), jax.process_count()
    path = folder / store.digest({"layers": list(layers), "poolings": list(kind.poolings)})[:8]
    options: dict[str, Any] = {
        "causal": engine.config.causal, "special_tokens": special_tokens, "features": engine.config.width
    }  # fmt: skip
    plan = batches.forest(requests, **options)
    shape = extract.shape_for(engine, plan, layers, batch_tokens)
    cut = _cut(plan, shape, kind, engine.config.width)
    if process == 0:
        index = {
            f"{pooling} {language}": where
            for (pooling, language), where in zip(
                ((pooling, language) for pooling in kind.poolings for language in kind.texts), plan.where, strict=True
            )
        }
        store.begin(path, cut, index, extract.replicas(engine))
    _meet("begun")
    cut = store.read_plan(path)
    if cut["width"] != plan.width:
        plan = batches.forest(requests, width=cut["width"], **options)
    shape = shape._replace(rows=cut["rows"], width=plan.width, picks=plan.picks)
    missing = sorted(set(range(cut["chunks"])) - set(store.committed(path, cut["chunks"])))
    _meet("counted")
    _fill(engine, plan, shape, path, missing[process::processes], cut["chunk_batches"], progress, kind.name)
    _meet("filled")
    said = counts(plan, shape)
    if process == 0:
        _say(
            f"{kind.name}: {said.texts} texts, {said.tokens_given} tokens given, {said.tokens_computed} computed, "
            f"{100 * said.padding:.1f} % of {said.slots} slots unused"
        )
        store.finish(path, {**made, **said._asdict(), "devices": str(engine.mesh.devices.flat[0].device_kind)})
    _meet("finished")
    entry = store.find(path)
    if entry is None:
        raise InputError(f"Expected the finished vectors in {path}, got damaged ones. Check the disk of --workdir.")
    return entry


def _cut(plan: batches.Forest, shape: extract.Shape, kind: Kind, features: int) -> dict[str, Any]:
    """How the work is cut into chunks: the smallest unit that is committed."""
    total = extract.batch_count(plan, shape)
    batch_bytes = math.ceil(len(plan.pick_text) / total) * len(shape.layers) * features * 4
    each = max(1, min(CHUNK_BATCHES, CHUNK_BYTES // batch_bytes))
    return {
        "format": store.FORMAT, "texts": len(plan.offsets) - 1, "vectors": len(plan.pick_text), "width": plan.width,
        "rows": shape.rows, "layers": list(shape.layers), "poolings": list(kind.poolings), "features": features,
        "chunk_batches": each, "chunks": math.ceil(total / each),
    }  # fmt: skip


def _fill(
    engine: extract.Engine, plan: batches.Forest, shape: extract.Shape, path: Path, chunks: Sequence[int], each: int,
    progress: Progress, name: str,
) -> None:  # fmt: skip
    """Computes and commits the chunks; a thread writes one while the next is computed."""
    import jax

    total, process = extract.batch_count(plan, shape), jax.process_index()
    indices = [i for chunk in chunks for i in range(chunk * each, min((chunk + 1) * each, total))]
    pending: list[np.ndarray] = []
    waiting: list[Future] = []
    with ThreadPoolExecutor(1) as thread:
        for done, (index, found) in enumerate(extract.vectors(engine, plan, shape, indices), 1):
            pending.append(found)
            if index + 1 == total or (index + 1) % each == 0:
                chunk = np.concatenate(pending, axis=1)
                waiting.append(thread.submit(store.write_chunk, path, index // each, shape.layers, chunk, process))
                pending = []
                if len(waiting) > 1:  # at most two chunks in memory beside the one in the making
                    waiting.pop(0).result()
            progress(f"embed {name}", done, len(indices))
        for future in waiting:
            future.result()


def _meet(what: str) -> None:
    """Waits until every process of the run is here."""
    import jax

    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(f"embed {what}")


def _say(text: str) -> None:
    print(f"embed: {text}", file=sys.stderr, flush=True)


class StderrProgress:
    """Progress on stderr: a line every few seconds, with the time left."""

    def __init__(self, every_seconds: float = 5.0):
        self._every, self._what = every_seconds, ""
        self._start = self._last = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._start, self._last = what, now, now
        if now - self._last >= self._every and done:
            self._last = now
            left = (now - self._start) * (total - done) / done
            _say(f"{what}: {done}/{total}, about {math.ceil(left)} s left")
