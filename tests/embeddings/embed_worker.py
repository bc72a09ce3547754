"""Makes the spaces of the tiny model in a process of its own: `embed_worker.py MODEL STORE [ADDRESS COUNT ID]`."""

import sys

from tests import tiny

if __name__ == "__main__":
    model_folder, root, *hosts = sys.argv[1:]
    import jax

    if hosts:
        jax.distributed.initialize(hosts[0], int(hosts[1]), int(hosts[2]))
    from jaxalign import models
    from jaxalign.embeddings import embed, prompts

    embed.spaces(
        models.load_model(model_folder, weights="random", seed=3), tiny.concepts(12),
        embed.SpaceOptions(
            embeddings=("vanilla", "prompt"), poolings=("last", "mean"), templates={"paper": prompts.load()["paper"]},
            layers=[1, 3], batch_tokens=256,
        ), store_root=root,
    )  # fmt: skip
    print("devices", jax.device_count())
