"""Extraction against transformers on torch: the best script that a user would write, and the usual one.

    python benchmarks/embed_vs_peers.py --models=bloomz-560m,llama-1b,xlmr-base,mt5-base

Real WordNet concepts of all seven languages, as bare words and inside the paper's prompt, with real tokenizers
(../shared/tokenizers beside the project); models of real shape with random weights, made by transformers, saved as
safetensors and read by jaxalign, so that both compute the same function on the same token ids, in float32, with the
same number of threads. Embedding tables are cut to 131,072 rows: rows that no token uses cost nothing.

Equality comes first: pooled vectors of all layers on a sample of texts. Then each side cuts the *whole* list into
batches in its own way (the forest; sorted by length; in the given order), and a seeded sample of the batches is timed,
the sides in turn, several rounds. The seconds of the whole list are those of the sample, scaled by slots or by padded
tokens.

On a machine that does other work as well, compare by `--clock=cpu`: processor seconds of all threads of this process.
torch's threads then sleep, instead of spinning, while they wait.

peers   sorted    inference_mode, sdpa, unique order by length, padded to the batch's longest, output_hidden_states (all
                  layers) or last_hidden_state (last), best batch size of those tried
        usual     unsorted batches of 32 padded to the longest, output_hidden_states, every hidden state kept in a list
        sentence  sentence-transformers' encode loop: sorted by length in characters, longest first, batches of 32, mean
                  of the last layer over the mask (encoders)
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

SHARED = Path(__file__).resolve().parents[2] / "shared"
LANGUAGES = ("en", "fr", "ro", "eu", "fi", "ja", "th")
VOCAB = 131072


clock = time.perf_counter


def shapes():
    """Configs of transformers, by name."""
    import transformers as t

    plain = {"vocab_size": VOCAB}
    return {
        "tiny": (t.LlamaConfig(**plain, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                               num_attention_heads=4, num_key_value_heads=2), "unigram-bos"),
        "bloomz-560m": (t.BloomConfig(**plain, hidden_size=1024, n_layer=24, n_head=16), "bytes"),
        "llama-1b": (t.LlamaConfig(**plain, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16,
                                   num_attention_heads=32, num_key_value_heads=8, head_dim=64), "unigram-bos"),
        "xlmr-base": (t.XLMRobertaConfig(**plain, hidden_size=768, intermediate_size=3072, num_hidden_layers=12,
                                         num_attention_heads=12, max_position_embeddings=514, type_vocab_size=1,
                                         layer_norm_eps=1e-5), "unigram-both"),
        "mt5-base": (t.MT5Config(**plain, d_model=768, d_ff=2048, num_layers=12, num_heads=12, d_kv=64), "unigram-end"),
    }  # fmt: skip


def token_rows(kind, texts):
    """Token ids of texts by a real tokenizer, with the family's special tokens."""
    if kind == "bytes":
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(SHARED / "tokenizers" / "whisper")
        return tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(SHARED / "tokenizers/multilingual_unigram_128k.model"))
    before, behind = {"unigram-bos": ([1], []), "unigram-both": ([0], [2]), "unigram-end": ([], [1])}[kind]
    return [before + row + behind for row in model.encode(list(texts))]


def make_peer(config, folder, seed=0):
    """The torch model with random weights, saved where jaxalign reads it."""
    import torch
    import transformers

    torch.manual_seed(seed)
    kind = transformers.MT5EncoderModel if config.model_type == "mt5" else transformers.AutoModel
    if not (folder / "config.json").exists():
        (kind(config) if config.model_type == "mt5" else kind.from_config(config)).save_pretrained(folder)
    try:
        return kind.from_pretrained(folder, attn_implementation="sdpa").eval()
    except ValueError:  # transformers has no sdpa for T5
        return kind.from_pretrained(folder).eval()


