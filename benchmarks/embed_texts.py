"""What extraction is compared on: published shapes, and WordNet's words as bare words and in the paper's prompt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SHARED = Path(__file__).resolve().parents[2] / "shared"
LANGUAGES = ("en", "fr", "ro", "eu", "fi", "ja", "th")
VOCAB = 131072


class Texts(NamedTuple):
    """Token rows of one kind of text, and how they are pooled."""

    kind: str
    rows: Sequence[Sequence[int]]
    pooling: str
    pad: int


def shapes() -> dict[str, Any]:
    """(config of transformers, tokenizer) by name."""
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
        # Qwen3-30B-A3B with 2 of its 48 layers: 128 experts, of which a token takes 8.
        "qwen3-moe": (t.Qwen3MoeConfig(**plain, hidden_size=2048, moe_intermediate_size=768, num_hidden_layers=2,
                                       num_attention_heads=32, num_key_value_heads=4, head_dim=128, num_experts=128,
                                       num_experts_per_tok=8, norm_topk_prob=True), "bytes"),
        "mt5-base": (t.MT5Config(**plain, d_model=768, d_ff=2048, num_layers=12, num_heads=12, d_kv=64), "unigram-end"),
    }  # fmt: skip


def token_rows(kind: str, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts by a real tokenizer, with the family's special tokens."""
    if not (SHARED / "tokenizers").is_dir():
        from jaxalign.experiment.throughput.embed import pieces

        return [[1, *pieces(text, VOCAB)] for text in texts]
    if kind == "bytes":
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(SHARED / "tokenizers" / "whisper")
        rows: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return rows
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(SHARED / "tokenizers/multilingual_unigram_128k.model"))
    before, behind = {"unigram-bos": ([1], []), "unigram-both": ([0], [2]), "unigram-end": ([], [1])}[kind]
    return [before + row + behind for row in model.encode(list(texts))]


def texts_of(kind: str, words: dict[str, tuple[str, ...]], model: Any, tokenizer: str) -> Texts:
    """All concepts of all languages as bare words (`vanilla`) or in the paper's prompt (`prompt`)."""
    from jaxalign.embeddings import prompts, tokenize

    paper = prompts.load()[prompts.PAPER]
    texts = [word for column in words.values() for word in column]
    if kind == "prompt":
        texts = [text for lang, column in words.items() for text in prompts.fill(paper, column, lang)]
    pad = 0
    if tokenizer:
        rows = token_rows(tokenizer, texts)
    else:
        part = tokenize.tokenize(model.tokenizer, texts, max_length=model.max_length)
        rows = [row.tolist() for row in np.split(part.ids, part.offsets[1:-1])]
        pad = model.tokenizer.pad_token_id or 0
    return Texts(kind, rows, "last" if model.causal else "mean", pad)


def concept_words() -> dict[str, tuple[str, ...]]:
    """The words of WordNet's concepts by language, or of the built-in lexicon where WordNet is not installed."""
    from jaxalign.concepts import dataset
    from jaxalign.types import InputError

    try:
        return dataset.load("wordnet", LANGUAGES).words
    except InputError:
        return dataset.load("builtin", LANGUAGES).words
