"""Approximate search beside this engine's exact one: the recall of the nearest neighbour, and the time.

    python -m benchmarks.approximate --words=20000

usearch (HNSW graphs, Malkov and Yashunin 2018) does not compute what a rank needs: it gives some near neighbours, and
misses others. Its figures are no comparison of equals and stand here because the question is asked: seconds to build
the index and to ask for ten neighbours of every word, and the share of words whose nearest neighbour is found. For this
engine: seconds for the exact rank of every word's right answer by nearest neighbour, the whole similarity included.
"""

import argparse
import importlib.util
import time

import numpy as np


def main() -> None:
    """Reads the flags, measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=20000)
    parser.add_argument("--features", type=int, default=300)
    args = parser.parse_args()
    from jaxalign.experiment.throughput.work import planted
    from jaxalign.retrieval import vocabulary

    spaces = planted(args.words, args.features, 2, 0).values()
    source, target = (np.ascontiguousarray(space / np.linalg.norm(space, axis=1, keepdims=True)) for space in spaces)
    rows = np.arange(args.words)
    exact = lambda: vocabulary.ranks(source, target, rows, rows[:, None], retrieval="nn")  # noqa: E731
    exact()  # compiles
    start = time.perf_counter()
    ranked = exact()
    lines = ["| way | build s | search s | nearest neighbour found |", "|---|---|---|---|"]
    lines.append(f"| jaxalign, exact ranks | - | {time.perf_counter() - start:.2f} | 1 (exact) |")
    if importlib.util.find_spec("usearch") is None:
        lines.append("| usearch is not installed | | | |")
    else:
        from usearch.index import Index

        index = Index(ndim=args.features, metric="ip", dtype="f32")
        start = time.perf_counter()
        index.add(rows, target)
        built = time.perf_counter() - start
        start = time.perf_counter()
        keys = index.search(source, 10).keys
        searched = time.perf_counter() - start
        recall = float((keys == ranked.best[:, None]).any(1).mean())
        lines.append(f"| usearch (HNSW), ten neighbours | {built:.2f} | {searched:.2f} | {recall:.3f} |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
