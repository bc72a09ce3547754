"""A loaded model: the Flax module with its tokenizer and its origin; hidden states of rows of token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh

from jaxalign.models.checkpoint.sentence import SentenceModules
from jaxalign.models.checkpoint.tokenizer import kept_tokenizer
from jaxalign.models.config import Config
from jaxalign.models.parameters import Params, merge, random_params
from jaxalign.models.transformer import Transformer
from jaxalign.types import InputError

BATCH_TOKENS = 1024  # of one call of the model in `hidden_states`


@dataclass(frozen=True)
class Source:
    """Where a model comes from; static under `jax.jit`."""

    name: str  # as given: hub id, folder or "demo"
    folder: Path  # of the tokenizer; a GGUF file holds its own
    digest: str  # SHA-256 of config.json and of the tensors read
    revision: str | None  # resolved commit of a hub id
    mesh: Mesh | None  # None: whole parameters on the default device
    sentence: SentenceModules = SentenceModules()
    checkpoint_dtype: str = "unknown"  # of the weights in the checkpoint, as config.json names it
    warnings: tuple[str, ...] = ()  # what the reader of results must know about the checkpoint


class Model(Transformer):
    """A Transformer with the tokenizer and the origin of its checkpoint.

    model = load_model("PATH-or-hub-id")
    model(tokens)                       # states of all layers, see Transformer
    nnx.state(model), nnx.display(model), jax.jit(...)(model), jax.grad(...)(model)    # as any Flax module
    """

    def __init__(self, transformer: Transformer, source: Source):
        self.config = transformer.config
        self.embed = transformer.embed
        self.blocks = transformer.blocks
        self.norm = transformer.norm
        self.buckets = transformer.buckets
        self.relative = transformer.relative
        self.decoder = transformer.decoder
        self.source = source

    @property
    def tokenizer(self) -> Any:
        """The tokenizer in the model's own folder, read at first use."""
        return kept_tokenizer(self.source.folder)

    @property
    def params(self) -> Params:
        """The parameters as nested dictionaries of arrays, which the module shares."""
        return nnx.to_pure_dict(nnx.state(self))

    @property
    def name(self) -> str:
        """What the model was loaded as: hub id, folder or "demo"."""
        return self.source.name

    @property
    def folder(self) -> Path:
        """The folder of config.json and the tokenizer."""
        return self.source.folder

    @property
    def digest(self) -> str:
        """SHA-256 of config.json and of the tensors read."""
        return self.source.digest

    @property
    def revision(self) -> str | None:
        """The commit that a hub id was resolved to; None for a folder."""
        return self.source.revision

    @property
    def mesh(self) -> Mesh | None:
        """The devices that share the parameters; None where one device holds them all."""
        return self.source.mesh

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the loader noticed, in sentences."""
        return self.source.warnings

    @property
    def family(self) -> str:
        """The family that read config.json, such as "llama"."""
        return self.config.family

    @property
    def causal(self) -> bool:
        """Whether a token sees only those before it."""
        return self.config.causal

    @property
    def num_layers(self) -> int:
        """Number of blocks; states have one layer more, the embeddings."""
        return self.config.num_layers

    @property
    def width(self) -> int:
        """Features of a hidden state."""
        return self.config.width

    @property
    def dtype(self) -> str:
        """The dtype of weights and activations."""
        return self.config.dtype

    @property
    def max_length(self) -> int:
        """The longest text in tokens."""
        return self.config.max_length

    @property
    def default_pooling(self) -> str:
        """How token states become one vector, first, mean or last: as the folder's modules say, otherwise by family.

        Raises InputError if the folder makes its vectors in a way that no pooling of ours gives.
        """
        return self.source.sentence.pooling_of(self.name, self.config.default_pooling)

    @property
    def prompts(self) -> dict[str, str]:
        """The prompts that the folder offers, such as {"query": "query: "}: each is put before a text."""
        return dict(self.source.sentence.prompts)

    @property
    def model_parallel(self) -> int:
        """Devices that share one copy of the parameters."""
        return 1 if self.mesh is None else self.mesh.shape["model"]


def random_model(config: Config, seed: int, name: str) -> Model:
    """Returns a model without a folder, its parameters drawn from `seed`: for measurements of a published shape."""
    source = Source(name, Path(name), f"random-{seed}", None, None)
    return Model(merge(config, random_params(config, seed)), source)


def hidden_states(model: Model, rows: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Returns for each row of token ids its states, (layer + 1, token, feature) float32, layers as in transformers.

    Rows of similar length are computed together; a row's states do not depend on the other rows. Raises InputError for
    an empty row, a row longer than the model's positions, and a token id that the model does not have.
    """
    for index, row in enumerate(rows):
        if not 0 < len(row) <= model.max_length:
            raise InputError(f"Expected 1 to {model.max_length} tokens in each row, got {len(row)} in row {index}.")
        if min(row) < 0 or max(row) >= model.config.vocab:
            wrong = min(row) if min(row) < 0 else max(row)
            raise InputError(f"Expected token ids of 0 to {model.config.vocab - 1}, got {wrong} in row {index}.")
    lengths = np.array([-(-len(row) // 16) * 16 for row in rows], np.int64)
    graph, weights = nnx.split(model)
    states: dict[int, np.ndarray] = {}
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        size = min(max(1, BATCH_TOKENS // int(length)), len(same))
        for first in range(0, len(same), size):
            numbers = same[first : first + size]
            tokens, mask = np.zeros((size, length), np.int32), np.zeros((size, length), bool)
            for place, number in enumerate(numbers):
                tokens[place, : len(rows[number])] = rows[number]
                mask[place, : len(rows[number])] = True
            batch = np.asarray(_states(graph, weights, tokens, mask))
            states |= {number: batch[:, place, : len(rows[number])] for place, number in enumerate(numbers)}
    return [states[number] for number in range(len(rows))]


@jax.jit(static_argnums=0)
def _states(graph: Any, weights: Any, tokens: jax.Array, mask: jax.Array) -> jax.Array:
    return nnx.merge(graph, weights)(tokens, mask=mask)
