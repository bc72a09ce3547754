"""Extraction with transformers on torch: the ways in which a user would write it, for comparison with jaxalign.

sorted    inference_mode, the texts in order of length, padded to the longest of the batch; the best batch size and the
          best attention (eager, sdpa) of those tried; output_hidden_states (all layers) or last_hidden_state (last)
usual     unsorted batches of 32, output_hidden_states, every hidden state kept in a list
sentence  the encode loop of sentence-transformers: longest first, batches of 32, mean of the last layer over the mask
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers

ATTENTIONS = ("sdpa", "eager")
UNSORTED = 32  # texts of a batch of the ways `usual` and `sentence`


class Way(NamedTuple):
    """How the torch side computes: its order of texts, batch size and attention."""

    order: str  # sorted, usual, sentence
    size: int = UNSORTED
    attention: str = "sdpa"


def load(folder: Path, dtype: str) -> Any:
    """The model without head in `dtype`, ready for inference."""
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = transformers.MT5EncoderModel if config.model_type == "mt5" else transformers.AutoModel
    return kind.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()


def save_random(config: Any, folder: Path, seed: int = 0) -> None:
    """A model with random weights in the shape of `config`, saved as safetensors unless the folder has one."""
    if (folder / "config.json").exists():
        return
    torch.manual_seed(seed)
    if config.model_type == "mt5":
        transformers.MT5EncoderModel(config).save_pretrained(folder)
    else:
        transformers.AutoModel.from_config(config).save_pretrained(folder)


class Extraction:
    """A list of token rows on the torch side: its batches, and the pooled vectors of one batch."""

    def __init__(self, peer: Any, rows: Sequence[Sequence[int]], pooling: str, pad: int = 0):
        self.peer, self.rows, self.pooling, self.pad = peer, rows, pooling, pad

    def attentions(self) -> list[str]:
        """The implementations of attention that the model has."""
        kept = []
        for name in ATTENTIONS:
            try:
                self.peer.set_attn_implementation(name)
            except ValueError:  # transformers has no sdpa for T5
                continue
            kept.append(name)
        return kept

    def batches(self, way: Way) -> list[np.ndarray]:
        """Indices of the texts of each batch; `usual` keeps the order, the other ways sort by length."""
        order = np.arange(len(self.rows))
        if way.order != "usual":
            order = np.argsort([-len(row) for row in self.rows], kind="stable")
        return [order[i : i + way.size] for i in range(0, len(order), way.size)]

    def call(self, indices: np.ndarray, all_layers: bool) -> tuple[Any, Any, Any]:
        """(hidden states, mask, lengths) of one batch."""
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

    def pooled(self, indices: np.ndarray, all_layers: bool) -> Any:
        """(layer, text, feature) of one batch, as float32."""
        states, mask, lengths = self.call(indices, all_layers)
        if self.pooling == "last":
            return torch.stack([state[torch.arange(len(lengths)), lengths - 1] for state in states]).float()
        share = (mask / lengths[:, None])[:, :, None].to(states[0].dtype)
        return torch.stack([(state * share).sum(1) for state in states]).float()

    def seconds(self, way: Way, all_layers: bool, texts: int, rng: np.random.Generator, clock: Any = None) -> float:
        """Seconds for the whole list, from a sample of about `texts` texts spread evenly over the lengths."""
        clock = clock or time.perf_counter
        self.peer.set_attn_implementation(way.attention)
        groups, count = self.batches(way), max(1, texts // way.size)
        places = np.linspace(0, len(groups) - 1, count, endpoint=False) + rng.random() * len(groups) / count
        chosen = np.unique(np.minimum(places.astype(int), len(groups) - 1))
        kept = []
        start = clock()
        for i in chosen:
            if way.order == "usual":
                kept.append(self.call(groups[i], True))
            else:
                kept.append(self.pooled(groups[i], all_layers).numpy())
        seconds = clock() - start
        padded = [len(group) * max(len(self.rows[i]) for i in group) for group in groups]
        return float(seconds / sum(padded[i] for i in chosen) * sum(padded))
