"""Writes the golden files beside it: a tiny random checkpoint of each family and what transformers computes on it.

    python tests/models/golden/make.py        # needs torch; a few seconds

A file holds config.json, the tensors in float16 (random norms, biases and bias tables), two texts (9 and 512 tokens)
and transformers' float32 hidden states of every layer at chosen positions; an encoder-decoder's are of its encoder.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from tests.models.parity import randomise, texts, torch_states  # noqa: E402

POSITIONS = (0, 1, 2, 8, 100, 301, 510, 511)
VOCAB = 61
DECODER = dict(
    vocab_size=VOCAB, hidden_size=24, intermediate_size=20, num_hidden_layers=2, num_attention_heads=6,
    num_key_value_heads=2, max_position_embeddings=512, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)  # fmt: skip
TWO_BASES = dict(
    sliding_attention=dict(rope_type="default", rope_theta=100.0),
    full_attention=dict(rope_type="linear", factor=8.0, rope_theta=5000.0),
)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)  # fmt: skip
BOTH = ["sliding_attention", "full_attention"]
T5 = dict(vocab_size=VOCAB, d_model=24, d_kv=5, d_ff=20, num_layers=2, num_heads=3, num_decoder_layers=1,
          decoder_start_token_id=0)  # fmt: skip
ENCODER = dict(vocab_size=VOCAB, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=20)
TRANSLATION = dict(vocab_size=VOCAB, d_model=24, encoder_layers=2, decoder_layers=1, encoder_attention_heads=3,
                   decoder_attention_heads=3, encoder_ffn_dim=20, decoder_ffn_dim=8, max_position_embeddings=512,
                   pad_token_id=1)  # fmt: skip
CASES = {
    "llama": ("LlamaConfig", DECODER | dict(rope_parameters=LLAMA3)),
    "mistral": ("MistralConfig", DECODER | dict(sliding_window=20)),
    "qwen2": ("Qwen2Config", DECODER),
    "qwen3": ("Qwen3Config", DECODER | dict(head_dim=6)),
    "gemma": ("GemmaConfig", DECODER | dict(head_dim=6)),
    "gemma2": ("Gemma2Config", DECODER | dict(head_dim=6, query_pre_attn_scalar=9, sliding_window=40)),
    "gemma3": ("Gemma3TextConfig", DECODER | dict(head_dim=6, query_pre_attn_scalar=9, sliding_window=40,
               layer_types=BOTH, rope_parameters=TWO_BASES)),
    "cohere": ("CohereConfig", DECODER),
    "cohere2": ("Cohere2Config", DECODER | dict(sliding_window=40, layer_types=BOTH)),
    "bloom": ("BloomConfig", dict(vocab_size=VOCAB, hidden_size=24, n_layer=2, n_head=3)),
    "xglm": ("XGLMConfig", dict(vocab_size=VOCAB, d_model=24, ffn_dim=20, num_layers=2, attention_heads=3,
             max_position_embeddings=512)),
    "gpt2": ("GPT2Config", dict(vocab_size=VOCAB, n_embd=24, n_layer=2, n_head=3, n_positions=512)),
    "t5": ("T5Config", T5),
    "mt5": ("MT5Config", T5),
    "umt5": ("UMT5Config", T5),
    "ministral": ("MinistralConfig", DECODER | dict(head_dim=4, sliding_window=20, layer_types=BOTH)),
    "mixtral": ("MixtralConfig", DECODER | dict(num_local_experts=3, sliding_window=None)),
    "qwen3_moe": ("Qwen3MoeConfig", DECODER | dict(head_dim=6, num_experts=4, num_experts_per_tok=2,
                  moe_intermediate_size=8)),
    "eurobert": ("EuroBertConfig", DECODER | dict(mask_token_id=3)),
    "smollm3": ("SmolLM3Config", DECODER | dict(no_rope_layer_interval=2)),
    "granite": ("GraniteConfig", DECODER | dict(attention_multiplier=0.3, embedding_multiplier=3.0,
                residual_multiplier=0.7)),
    "phi3": ("Phi3Config", DECODER),
    "olmo2": ("Olmo2Config", DECODER),
    "olmo3": ("Olmo3Config", DECODER | dict(sliding_window=20, layer_types=BOTH)),
    "glm4": ("Glm4Config", DECODER | dict(head_dim=8)),
    "apertus": ("ApertusConfig", DECODER),
    "gpt_neox": ("GPTNeoXConfig", ENCODER | dict(max_position_embeddings=512)),
    "roberta": ("RobertaConfig", ENCODER | dict(max_position_embeddings=514, pad_token_id=1)),
    "xlm_r_xl": ("XLMRobertaXLConfig", ENCODER | dict(max_position_embeddings=514, pad_token_id=1)),
    "distilbert": ("DistilBertConfig", dict(vocab_size=VOCAB, dim=24, n_layers=2, n_heads=3, hidden_dim=20)),
    "deberta_v2": ("DebertaV2Config", ENCODER | dict(max_position_embeddings=512, relative_attention=True,
                   pos_att_type="c2p|p2c", position_buckets=32, share_att_key=True, norm_rel_ebd="layer_norm",
                   position_biased_input=False)),
    "modernbert": ("ModernBertConfig", ENCODER | dict(max_position_embeddings=512, local_attention=30, pad_token_id=0,
                   cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2)),
    "m2m_100": ("M2M100Config", TRANSLATION),
    "mbart": ("MBartConfig", TRANSLATION),
    "bert": ("BertConfig", ENCODER | dict(max_position_embeddings=512)),
    "xlm_r": ("XLMRobertaConfig", ENCODER | dict(max_position_embeddings=514, type_vocab_size=1)),
}  # fmt: skip


def make(name):
    kind, options = CASES[name]
    config = getattr(transformers, kind)(**options)
    pair = kind.endswith("T5Config") or kind in ("M2M100Config", "MBartConfig")
    auto = transformers.AutoModelForSeq2SeqLM if pair else transformers.AutoModel
    torch.manual_seed(0)
    model = randomise(auto.from_config(config, attn_implementation="eager"))
    with torch.no_grad():
        for value in model.parameters():
            value.copy_(value.half().float())
    token_lists = texts(VOCAB, (9, 512))
    states = torch_states(model.get_encoder() if pair else model, token_lists)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tensors = load_file(Path(folder) / "model.safetensors")
        raw = json.loads((Path(folder) / "config.json").read_text())
    found = {f"tensor:{key}": value.astype(np.float16) for key, value in tensors.items()}
    found |= {f"tokens:{text}": np.array(tokens, np.int16) for text, tokens in enumerate(token_lists)}
    for text, (tokens, state) in enumerate(zip(token_lists, states, strict=True)):
        found[f"states:{text}"] = state[:, [position for position in POSITIONS if position < len(tokens)]]
    rms = np.sqrt(np.mean(states[1].astype(np.float64) ** 2, axis=(1, 2)))
    np.savez_compressed(HERE / f"{name}.npz", config=json.dumps(raw), rms=rms, positions=np.array(POSITIONS), **found)


if __name__ == "__main__":
    for each in sys.argv[1:] or CASES:
        make(each)
