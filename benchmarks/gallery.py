"""The gallery `results/`: four real multilingual models over concepts of WordNet, one run each, and one joined page.

    JAXALIGN_REAL_MODELS=FOLDER NLTK_DATA=... python benchmarks/gallery.py --out=results

FOLDER holds gemma-3-270m, multilingual-e5-small, qwen2.5-coder-0.5b and qwen2.5-coder-1.5b in Hugging Face format.
All runs have the same list of concepts (a seeded sample of WordNet's) and the same split, so they can be joined. Rows,
page, flags and environment of each run are copied; no weights, no vectors and no ranks. Then the paper's five claims
are judged over all of them (claims.md, claims.json). Finished spaces are kept in --workdir: a stopped gallery continues
with the same command.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from jaxalign import claim
from jaxalign.concepts import dataset

LAYERS = {
    "qwen2.5-coder-0.5b": "0,6,12,18,24",
    "multilingual-e5-small": "0,3,6,9,12",
    "qwen2.5-coder-1.5b": "0,7,14,21,28",
    "gemma-3-270m": "0,3,6,9,12,15,18",
}
# Prompts and sentences of the Qwen models take several times as long as all other runs together.
EMBEDDINGS = {"qwen2.5-coder-0.5b": "vanilla", "qwen2.5-coder-1.5b": "vanilla"}
KEPT = ("results.parquet", "report.html", "flags.txt", "environment.json", "split.json")


def write_concepts(path: Path, languages: tuple[str, ...], count: int, seed: int) -> None:
    """Writes a seeded sample of the WordNet concepts that have a word in every language, as a table."""
    found = dataset.load("wordnet", languages)
    if len(found.ids) < count:
        sys.exit(
            f"Expected at least {count} concepts, got {len(found.ids)}. Lower --seed_size, --test_size or --languages."
        )
    chosen = np.sort(np.random.default_rng(seed).choice(len(found.ids), count, replace=False))
    rows = [("id", "kind", *languages)]
    rows += [(found.ids[i], found.kinds[i], *(found.words[code][i] for code in languages)) for i in chosen]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


def bench_flags(options: argparse.Namespace, name: str) -> list[str]:
    """The flags of one model's run; paths are relative to the working folder, so that they are the same everywhere."""
    return [
        f"--models=models/{name}",
        "--concepts=concepts.tsv",
        f"--languages={options.languages}",
        f"--seed_size={options.seed_size}",
        f"--test_size={options.test_size}",
        f"--embeddings={EMBEDDINGS.get(name, 'vanilla,prompt,context')}",
        f"--layers={LAYERS[name]}",
        "--settings=before,after,shrunken,ceiling,null,ceiling_null",
        "--design=star",
        "--retrieval=csls",
        "--dtype=bfloat16",
        f"--workdir=runs-{name}",
    ]


def newest_run(workdir: Path) -> Path:
    """The run folder that was made last."""
    return max(workdir.glob("run-*"), key=lambda folder: folder.name)


def judge_claims(runs: list[str], out: Path, draws: int = 1999) -> None:
    """Writes claims.md and claims.json: the paper's claims on all runs together, and on each model and embedding."""
    files = (f"--markdown={out / 'claims.md'}", f"--out={out / 'claims.json'}")
    if claim.main(["paper", *runs, "--each", f"--draws={draws}", *files]):
        sys.exit("The claims were not judged: see the message above.")


def main() -> None:
    """Runs every model that is chosen, copies what is small, joins the runs, judges the claims."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--workdir", type=Path, default=Path("runs/gallery"))
    parser.add_argument("--names", default=",".join(LAYERS))
    parser.add_argument("--languages", default="en,fr,ro,eu,fi,ja,th")
    parser.add_argument("--seed_size", type=int, default=800)
    parser.add_argument("--test_size", type=int, default=400)
    options = parser.parse_args()
    root = os.environ.get("JAXALIGN_REAL_MODELS")
    if not root:
        parser.error(
            "Expected the environment variable JAXALIGN_REAL_MODELS, got nothing. Set it to the models' folder."
        )
    names = options.names.split(",")
    wrong = [name for name in names if name not in LAYERS or not (Path(root) / name / "config.json").is_file()]
    if wrong:
        parser.error(f"Expected folders of {', '.join(LAYERS)} in {root}, got {', '.join(wrong)}. Change --names.")
    languages = tuple(options.languages.split(","))
    write_concepts(options.workdir / "concepts.tsv", languages, options.seed_size + options.test_size, seed=0)
    link = options.workdir / "models"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(root).resolve(), target_is_directory=True)
    for name in names:
        begun = time.perf_counter()
        command = [sys.executable, "-m", "jaxalign.bench", *bench_flags(options, name)]
        subprocess.run(command, check=True, cwd=options.workdir)
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        run, target = newest_run(options.workdir / f"runs-{name}"), options.out / name
        target.mkdir(parents=True, exist_ok=True)
        for file in KEPT:
            shutil.copyfile(run / file, target / file)
    runs = [str(newest_run(options.workdir / f"runs-{name}")) for name in names]
    if len(runs) > 1:
        subprocess.run([sys.executable, "-m", "jaxalign.report", *runs, f"--out={options.out / 'joined'}"], check=True)
    judge_claims(runs, options.out)


if __name__ == "__main__":
    main()
