"""A tiny random model with its tokenizer in a folder, for tests of what stands above the models."""

import json
from pathlib import Path

WORDS = {
    "en": ("dog", "house", "dogma", "red wine", "a", "horse", "information", "house cat", "do", "tree"),
    "fr": ("chien", "maison", "dogme", "vin rouge", "un", "cheval", "information", "chat", "faire", "arbre"),
    "ja": ("犬", "家", "教義", "赤ワイン", "一", "馬", "情報", "家猫", "する", "木"),
}
LLAMA = {
    "model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 260, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip
MT5 = {
    "model_type": "mt5", "d_model": 32, "d_ff": 48, "d_kv": 8, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 4,
    "vocab_size": 260, "feed_forward_proj": "gated-gelu", "decoder_start_token_id": 0, "layer_norm_epsilon": 1e-6,
    "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128,
}  # fmt: skip


def write_tokenizer(folder: Path) -> None:
    """A byte-level tokenizer that puts <s> in front, as Llama's does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {"<s>": 0, "</s>": 1, "<unk>": 2, **{letter: 3 + i for i, letter in enumerate(alphabet)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", unk_token="<unk>").save_pretrained(folder)


def write_model(folder: Path, raw: dict | None = None) -> Path:
    """Folder of a random model: config.json and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(raw or LLAMA), encoding="utf-8")
    write_tokenizer(folder)
    return folder


def concepts(repeat: int = 1):
    """A small list of concepts in three languages; `repeat` makes longer ones."""
    from jaxalign.types import Concepts

    words = {
        lang: tuple(f"{word}{'x' * (i % 3)}{i or ''}" for i in range(repeat) for word in column)
        for lang, column in WORDS.items()
    }
    count = len(words["en"])
    return Concepts(tuple(f"c{i}" for i in range(count)), ("other",) * count, words, ())


def put_list(folder: Path, count: int = 20) -> Path:
    """Writes list.tsv with `count` concepts of that list."""
    known = concepts(repeat=max(1, count // 10))
    lines = ["id\tkind\t" + "\t".join(known.words)]
    for row, name in enumerate(known.ids[:count]):
        lines.append("\t".join([name, "abstract", *(words[row] for words in known.words.values())]))
    (folder / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "list.tsv"
