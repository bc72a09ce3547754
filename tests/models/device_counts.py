"""Prints how far vectors move with the devices: JSON lines of model, how it is spread, largest relative difference.

Run by test_sharding.py with 8 virtual devices: device_counts.py FOLDER
"""

import json
import pathlib
import sys

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxalign import models
from tests.models.parity import pack, texts

SIZES = {"llama": (1, 2, 4), "gemma3": (1, 4), "cohere": (1, 4), "qwen3_moe": (1, 4)}


def states(model, batch):
    run = jax.jit(models.states, static_argnums=(0, 3))
    return np.asarray(run(model.config, model.params, batch, tuple(range(model.num_layers + 1))))


def difference(found, reference):
    """Largest over the layers of |found - reference| / |reference|, Frobenius norms."""
    parts = [(a - b, b) for a, b in zip(found, reference, strict=True)]
    return max(float(np.linalg.norm(off) / np.linalg.norm(whole)) for off, whole in parts)


def main(folder):
    batch, _ = pack(texts(97, (1, 5, 9, 20, 14, 30, 31, 8) * 4), causal=True, slots=32)
    rows = jax.tree.map(lambda field: field[: len(batch.tokens) // 8 * 8], batch)
    everywhere = Mesh(np.array(jax.devices()), ("data",))
    for name, sizes in SIZES.items():
        model = models.load_model(folder / name)
        reference = states(model, rows)
        params = jax.device_put(model.params, NamedSharding(everywhere, PartitionSpec()))
        batch = jax.device_put(rows, NamedSharding(everywhere, PartitionSpec("data")))
        spread = jax.jit(models.states, static_argnums=(0, 3))(model.config, params, batch, (0, 1, 2, 3))
        print(json.dumps([name, "data", difference(np.asarray(spread), reference)]))
        for parallel in sizes[1:]:
            model = models.load_model(folder / name, model_parallel=parallel, cache_dir=folder / "cache")
            kernel = model.params["blocks"]["mlp"]["up"]["kernel"]
            assert model.model_parallel == parallel
            assert kernel.addressable_shards[0].data.shape[-1] * parallel == kernel.shape[-1]
            batch = jax.device_put(rows, NamedSharding(model.mesh, PartitionSpec("data")))
            print(json.dumps([name, parallel, difference(states(model, batch), reference)]))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
