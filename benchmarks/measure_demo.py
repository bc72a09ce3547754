"""Measures the demo checkpoint with the project's own engine: the table of jaxalign/data/demo/README.md.

    python benchmarks/measure_demo.py [FOLDER]

The map is fitted on the concepts of the training dictionary (`split.json`) and evaluated on the held-out ones, among
all concepts. `random` is the same architecture and tokenizer untrained.
"""

import json
import sys
from itertools import combinations, permutations
from pathlib import Path

import numpy as np

from jaxalign import models
from jaxalign.concepts import covariates, dataset
from jaxalign.embeddings import embed, prompts
from jaxalign.evaluation import pairs as pairs_module
from jaxalign.types import Concepts

LANGUAGES = ("en", "fr", "ro", "eu", "fi", "ja", "th")
SETTINGS = ("before", "after", "null")


def spaces(model: models.Model, found: Concepts, embedding: str) -> dict[str, np.ndarray]:
    """Last-layer, last-token vectors of every concept, of the bare word or of the paper's prompt."""
    paper, vectors = prompts.load()["paper"], {}
    for code, words in found.words.items():
        texts = prompts.fill(paper, words, code) if embedding == "prompt" else list(words)
        vectors[code] = embed.embed(model, texts, pooling="last", layers="last")[0]
    return vectors


def hits(folder: Path, weights: str, embedding: str, found: Concepts) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """{setting: (source, target, query)}, whether the right answer has rank 1; rows of the held-out concepts."""
    split = json.loads((folder / "split.json").read_text(encoding="utf-8"))
    row = {name: i for i, name in enumerate(found.ids)}
    seed, test = (np.array([row[name] for name in split[part]]) for part in ("seed", "test"))
    vectors = spaces(models.load_model(folder, weights=weights), found, embedding)
    ranks = pairs_module.rank(vectors, seed=seed, test=test, settings=SETTINGS)
    return {setting: table == 1 for setting, table in ranks.items()}, test


def means(hit: np.ndarray, test: np.ndarray, found: Concepts) -> list[float]:
    """Mean P@1 in percent over pairs: all, other form than the source, abstract, physical; then the lowest pair."""
    kinds = np.array(found.kinds)[test]
    words = np.array([found.words[code] for code in LANGUAGES])[:, test]
    pairs = list(permutations(range(len(LANGUAGES)), 2))
    parts = [
        [hit[i, j].mean() for i, j in pairs],
        [hit[i, j][words[i] != words[j]].mean() for i, j in pairs],
        [hit[i, j][kinds == "abstract"].mean() for i, j in pairs],
        [hit[i, j][kinds == "physical"].mean() for i, j in pairs],
    ]
    return [100 * float(np.mean(part)) for part in parts] + [100 * float(min(parts[0]))]


def main() -> None:
    """Prints the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else models.demo_path()
    found = dataset.load("builtin", LANGUAGES)
    print("| weights | embedding | setting | P@1, % | other form | abstract | physical | lowest pair |")
    print("|---|---|---|---|---|---|---|---|")
    for weights in ("pretrained", "random"):
        for embedding in ("vanilla", "prompt"):
            table, test = hits(folder, weights, embedding, found)
            for setting, hit in table.items():
                figures = " | ".join(f"{value:.1f}" for value in means(hit, test, found))
                print(f"| {weights} | {embedding} | {setting} | {figures} |", flush=True)
    share = {
        (a, b): float(covariates.form_overlap(found.words[a], found.words[b]).exact.mean())
        for a, b in combinations(found.words, 2)
    }
    print(
        f"held out {len(test)} of {len(found.ids)}; identical forms: mean {np.mean(list(share.values())):.3f}, "
        f"highest {max(share, key=lambda pair: share[pair])} {max(share.values()):.3f}"
    )


if __name__ == "__main__":
    main()
