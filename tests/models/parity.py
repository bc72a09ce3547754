"""Tiny checkpoints written by transformers with random norms and biases, and batches to compute on."""

import jax
import numpy as np
import pytest

from jaxalign import models
from jaxalign.models import parameters
from jaxalign.models.checkpoint import keys
from jaxalign.models.families.registry import family_of
from jaxalign.types import Batch

LENGTHS = (1, 2, 9, 130, 512)


def texts(vocab, lengths=LENGTHS, seed=0):
    """Token lists of the given lengths; ids from 3 on, so that no padding or special id stands inside."""
    draw = np.random.default_rng(seed)
    return [draw.integers(3, vocab, size=length).tolist() for length in lengths]


def pack(token_lists, *, causal, slots=512, pooling="last", rows=None, shift=0):
    """Returns a batch of whole texts, several to a row from slot `shift` on, and each one's (row, slot, length)."""
    places, row, start = [], 0, shift
    for tokens in sorted(token_lists, key=len, reverse=True):
        if start + len(tokens) > slots:
            row, start = row + 1, shift
        places.append((row, start, tokens))
        start += len(tokens)
    order = {id(tokens): place for *place, tokens in places}
    rows = rows or row + 1
    ids, positions = np.zeros((rows, slots), np.int32), np.zeros((rows, slots), np.int32)
    seen_from = np.tile(np.arange(slots, dtype=np.int32), (rows, 1))
    seen_to = seen_from + 1
    spans = []
    for tokens in token_lists:
        (r, s), n = order[id(tokens)], len(tokens)
        ids[r, s : s + n], positions[r, s : s + n] = tokens, np.arange(n)
        seen_to[r, s : s + n] = s + n
        if not causal:
            seen_from[r, s : s + n] = s
        spans.append((r, s, n))
    pool = np.zeros((rows, len(token_lists), slots), np.float32)
    for number, (r, s, n) in enumerate(spans):
        if pooling == "mean":
            pool[r, number, s : s + n] = 1 / n
        else:
            pool[r, number, s + n - 1] = 1
    return Batch(ids, positions, seen_from, seen_to, pool), spans


def randomise(model, seed=0):
    """Norm weights, biases and bias tables get random values: the defaults (1 and 0) hide wiring errors."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.ndim == 1:
                offset = 0.0 if name.endswith("bias") else value.mean()
                value.copy_(offset + 0.3 * torch.randn(value.shape, generator=generator))
            else:
                scale = 1.0 if "embed" in name or "shared" in name or "bias" in name else value.shape[-1] ** -0.5
                value.copy_(scale * torch.randn(value.shape, generator=generator))
    return model.eval()


def write(folder, config, auto="AutoModelForCausalLM", **save):
    """Writes a random checkpoint of a transformers config; returns the torch model."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = randomise(getattr(transformers, auto).from_config(config, attn_implementation="eager"))
    model.save_pretrained(folder, **save)
    return model


def torch_states(model, token_lists):
    """Returns per text the (layer + 1, token, feature) hidden states of transformers."""
    import torch

    found = []
    with torch.no_grad():
        for tokens in token_lists:
            out = model(input_ids=torch.tensor([tokens]), output_hidden_states=True)
            found.append(np.stack([state[0].float().numpy() for state in out.hidden_states]))
    return found


def assert_parity(ours, theirs, bound=1e-5):
    """Max difference within `bound` of each layer's RMS, over all texts and tokens."""
    for layer in range(theirs[0].shape[0]):
        reference = np.concatenate([text[layer] for text in theirs])
        rms = np.sqrt(np.mean(reference.astype(np.float64) ** 2))
        worst = max(np.abs(a[layer] - b[layer]).max() for a, b in zip(ours, theirs, strict=True))
        assert worst <= bound * rms, f"layer {layer}: {worst / rms:.2e} of the RMS"


def our_states(model, token_lists):
    """Returns per text the (layer + 1, token, feature) states of our port, all texts packed into a few rows."""
    batch, spans = pack(token_lists, causal=model.causal)
    layers = tuple(range(model.num_layers + 1))
    out = np.asarray(jax.jit(models.states, static_argnums=(0, 3))(model.config, model.params, batch, layers))
    return [out[:, row, start : start + length] for row, start, length in spans]


def check_family(folder, config, auto="AutoModelForCausalLM", *, half=True):
    """Writes a random checkpoint and holds our port to transformers: every layer, float32 and, if `half`, bfloat16."""
    import torch

    theirs = write(folder, config, auto)
    token_lists = texts(config.vocab_size)
    model = models.load_model(folder)
    assert_parity(our_states(model, token_lists), torch_states(theirs, token_lists))
    if not half:
        return
    ours = our_states(models.load_model(folder, dtype="bfloat16"), token_lists[:-1])
    reference = torch_states(theirs.to(torch.bfloat16), token_lists[:-1])
    for mine, other in zip(ours, reference, strict=True):
        cosine = (mine * other).sum(-1) / (np.linalg.norm(mine, axis=-1) * np.linalg.norm(other, axis=-1))
        assert cosine.min() > 0.999


def random_tensors(raw, dtype=np.float32, seed=0):
    """Checkpoint tensors of a config.json, by our own table, without torch: where leaves are plain or transposed."""
    config, table = models.read_config(raw), family_of(raw).table(models.read_config(raw))
    leaves, draw = parameters.flatten(models.abstract(config)), np.random.default_rng(seed)
    found = {}
    for path, source in table.items():
        shape = leaves[path].shape[keys.stack_axes(path, source) :]
        for key in keys.layer_keys(source, config, path):
            values = draw.normal(size=shape[::-1] if source.take else shape)
            if path.endswith("kernel"):
                values = values / np.sqrt(shape[0])
            elif not path.endswith("embedding"):
                values = 0.3 * values + (1.0 if path.endswith("scale") else 0.0)
            found["model." + key] = values.astype(dtype)
    return found


def pooled(model, batch, **options):
    """Pooled vectors of a compiled call, as NumPy."""
    run = jax.jit(lambda params, batch: models.pooled(model.config, params, batch, **options))
    return np.asarray(run(model.params, batch))
