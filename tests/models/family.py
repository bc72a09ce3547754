"""Checks that every family takes: all layers against torch, and a text alone against the same text in company."""

import jax
import numpy as np

from jaxalign import models
from tests.models.parity import LENGTHS, assert_parity, check_family, our_states, pack, texts, torch_states, write

# Sizes of a tiny decoder, and options that several families have.
SMALL = dict(
    vocab_size=97, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, max_position_embeddings=1024, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)  # fmt: skip
ODD = dict(hidden_size=60, num_attention_heads=5, num_key_value_heads=5)
YARN = dict(rope_type="yarn", rope_theta=1e4, factor=4.0, original_max_position_embeddings=128)
PLAIN = dict(rope_type="default", rope_theta=500.0)
LOCAL, FULL = "sliding_attention", "full_attention"
# Sizes of a tiny encoder-decoder.
MT5 = dict(
    vocab_size=97, d_model=48, d_kv=7, d_ff=80, num_layers=3, num_heads=5, num_decoder_layers=2,
    decoder_start_token_id=2,
)  # fmt: skip
# Sizes of a tiny encoder.
ENCODER = dict(
    vocab_size=97, hidden_size=60, num_hidden_layers=3, num_attention_heads=5, intermediate_size=100,
    max_position_embeddings=512,
)  # fmt: skip


def check_decoder(folder, kind, options, auto="AutoModelForCausalLM", *, half):
    """Every layer of a tiny model of the config class `kind`, float32 and, if `half`, bfloat16."""
    check_family(folder, kind(**(SMALL | options)), auto, half=half)


def check_encoder(folder, config, auto):
    """As `check_both`, with what every encoder has: no causality, 512 tokens, the mean as its pooling."""
    model, _ = check_both(folder, config, auto, encoder=auto == "AutoModelForSeq2SeqLM")
    assert not model.causal and model.max_length == 512 and model.default_pooling == "mean" and not model.warnings
    return model


def check_padding_inside(folder, config, auto):
    """Positions of [0, 5, 1, 7, 9, 2] with padding 1 are 2, 3, 1, 4, 5, 6 in the reference."""
    theirs = write(folder, config, auto)
    token_lists = [[0, 5, 1, 7, 9, 2], [0, 1, 1, 8, 1, 2], [0, 5, 7, 9, 2]]
    expected = torch_states(theirs.get_encoder() if auto == "AutoModelForSeq2SeqLM" else theirs, token_lists)
    model = models.load_model(folder)
    assert_parity(our_states(model, token_lists), expected)
    assert_parity(models.hidden_states(model, token_lists), expected)


def assert_cosine(ours, theirs, bound=0.999):
    """Cosine of each token at each layer above `bound`."""
    for mine, other in zip(ours, theirs, strict=True):
        cosine = (mine * other).sum(-1) / (np.linalg.norm(mine, axis=-1) * np.linalg.norm(other, axis=-1))
        assert cosine.min() > bound


def check_both(folder, config, auto, lengths=LENGTHS, encoder=False, **load):
    """Writes a random checkpoint; holds float32 and bfloat16 to torch's float32 at all lengths and layers.

    bfloat16 is not held to torch's bfloat16: there BLOOM's bias, up to 512 times a slope, is itself rounded to 8
    bits, and torch's vectors are at 0.96 to their own in float32 (0.9999 here). Returns our model and torch's.
    """
    theirs = write(folder, config, auto)
    token_lists = texts(config.vocab_size, lengths)
    expected = torch_states(theirs.get_encoder() if encoder else theirs, token_lists)
    model = models.load_model(folder, **load)
    assert_parity(our_states(model, token_lists), expected)
    assert_cosine(our_states(models.load_model(folder, dtype="bfloat16"), token_lists), expected)
    return model, theirs


def check_alone(model):
    """A text's vectors are the same alone, beside other texts, and in a wider row, to 1e-6 of their length.

    The batches have the same number of slots, as those of a run have: for few slots a CPU's library adds in another
    order (1.06e-6 between 32 and 64 slots, 5e-7 between rows of 32 and 64 in batches of 64; mT5, Xeon with AMX).
    """
    token_lists = texts(model.config.vocab, (7, 3, 21))
    together = our_states_in(model, token_lists, 64)[0]
    for slots, other_rows in ((64, []), (32, texts(model.config.vocab, (30,)))):
        alone = our_states_in(model, [token_lists[0], *other_rows], slots)[0]
        off = np.linalg.norm(alone - together, axis=-1) / np.linalg.norm(alone, axis=-1)
        assert off.max() < 1e-6


def our_states_in(model, token_lists, slots):
    batch, spans = pack(token_lists, causal=model.causal, slots=slots)
    layers = tuple(range(model.num_layers + 1))
    out = np.asarray(jax.jit(models.states, static_argnums=(0, 3))(model.config, model.params, batch, layers))
    return [out[:, row, start : start + length] for row, start, length in spans]
