"""Trains the demo checkpoint, `--models=demo`, through the project's own Flax port.

    python benchmarks/train_demo.py --out=jaxalign/data/demo

A small Llama (grouped-query attention, tied embedding) on the text of `demo_corpus.py`, seeded, minutes on two cores.
Writes config.json, model.safetensors (bfloat16), tokenizer.json, tokenizer_config.json and split.json. Checkpoints of
the training itself, for `docs/training_dynamics.md`:

    python benchmarks/train_demo.py --out=FOLDER/final --checkpoints=FOLDER --checkpoint_steps=0,50,100,300,900
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
from demo_corpus import FOLLOWERS, GRAPH, LEXICON, Lexicon, Row, Sampler, frames, hold_out, read_graph, read_lexicon
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from jaxalign.models import random_params, read_config, states
from jaxalign.models.families import llama
from jaxalign.models.parameters import flatten
from jaxalign.types import Batch

SPECIAL = ["<unk>", "<s>", "</s>"]
ROWS, SLOTS = 32, 64
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 96,
    "intermediate_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "hidden_act": "silu",
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "torch_dtype": "bfloat16",
}


def make_tokenizer(lexicon: Lexicon) -> Tokenizer:
    """A unigram tokenizer: words of the lexicon and of the prompts are whole, others become characters or bytes.

    Spaces and punctuation separate words and are not part of a piece, so that a word is the same bare and in quotes.
    There is never an <unk>.
    """
    splitter = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")])
    texts = [normalizers.NFC().normalize_str(text) for text in (*sum(lexicon.words, []), "=", *frames())]
    words = sorted({piece for text in texts for piece, _ in splitter.pre_tokenize_str(text)})
    letters = sorted({letter for word in words for letter in word} - set(words))
    pieces = [(piece, 0.0) for piece in SPECIAL] + [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    pieces += [(word, -5.0) for word in words] + [(letter, -10.0) for letter in letters]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFC(), splitter
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.decoder = decoders.ByteFallback()
    return tokenizer


def draw(sampler: Sampler) -> Row:
    """One text: 45 % walks, 20 % dictionary pairs, 20 % prompts within one language, 15 % across two."""
    kind = sampler.generator.random()
    if kind < 0.45:
        return sampler.walk(4)
    return sampler.pair() if kind < 0.65 else sampler.prompt(kind < 0.8)


def make_batch(sampler: Sampler, spare: list[Row]) -> tuple[Batch, np.ndarray, np.ndarray]:
    """A batch of rows packed with texts, and for each slot the tokens that may follow, with their probabilities."""
    tokens, positions = (np.zeros((ROWS, SLOTS), np.int32) for _ in range(2))
    targets, weights = np.zeros((ROWS, SLOTS, FOLLOWERS), np.int32), np.zeros((ROWS, SLOTS, FOLLOWERS), np.float32)
    seen_from = np.tile(np.arange(SLOTS, dtype=np.int32), (ROWS, 1))
    seen_to = seen_from + 1
    for row in range(ROWS):
        start = 0
        while True:
            text = spare.pop() if spare else draw(sampler)
            stop = start + len(text.tokens)
            if stop > SLOTS:
                spare.append(text)
                break
            tokens[row, start:stop] = text.tokens
            for slot, (following, shares) in enumerate(text.targets, start):
                targets[row, slot, : len(following)], weights[row, slot, : len(shares)] = following, shares
            positions[row, start:stop] = np.arange(stop - start)
            seen_to[row, start:stop] = stop
            start = stop
    return Batch(tokens, positions, seen_from, seen_to, np.zeros((ROWS, 0, SLOTS), np.float32)), targets, weights


class Checkpoints(NamedTuple):
    """Which steps are saved, and how: `save(step, parameters)`."""

    steps: Collection[int]
    save: Callable[[int, dict], None]


def train(raw: dict, sampler: Sampler, steps: int, seed: int, rate: float, checkpoints: Checkpoints) -> dict:
    """Parameters after `steps` of AdamW on fresh batches; progress on stderr. Step 0 is before the first batch."""
    config = read_config(raw)
    params = random_params(config, seed)
    schedule = optax.warmup_cosine_decay_schedule(0.0, rate, min(100, steps // 10 + 1), steps, rate / 50)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, b2=0.98, weight_decay=0.05))
    state = optimiser.init(params)

    def loss(params: dict, batch: Batch, targets: jax.Array, weights: jax.Array) -> jax.Array:
        last = states(config, params, batch, (config.num_layers,))[0]
        logits = last @ params["embed"]["tokens"]["embedding"].T
        chosen = jnp.take_along_axis(logits, targets, axis=-1) - jax.nn.logsumexp(logits, axis=-1, keepdims=True)
        return -(chosen * weights).sum() / weights.sum()

    @jax.jit
    def step(params, state, batch, targets, weights):
        value, slope = jax.value_and_grad(loss)(params, batch, targets, weights)
        update, state = optimiser.update(slope, state, params)
        return optax.apply_updates(params, update), state, value

    spare: list[Row] = []
    begun = time.perf_counter()
    if 0 in checkpoints.steps:
        checkpoints.save(0, params)
    for number in range(1, steps + 1):
        params, state, value = step(params, state, *make_batch(sampler, spare))
        if number in checkpoints.steps:
            checkpoints.save(number, params)
        if number % 50 == 0 or number == steps:
            print(
                f"step {number}/{steps}  loss {float(value):.3f}  {time.perf_counter() - begun:.0f} s", file=sys.stderr
            )
    return params


def save(folder: Path, raw: dict, params: dict, tokenizer: Tokenizer, split: dict[str, list[str]]) -> None:
    """Writes the folder in Hugging Face format, weights rounded to bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    config, tensors = read_config(raw), {}
    leaves = flatten(params)
    for path, source in llama.table(config).items():
        leaf = np.asarray(leaves[path], np.float32)
        each = enumerate(leaf) if "{layer}" in source.key else [(0, leaf)]
        for layer, tensor in each:  # the file and the port differ by a transpose only
            rounded = (tensor if source.take is None else tensor.T).astype(ml_dtypes.bfloat16)
            tensors["model." + source.key.format(layer=layer)] = np.ascontiguousarray(rounded)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 2048, **special}
    for name, content in (("config.json", raw), ("tokenizer_config.json", settings), ("split.json", split)):
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def main() -> None:
    """Reads the flags, trains and saves the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lexicon", type=Path, default=LEXICON)
    parser.add_argument("--graph", type=Path, default=GRAPH)
    parser.add_argument("--checkpoints", type=Path, help="folder for checkpoints of the training: step25, step50, ...")
    parser.add_argument("--checkpoint_steps", default="0,25,50,100,150,200,300,450,650,900", help="steps to save there")
    options = parser.parse_args()
    saved = [int(number) for number in options.checkpoint_steps.split(",")] if options.checkpoints else []
    if not all(0 <= number <= options.steps for number in saved):
        parser.error(f"Expected --checkpoint_steps of 0 to {options.steps}, got {options.checkpoint_steps}.")
    lexicon = read_lexicon(options.lexicon)
    tokenizer, split = make_tokenizer(lexicon), hold_out(lexicon)
    graph = read_graph(lexicon.ids, options.graph)
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731
    sampler = Sampler(lexicon, graph, split["seed"], encode, options.seed)
    raw = CONFIG | {"vocab_size": tokenizer.get_vocab_size()}

    def save_step(number: int, params: dict) -> None:
        save(options.checkpoints / f"step{number}", raw, params, tokenizer, split)

    params = train(raw, sampler, options.steps, options.seed, options.rate, Checkpoints(saved, save_step))
    save(options.out, raw, params, tokenizer, split)


if __name__ == "__main__":
    main()