class Torch:
    """A list of token rows on the torch side: its batches, and the pooled vectors of one batch."""

    def __init__(self, peer, rows, pooling, pad=0):
        self.peer, self.rows, self.pooling, self.pad = peer, rows, pooling, pad

    def batches(self, way, size):
        """Indices of the texts of each batch; `usual` keeps the order, the other ways sort by length."""
        order = np.arange(len(self.rows))
        if way != "usual":
            order = np.argsort([-len(row) for row in self.rows], kind="stable")
        return [order[i : i + size] for i in range(0, len(order), size)]

    def call(self, indices, all_layers):
        """(hidden states, mask, lengths) of one batch."""
        import torch

        rows = [self.rows[i] for i in indices]
        lengths = torch.tensor([len(row) for row in rows])
        ids = torch.full((len(rows), int(lengths.max())), self.pad)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
        mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
        with torch.inference_mode():
            out = self.peer(input_ids=ids, attention_mask=mask, output_hidden_states=all_layers)
            states = out.hidden_states if all_layers else (out.last_hidden_state,)
            return states, mask, lengths

    def pooled(self, indices, all_layers):
        """(layer, text, feature) of one batch."""
        import torch

        states, mask, lengths = self.call(indices, all_layers)
        if self.pooling == "last":
            return torch.stack([state[torch.arange(len(lengths)), lengths - 1] for state in states])
        share = (mask / lengths[:, None])[:, :, None]
        return torch.stack([(state * share).sum(1) for state in states])


def ours(model, rows, pooling, layers, batch_tokens, width):
    """Plan, shape and engine of the whole list."""
    from jaxalign.embeddings import extract, packing, tokenize

    engine = extract.engine(model)
    request = packing.Request(tokenize.from_rows(rows), pooling)
    plan = packing.forest([request], causal=model.causal, special_tokens="include", width=width, features=model.width)
    chosen = extract.parse_layers(model, layers)
    shape = extract.shape_for(engine, plan, chosen, batch_tokens)
    extract.program(engine, shape)
    return engine, plan, shape


def check_equal(model, torch_side, rows, pooling):
    """The largest distance of a pooled vector of any layer, as a part of its layer's mean length; at most 2e-5."""
    from jaxalign.embeddings import embed, packing, tokenize

    indices = np.random.default_rng(1).choice(len(rows), min(48, len(rows)), replace=False)
    request = packing.Request(tokenize.from_rows([rows[i] for i in indices]), pooling)
    found = embed.run(model, [request], "all", special_tokens="include")[0]
    want = torch_side.pooled(indices, True).numpy()
    length = np.linalg.norm(want, axis=-1).mean(-1, keepdims=True)
    worst = float((np.linalg.norm(found - want, axis=-1) / length).max())
    if worst > 2e-5:
        raise SystemExit(f"vectors differ by {worst:.1e}: no comparison")
    return worst


def sampled_ours(side, count, rng):
    """Seconds for the whole list, from a random sample of the batches."""
    from jaxalign.embeddings import extract

    engine, plan, shape = side
    total = extract.batch_count(plan, shape)
    chosen = sorted(rng.choice(total - 1 or 1, min(count, total), replace=False).tolist())
    start = clock()
    for _ in extract.vectors(engine, plan, shape, chosen):
        pass
    return (clock() - start) / len(chosen) * plan.rows / shape.rows


def sampled_torch(side, way, size, all_layers, count, rng):
    """Seconds for the whole list: a sample spread evenly over the lengths, from a random start."""
    groups = side.batches(way, size)
    chosen = np.unique(np.linspace(0, len(groups) - 1, count, endpoint=False) + rng.random() * len(groups) / count)
    chosen = np.unique(np.minimum(chosen.astype(int), len(groups) - 1))
    kept = []
    start = clock()
    for i in chosen:
        kept.append(side.call(groups[i], True) if way == "usual" else side.pooled(groups[i], all_layers).numpy())
    seconds = clock() - start
    padded = [len(group) * max(len(side.rows[i]) for i in group) for group in groups]
    return seconds / sum(padded[i] for i in chosen) * sum(padded)


