"""Extraction against transformers on torch: the best script that a user would write, and the usual one.

    python -m benchmarks.embed_vs_peers --models=bloomz-560m,llama-1b,xlmr-base,mt5-base
    python -m benchmarks.embed_vs_peers --models=FOLDER,FOLDER --dtypes=float32,bfloat16      # real checkpoints

Real WordNet concepts of all seven languages (where WordNet is not installed: the built-in lexicon), as bare words and
inside the paper's prompt. A model is the folder of a real checkpoint with its own tokenizer, or a published shape with
random weights, made by transformers, saved as safetensors and read by jaxalign, with a real tokenizer
(../shared/tokenizers beside the project; where there is none, pieces of three characters). The embedding tables of the
shapes are cut to 131,072 rows: rows that no token uses cost nothing. Both sides compute the same function on the same
token ids, in the same dtype, with the same number of threads.

Equality comes first: pooled vectors of all layers on a sample of texts, in float32; in bfloat16 our error against
torch's float32 must not exceed torch's own. Then each side cuts the *whole* list into batches in its own way, and a
seeded sample of the batches is timed, the sides in turn, several rounds. The seconds of the whole list are those of the
sample, scaled by slots or by padded tokens. The ways of the torch side: benchmarks/peers/transformers_torch.py.

`peak_allows` of a peer's row is the ratio that we would have to it if the linear layers took all of our time, at the
fastest measured product: no attention, no norm, no unused slot. No program that computes these tokens can reach more.
In our own row it is how many times as fast as now that would be.

On a machine that does other work as well, compare by `--clock=cpu`: processor seconds of all threads of this process.
torch's threads then sleep, instead of spinning, while they wait.
"""

import argparse
import json
import os
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from benchmarks.embed_texts import SHARED, Texts, concept_words, shapes, texts_of

WORST = 2e-5  # largest distance of a pooled vector in float32, as a part of its layer's mean length
# The first token's state is hundreds of times as long as the others' in some real models (massive activations), and a
# float32 sum of it is as far from float64 in torch as here: measured in tests/models/test_real_models.py.
WORST_REAL = 1e-4


class Ours(NamedTuple):
    """The engine, the packed batches and the shape of a batch."""

    engine: Any
    plan: Any
    shape: Any


def ours(model: Any, texts: Texts, layers: str, args: argparse.Namespace) -> Ours:
    """Plan, shape and engine of the whole list, compiled."""
    from jaxalign.embeddings import extract, packing, tokenize

    engine = extract.engine(model)
    request = packing.Request(tokenize.from_rows(texts.rows), texts.pooling)
    rows = packing.Rows(args.width) if args.width else None
    plan = extract.forest_for(engine, [request], special_tokens="include", batch_tokens=args.batch_tokens, rows=rows)
    shape = extract.shape_for(engine, plan, extract.parse_layers(model, layers), args.batch_tokens)
    extract.program(engine, shape)
    return Ours(engine, plan, shape)


def sampled(side: Ours, count: int, rng: np.random.Generator) -> float:
    """Seconds for the whole list, from a random sample of the batches."""
    from jaxalign.embeddings import extract

    total = extract.batch_count(side.plan, side.shape)
    chosen = sorted(rng.choice(total - 1 or 1, min(count, total), replace=False).tolist())
    start = clock()
    for _ in extract.vectors(side.engine, side.plan, side.shape, chosen):
        pass
    return (clock() - start) / len(chosen) * side.plan.rows / side.shape.rows


def distance(model: Any, peer: Any, texts: Texts, exact: Any = None) -> float:
    """The largest distance of a pooled vector of any layer from torch's, as a part of its layer's mean length.

    With `exact` (the peer in float32), for bfloat16: the root mean square error of ours over torch's, both against it.
    """
    from benchmarks.peers.transformers_torch import Extraction
    from jaxalign.embeddings import embed, packing, tokenize

    indices = np.random.default_rng(1).choice(len(texts.rows), min(48, len(texts.rows)), replace=False)
    request = packing.Request(tokenize.from_rows([texts.rows[i] for i in indices]), texts.pooling)
    vectors = embed.run(model, [request], "all", special_tokens="include")[0]
    theirs, best = (
        Extraction(side, texts.rows, texts.pooling, texts.pad).pooled(indices, True).numpy()
        for side in (peer, exact or peer)
    )
    length = np.linalg.norm(best, axis=-1).mean(-1, keepdims=True)
    error, error_theirs = (np.linalg.norm(side - best, axis=-1) / length for side in (vectors, theirs))
    if exact is None:
        return float(error.max())
    return float(np.sqrt((error**2).mean() / (error_theirs**2).mean()))


