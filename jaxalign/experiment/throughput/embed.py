"""Extraction only: texts and tokens per second, model FLOP/s and share of the measured product peak, of any model.

A model is a folder or hub id (`--weights=random` reads only its config.json) or one of the published shapes in
data/shapes.json, whose weights are drawn on the device: no checkpoint is needed. Texts are the built-in concepts as
bare words and inside the paper's prompt; where a shape has no tokenizer, pieces of three characters stand for tokens.

Counted work is 2 operations per parameter of the blocks for each token computed: no attention products, no unused
slots, and of the last block only the tokens that are pooled where each vector is one token's. The share of peak is
therefore a lower bound of what the device did.
"""

import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from jaxalign import models
from jaxalign.concepts import dataset
from jaxalign.embeddings import extract, packing, prompts, tokenize
from jaxalign.experiment.throughput import table
from jaxalign.flag_rules import layer_numbers
from jaxalign.runtime import clock as clock_module
from jaxalign.runtime import environment, peaks
from jaxalign.runtime.files import write_text

LANGUAGES = ("en", "fr", "ro", "eu", "fi", "ja", "th")


def run(config: Any, out: Path, clock: clock_module.Clock) -> list[dict[str, Any]]:
    """One row per model, embedding, pooling and layers of the run's config; written to `out`/embed.jsonl as well."""
    words = dataset.load("builtin", LANGUAGES).words
    rows = []
    peak = peaks.peak_product(config.dtype) * 1e9
    for name in config.models:
        with clock.phase("load"):
            model = load(name, config.dtype, config.weights, config.seed, config.model_parallel)
        for embedding in config.embeddings:
            with clock.phase("tokenize"):
                part = token_rows(model, words, embedding, config.texts)
            for pooling in config.pooling:
                pooled = model.default_pooling if pooling == "auto" else pooling
                with clock.phase("embed"):
                    row = measure(model, part, pooled, config.layers, config.batch_tokens, config.repeats, peak)
                rows.append(
                    {"schema": table.SCHEMA, "model": name, "embedding": embedding, "dtype": config.dtype, **row}
                )
    write_text(out / "embed.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return rows


def load(name: str, dtype: str, weights: str = "pretrained", seed: int = 0, model_parallel: int = 1) -> models.Model:
    """The model of a folder or hub id, or random weights in a published shape."""
    shapes = json.loads(resources.files("jaxalign").joinpath("data/shapes.json").read_text("utf-8"))
    if name not in shapes:
        return models.load_model(name, dtype=dtype, weights=weights, seed=seed, model_parallel=model_parallel)
    return models.random_model(models.read_config(shapes[name], dtype), seed, name)


def token_rows(model: models.Model, words: dict[str, tuple[str, ...]], embedding: str, count: int) -> tokenize.Tokens:
    """Tokens of `count` texts, all languages in turn."""
    template = prompts.load()[prompts.PAPER]
    columns = {
        lang: list(column) if embedding == "vanilla" else prompts.fill(template, column, lang)
        for lang, column in words.items()
    }
    texts = [text for row in zip(*columns.values(), strict=True) for text in row]
    texts = [f"{text}{i // len(texts) or ''}" for i, text in ((i, texts[i % len(texts)]) for i in range(count))]
    if (model.folder / "config.json").exists():
        return tokenize.tokenize(model.tokenizer, texts, max_length=model.max_length)
    return tokenize.from_rows([[1, *pieces(text, model.config.vocab)] for text in texts])


def pieces(text: str, vocab: int) -> list[int]:
    """Token ids of pieces of three characters, from 2 on: for shapes that have no tokenizer."""
    pieces = (text[i : i + 3].encode() for i in range(0, len(text), 3))
    return [2 + int.from_bytes(hashlib.blake2b(piece, digest_size=4).digest(), "big") % (vocab - 2) for piece in pieces]


def measure(
    model: models.Model, part: tokenize.Tokens, pooling: str, layers: Any, batch_tokens: int, repeats: int, peak: float
) -> dict[str, Any]:
    """Throughput of one forest: compilation counted separately, then the median of `repeats` whole runs."""
    engine = extract.engine(model)
    start = perf_counter()
    plan = extract.forest_for(engine, [packing.Request(part, pooling)], batch_tokens=batch_tokens)
    planned = perf_counter() - start
    chosen = extract.parse_layers(model, layer_numbers(layers, model.num_layers))
    start = perf_counter()
    shape = extract.shape_for(engine, plan, chosen, batch_tokens)
    program = extract.program(engine, shape)
    compiled = perf_counter() - start
    counts, total = extract.counts(plan, shape), extract.batch_count(plan, shape)
    _run(engine, plan, shape, range(1))
    seconds = [_run(engine, plan, shape, range(total)) for _ in range(repeats)]
    middle = median(seconds)
    flops = operations(model, plan, shape)
    memory = program.memory_analysis()
    return {
        "pooling": pooling, "layers": layers, **counts._asdict(), "padding": counts.padding, "width": plan.width,
        "batch_rows": shape.rows, "devices": engine.mesh.size, "plan_seconds": planned, "compile_seconds": compiled,
        "seconds": middle, "seconds_low": min(seconds), "seconds_high": max(seconds),
        "texts_per_second": counts.texts / middle, "tokens_given_per_second": counts.tokens_given / middle,
        "tokens_computed_per_second": counts.tokens_computed / middle, "gflops_per_second": flops / middle / 1e9,
        "peak_gflops_per_second": peak * engine.mesh.size / 1e9,
        "peak_share": flops / middle / (peak * engine.mesh.size),
        "program_bytes": memory.temp_size_in_bytes + memory.output_size_in_bytes if memory else None,
        **environment.peak_memory(),
    }  # fmt: skip


def _run(engine: extract.Engine, plan: packing.Forest, shape: extract.Shape, indices: Sequence[int]) -> float:
    start = perf_counter()
    for _ in extract.vectors(engine, plan, shape, indices):
        pass
    return perf_counter() - start


def operations(model: models.Model, plan: packing.Forest, shape: extract.Shape) -> float:
    """Operations of the linear layers at least: two per parameter and token computed.

    Where each vector is one token's, the last block is computed for these tokens alone; that its keys and values are
    computed for all is left out.
    """
    tokens, depth = extract.counts(plan, shape).tokens_computed, model.config.num_layers
    last = len(plan.vector_text) if shape.focused else tokens
    return 2 * models.active_parameters(model.config) * (tokens * (depth - 1) + last) / depth
