"""A small run of the command line on a tiny random model: what tests of faults stop, damage and compare."""

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.tiny import concepts, write_model

COUNT = 60  # concepts


def make_place(root: Path) -> Path:
    """Returns `root` with a tiny model, a concept list, and a finished run to compare with."""
    write_inputs(root)
    done = bench(root, root / "good")
    assert done.returncode == 0, done.stderr
    return root


def write_inputs(root: Path) -> None:
    """Writes a tiny model and a concept list."""
    write_model(root / "model")
    known = concepts(repeat=COUNT // 10)
    lines = ["id\tkind\t" + "\t".join(known.words)]
    for row, name in enumerate(known.ids):
        kind = ("abstract", "physical")[row % 2]
        lines.append("\t".join([name, kind, *(words[row] for words in known.words.values())]))
    (root / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def command(root: Path, workdir: Path, *flags: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jaxalign.bench",
        f"--models={root / 'model'}",
        "--weights=random",
        f"--concepts={root / 'list.tsv'}",
        "--embeddings=vanilla,prompt",
        "--layers=all",
        "--retrieval=csls",
        "--csls_k=3",
        "--k=1,5",
        "--settings=before,after",
        "--batch_tokens=256",
        "--bootstrap=50",
        f"--workdir={workdir}",
        *flags,
    ]


def bench(root: Path, workdir: Path, *flags: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command(root, workdir, *flags), capture_output=True, text=True, timeout=240, **options)


def figures(workdir: Path, run: str = "run-0001") -> str:
    """Digest of all rows of a run."""
    return hashlib.sha256((workdir / run / "results.parquet").read_bytes()).hexdigest()


def space_bytes(workdir: Path) -> dict[str, str]:
    """Digest of every array file of the store."""
    files = [path for path in (workdir / "spaces").rglob("0.*") if path.is_file()]  # zarr's array files
    assert files
    return {str(path.relative_to(workdir)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