def compare(
    name: str, dtype: str, model: Any, peer: Any, texts: Texts, args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Times all ways in turn; one row per way, printed as JSON."""
    from benchmarks.peers.transformers_torch import Extraction, Way
    from jaxalign.experiment.throughput.embed import operations

    side, rng, rows = Extraction(peer, texts.rows, texts.pooling, texts.pad), np.random.default_rng(args.seed), []
    for layers in args.layers.split(","):
        everything = layers == "all"
        mine = ours(model, texts, layers, args)
        sampled(mine, 1, rng)
        tried = [Way("sorted", int(size), kind) for size in args.sizes.split(",") for kind in side.attentions()]
        trial = {way: side.seconds(way, everything, args.texts, rng, clock) for way in tried}
        best = min(trial, key=trial.__getitem__)
        ways = {"sorted": best}
        if args.usual and everything:
            ways["usual"] = best._replace(order="usual", size=32)
        if args.usual and not everything and not model.causal:
            ways["sentence"] = best._replace(order="sentence", size=32)
        times: dict[str, list[float]] = {"ours": [], **{way: [] for way in ways}}
        for _ in range(args.rounds):
            times["ours"].append(sampled(mine, args.batches, rng))
            for way, chosen in ways.items():
                times[way].append(side.seconds(chosen, everything, args.texts, rng, clock))
        common = {"model": name, "dtype": dtype, "texts": texts.kind, "layers": layers}
        threads = args.threads if clock is time.process_time else 1  # the clock then adds up the threads' seconds
        least = threads * operations(model, mine.plan, mine.shape) / peak(dtype)
        rows += report(common, len(texts.rows), mine, times, best, least)
    return rows


@lru_cache
def peak(dtype: str) -> float:
    """Operations per second of the fastest products of this dtype, our library's or torch's."""
    import torch

    from jaxalign.runtime import peaks

    best = peaks.peak_product(dtype) * 1e9
    for side in (1024, 1536, 2048):
        matrix = torch.randn(side, side).to(getattr(torch, dtype))
        for _ in range(10):
            start = time.perf_counter()
            matrix @ matrix
            best = max(best, 2 * side**3 / (time.perf_counter() - start))
    return best


def report(
    common: dict[str, Any], texts: int, mine: Ours, times: dict[str, list[float]], best: Any, least: float
) -> list[dict[str, Any]]:
    """One row per way, printed: medians, and ratios with their lowest and highest round.

    `least`: the seconds of our products alone at the measured peak.
    """
    from jaxalign.embeddings import extract

    counts = extract.counts(mine.plan, mine.shape)
    rows = []
    for way, seconds in times.items():
        each = [texts / second for second in seconds]
        ratio = [other / second for other, second in zip(seconds, times["ours"], strict=True)]
        row = common | {
            "way": way, "texts_per_second": round(median(each), 1),
            "low": round(min(each), 1), "high": round(max(each), 1), "ours_is_times": round(median(ratio), 2),
            "ratio_low": round(min(ratio), 2), "ratio_high": round(max(ratio), 2),
            "peak_allows": round(median(seconds) / least, 2),
            "clock": "cpu" if clock is time.process_time else "wall",
            "given_tokens_per_second": round(median(each) * counts.tokens_given / texts),
        }  # fmt: skip
        if way == "ours":
            row |= {
                "computed": round(counts.tokens_computed / counts.tokens_given, 3),
                "width": mine.plan.width,
                "rows": mine.shape.rows,
                "padding": round(counts.padding, 3),
            }
        else:
            row |= {"batch": best.size if way == "sorted" else 32, "attention": best.attention}
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def measure(
    name: str, args: argparse.Namespace, words: dict[str, tuple[str, ...]], place: Path
) -> list[dict[str, Any]]:
    """All kinds of text and dtypes of one model, the equality of its vectors first."""
    from benchmarks.peers import transformers_torch
    from jaxalign import models

    folder, tokenizer = Path(name), ""
    if not (folder / "config.json").exists():
        config, tokenizer = shapes()[name]
        folder = place / name
        transformers_torch.save_random(config, folder)
    rows = []
    exact = transformers_torch.load(folder, "float32")
    for dtype in args.dtypes.split(","):
        model = models.load_model(str(folder), dtype=dtype)
        peer = exact if dtype == "float32" else transformers_torch.load(folder, dtype)
        for kind in args.kinds.split(","):
            texts = texts_of(kind, words, model, tokenizer)
            if dtype == "float32":
                error, allowed = distance(model, peer, texts), WORST if tokenizer else WORST_REAL
            else:
                error, allowed = distance(model, peer, texts, exact), 1.1
            if not error <= allowed:
                raise SystemExit(f"{name}, {dtype}, {kind}: vectors differ ({error:.1e} > {allowed}): no comparison")
            rows += [
                row | {"error": float(f"{error:.1e}")} for row in compare(folder.name, dtype, model, peer, texts, args)
            ]
    return rows


clock = time.perf_counter


def parser() -> argparse.ArgumentParser:
    """The flags."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--models", default="bloomz-560m,llama-1b,xlmr-base,mt5-base")
    flags.add_argument("--dtypes", default="float32")
    flags.add_argument("--kinds", default="prompt,vanilla")
    flags.add_argument("--layers", default="all,last")
    flags.add_argument("--sizes", default="32,64,128", help="batch sizes tried for the sorted peer")
    flags.add_argument("--usual", type=int, default=1, help="1: also the usual script and sentence-transformers' loop")
    flags.add_argument("--texts", type=int, default=256, help="texts of a timed sample of the peer")
    flags.add_argument("--batches", type=int, default=2, help="batches of a timed sample of ours")
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--batch_tokens", type=int, default=0)
    flags.add_argument("--width", type=int, default=0)
    flags.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    flags.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    flags.add_argument("--keep", default="", help="folder that keeps the peers' weights from run to run")
    flags.add_argument("--out", default="", help="file that the rows are written to as well, one JSON object per line")
    flags.add_argument("--seed", type=int, default=0)
    return flags


def main() -> None:
    """Reads the flags and compares each model, dtype and kind of text."""
    args = parser().parse_args()
    if args.clock == "cpu":
        global clock
        clock = time.process_time
        os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "GOMP_SPINCOUNT": "0"}
    os.environ.setdefault("NLTK_DATA", str(SHARED / "nltk_data"))
    import torch

    torch.set_num_threads(args.threads)
    words = concept_words()
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in args.models.split(","):
            rows += measure(name, args, words, Path(args.keep or temporary))
            if args.out:
                Path(args.out).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


if __name__ == "__main__":
    main()