def compare(name, kind, args, model, peer, rows, pooling):
    """Checks equality, then times all ways in turn and prints one line per way."""
    side = Torch(peer, rows, pooling)
    rng = np.random.default_rng(args.seed)
    worst = check_equal(model, side, rows, pooling)
    for layers in args.layers.split(","):
        everything = layers == "all"
        mine = ours(model, rows, pooling, layers, args.batch_tokens, args.width or None)
        sampled_ours(mine, 1, rng)
        sizes = [int(size) for size in args.sizes.split(",")]
        trial = {
            size: sampled_torch(side, "sorted", size, everything, max(1, args.texts // size), rng) for size in sizes
        }
        best = min(trial, key=trial.get)
        times = {"ours": [], "sorted": []}
        if everything:
            times["usual"] = []
        if not everything and not model.causal:
            times["sentence"] = []
        for _ in range(args.rounds):
            times["ours"].append(sampled_ours(mine, args.batches, rng))
            times["sorted"].append(sampled_torch(side, "sorted", best, everything, max(1, args.texts // best), rng))
            for way in ("usual", "sentence"):
                if way in times:
                    times[way].append(sampled_torch(side, way, 32, everything, max(1, args.texts // 32), rng))
        report(name, kind, layers, rows, mine, times, best, worst)


def report(name, kind, layers, rows, mine, times, best, worst):
    """Prints one JSON line per way: medians, and ratios with their lowest and highest round."""
    from jaxalign.embeddings import extract

    _, plan, shape = mine
    counts = extract.counts(plan, shape)
    for way, seconds in times.items():
        each = [len(rows) / second for second in seconds]
        ratio = [other / second for other, second in zip(seconds, times["ours"], strict=True)]
        row = {
            "model": name, "texts": kind, "layers": layers, "way": way, "texts_per_second": round(median(each), 1),
            "low": round(min(each), 1), "high": round(max(each), 1), "ours_is_times": round(median(ratio), 2),
            "ratio_low": round(min(ratio), 2), "ratio_high": round(max(ratio), 2),
            "clock": "cpu" if clock is time.process_time else "wall",
            "given_tokens_per_second": round(median(each) * counts.tokens_given / len(rows)),
        }  # fmt: skip
        if way == "ours":
            row |= {
                "computed": round(counts.tokens_computed / counts.tokens_given, 3),
                "width": plan.width,
                "rows": shape.rows,
                "padding": round(counts.padding, 3),
                "worst_difference": float(f"{worst:.1e}"),
            }
        if way == "sorted":
            row["batch"] = best
        print(json.dumps(row), flush=True)


def main():
    """Reads the flags and compares each model and kind of text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="bloomz-560m,llama-1b,xlmr-base,mt5-base")
    parser.add_argument("--kinds", default="prompt,vanilla")
    parser.add_argument("--layers", default="all,last")
    parser.add_argument("--sizes", default="32,64,128", help="batch sizes tried for the sorted peer")
    parser.add_argument("--texts", type=int, default=256, help="texts of a timed sample of the peer")
    parser.add_argument("--batches", type=int, default=2, help="batches of a timed sample of ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch_tokens", type=int, default=0)
    parser.add_argument("--width", type=int, default=0)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--keep", default="", help="folder that keeps the peers' weights from run to run")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.clock == "cpu":
        global clock
        clock = time.process_time
        os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "GOMP_SPINCOUNT": "0"}
    os.environ.setdefault("NLTK_DATA", str(SHARED / "nltk_data"))
    import torch

    from jaxalign import models
    from jaxalign.concepts import dataset
    from jaxalign.embeddings import prompts

    torch.set_num_threads(args.threads)
    words = dataset.load("wordnet", LANGUAGES).words
    paper = prompts.load()[prompts.PAPER]
    texts = {
        "vanilla": [word for column in words.values() for word in column],
        "prompt": [text for lang, column in words.items() for text in prompts.fill(paper, column, lang)],
    }
    for name in args.models.split(","):
        config, tokenizer = shapes()[name]
        with tempfile.TemporaryDirectory() as folder:
            place = Path(args.keep or folder) / name
            peer = make_peer(config, place)
            model = models.load(place)
        for kind in args.kinds.split(","):
            pooling = "last" if model.causal else "mean"
            compare(name, kind, args, model, peer, token_rows(tokenizer, texts[kind]), pooling)


if __name__ == "__main__":
    main()
