"""Does the time to embed N texts grow linearly, and does the memory not? One process per size, a tiny model.

    python benchmarks/embed_scale.py --sizes=25000,50000,100000,200000

Distinct made-up words go through tokenizer, forest, model and store (all layers). Prints one line per size with the
seconds, the peak of the resident memory, and that peak above what the process held before it made the texts.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def resident():
    """The peak of this process's resident memory, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(size):
    """Measures `size` texts in this process."""
    import numpy as np

    from jaxalign import models
    from jaxalign.embeddings import embed
    from jaxalign.types import Concepts
    from tests import tiny

    with tempfile.TemporaryDirectory() as folder:
        model = models.load_model(tiny.write_model(Path(folder) / "model"), weights="random")
        embed.embed(model, ["warm"], "last", "all")
        before = resident()
        letters = np.random.default_rng(0).integers(97, 123, (size // 2, 8), np.uint8)
        words = tuple(bytes(row).decode() for row in letters)
        concepts = Concepts(
            tuple(map(str, range(len(words)))), ("other",) * len(words), {"en": words, "fr": words[::-1]}, ()
        )
        start, worked = time.perf_counter(), time.process_time()
        spaces = embed.spaces(model, concepts, embed.SpaceOptions(layers="all"), store_root=Path(folder) / "store")
        seconds, worked = time.perf_counter() - start, time.process_time() - worked
        spaces[0].vectors["en"].sum()
        stored = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 2**20
    return {
        "texts": size, "seconds": round(seconds, 2), "texts_per_second": round(size / seconds),
        "processor_seconds": round(worked, 2), "processor_us_per_text": round(1e6 * worked / size),
        "peak_mib": round(resident()), "peak_above_start_mib": round(resident() - before), "stored_mib": round(stored),
    }  # fmt: skip


def main():
    """Reads the flags and starts one process per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="25000,50000,100000,200000")
    parser.add_argument("--one", type=int, default=0, help="measure only this size, in this process")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one)))
        return
    for size in args.sizes.split(","):
        subprocess.run([sys.executable, __file__, f"--one={size}"], check=True)


if __name__ == "__main__":
    main()
