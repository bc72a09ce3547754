"""The tables of the README for this machine, by one command.

    python -m benchmarks.all --quick                       # under 15 minutes on two cores
    python -m benchmarks.all --full                        # hours: all sizes, shapes and contenders

Needs `pip install '.[bench,parity]'`; a peer that is not installed is named and left out. JAXALIGN_REAL_MODELS, a list
of folders separated by colons, adds real checkpoints. The order: environment, whole runs, extraction against
transformers on torch, alignment against its peers, approximate search. Each part checks equality with its peers before
it measures, and is a process of its own, so that what one leaves behind does not slow the next. Losses are printed as
they are.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERS = {"torch_tuned": "torch", "faiss_flat": "faiss", "vecmap": "", "muse": "torch", "numpy_tuned": "",
         "torch_naive": "torch", "numpy_naive": "", "scipy_naive": "scipy", "sklearn_brute": "sklearn",
         "muse_faiss": "faiss"}  # fmt: skip
QUICK_PEERS = ("torch_tuned", "faiss_flat", "vecmap")


def installed(library: str) -> bool:
    """Whether a library can be imported."""
    return not library or importlib.util.find_spec(library) is not None


def real_models() -> list[str]:
    """The folders of JAXALIGN_REAL_MODELS that hold a checkpoint, or the checkpoints inside of them."""
    folders: list[str] = []
    for name in filter(None, os.environ.get("JAXALIGN_REAL_MODELS", "").split(":")):
        place = Path(name)
        inside = (
            [place] if (place / "config.json").exists() else sorted(path.parent for path in place.glob("*/config.json"))
        )
        folders += map(str, inside)
    return folders


def parts(full: bool, out: Path) -> dict[str, list[str]]:
    """The command of each part, by title."""
    from jaxalign.runtime.environment import has_bfloat16_instructions

    real, commands = real_models(), {}
    commands["Whole runs"] = ["benchmarks.whole_runs", f"--repeats={5 if full else 2}", f"--out={out}/whole_runs.jsonl"]
    if real:
        commands["Whole runs"].append(f"--real={','.join(real if full else real[:1])}")
    if installed("torch") and installed("transformers"):
        shapes = ["bloomz-560m", "llama-1b", "xlmr-base", "mt5-base"] if full else ["bloomz-560m", "xlmr-base"]
        dtypes = "float32,bfloat16" if has_bfloat16_instructions() else "float32"
        sizes = ["--rounds=5", "--layers=all,last"] if full else [
            "--rounds=3", "--layers=all", "--texts=64", "--batches=1", "--sizes=32,64", "--usual=0", "--kinds=prompt"
        ]  # fmt: skip
        models = ",".join([*shapes, *real]) if full else ",".join([*shapes, *real[:1]])
        commands["Extraction against transformers on torch"] = [
            "benchmarks.embed_vs_peers", f"--models={models}", f"--dtypes={dtypes}", f"--out={out}/embed.jsonl", *sizes
        ]  # fmt: skip
    contenders = [name for name in (PEERS if full else QUICK_PEERS) if installed(PEERS[name])]
    sizes = "small,large,wide,vocabulary,dictionary" if full else "small"
    commands["Alignment against its peers"] = [
        "benchmarks.kernels_vs_peers", f"--sizes={sizes}", f"--contenders={','.join(['jaxalign_engine', *contenders])}",
        f"--repeats={5 if full else 2}", f"--cap={60 if full else 12}", f"--out={out}",
    ]  # fmt: skip
    commands["Approximate search"] = ["benchmarks.approximate", f"--words={50000 if full else 20000}"]
    return commands


def environment_block() -> str:
    """Versions, processor and cores, as the first lines of the report."""
    from jaxalign.runtime import environment

    facts: dict[str, Any] = environment.environment()
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    for name in ("torch", "faiss-cpu", "usearch"):
        versions += f", {name} {environment.version(name) or 'not installed'}"
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{facts['processor']}, {facts['cores']} cores, bfloat16 instructions: {facts['bfloat16_instructions']}, "
        f"load before the start: {load}\n\nPython {facts['python']}, {versions}"
    )


def run(command: Sequence[str]) -> str:
    """What a part printed; its message where it failed, so that the others still run."""
    print(f"... {' '.join(command)}", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return (
        done.stdout
        if done.returncode == 0
        else f"This part failed with status {done.returncode}; see its message above."
    )


def extraction_table(file: Path) -> str:
    """Markdown out of the rows of `embed_vs_peers`."""
    lines = ["| model | dtype | texts | layers | way | texts/s (range) | ours is times (range) | peak allows |",
             "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in map(json.loads, file.read_text("utf-8").splitlines()):
        lines.append(
            f"| {row['model']} | {row['dtype']} | {row['texts']} | {row['layers']} | {row['way']} "
            f"| {row['texts_per_second']} ({row['low']}-{row['high']}) "
            f"| {row['ours_is_times']} ({row['ratio_low']}-{row['ratio_high']}) | {row['peak_allows']} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Runs all parts and prints one Markdown document, which goes to --out as well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--quick", action="store_true")
    size.add_argument("--full", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("runs/benchmarks"), help="folder for rows and tables")
    args = parser.parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    sections = [f"# Measured on this machine\n\n{environment_block()}"]
    for title, command in parts(args.full, out).items():
        text = run(command)
        if title.startswith("Extraction") and (out / "embed.jsonl").exists():
            text = extraction_table(out / "embed.jsonl")
        sections.append(f"## {title}\n\n{text.strip()}")
        (out / "README.md").write_text("\n\n".join(sections) + "\n", "utf-8")
    print("\n\n".join(sections))


if __name__ == "__main__":
    main()
