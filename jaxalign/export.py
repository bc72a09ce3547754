"""`python -m jaxalign.export RUN --format=FORMAT`: a run's results as tables for a paper or in others' formats."""

import argparse
import json
import sys
import time
from pathlib import Path

from jaxalign.report import facts, files
from jaxalign.report.export import hub, samples, tables
from jaxalign.report.results import Results
from jaxalign.runtime.files import write_text
from jaxalign.types import InputError

TEXTS = {"csv": tables.as_csv, "latex": tables.as_latex, "markdown": tables.as_markdown}
FOLDERS = ("hf-eval", "mteb", "every-eval-ever")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 0 done, 2 wrong flag or input."""
    parser = argparse.ArgumentParser(prog="python -m jaxalign.export", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--format", required=True, choices=[*TEXTS, *FOLDERS], help="what to write")
    parser.add_argument(
        "--out", type=Path, help="file (csv, latex, markdown: stdout without it) or folder (the others)"
    )
    parser.add_argument("--dataset", help="with hf-eval: id of the benchmark data set on the Hugging Face Hub")
    parser.add_argument("--task", default="default", help="with hf-eval: task of that data set (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.format in FOLDERS and options.out is None:
        parser.error(f"Expected --out with --format={options.format}, got none. Give --out=FOLDER.")
    if options.format == "hf-eval" and not options.dataset:
        parser.error("Expected --dataset with --format=hf-eval, got none. Give the id of a data set on the Hub.")
    if options.format != "hf-eval" and options.dataset:
        parser.error(f"Expected no --dataset with --format={options.format}, got {options.dataset}. Leave it out.")
    try:
        if options.format in TEXTS:
            write_table(options.run, options.format, options.out)
        else:
            write_folder(options.run, options.format, options.out, options.dataset, options.task)
    except (InputError, OSError) as error:
        print(f"python -m jaxalign.export: {error}", file=sys.stderr)
        return 2
    return 0


def write_table(folder: Path, form: str, out: Path | None) -> None:
    """Writes csv, latex or markdown to a file, or to stdout where none is named."""
    facts.check_finished(folder)
    text = TEXTS[form](files.read_rows(folder))
    if out is None:
        sys.stdout.write(text)
    else:
        write_text(out, text)


def write_folder(folder: Path, form: str, out: Path, dataset: str | None = None, task: str = "default") -> list[Path]:
    """Writes one folder per model under `out` in the form hf-eval, mteb or every-eval-ever; returns the files."""
    (run,) = facts.read_runs([folder])
    seconds = int(files.results_file(folder).stat().st_mtime)
    written: dict[Path, str] = {}
    if form == "hf-eval":
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
        for model, text in hub.hugging_face(Results(run.rows), str(dataset), task, date).items():
            written[out / _folder_name(model) / ".eval_results" / "jaxalign.yaml"] = text
    elif form == "mteb":
        for model, result in hub.mteb(Results(run.rows), run.extras).items():
            written[out / _folder_name(model) / f"{hub.TASK}.json"] = _json(result)
    else:
        for record in samples.every_eval_ever(run, seconds).values():
            written[out / f"{record.path}.json"] = _json(record.aggregate)
            if record.samples:
                written[out / f"{record.path}_samples.jsonl"] = record.samples
    for path, text in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
        print(path)
    return list(written)


def _folder_name(model: str) -> str:
    """The name of a model's folder as MTEB writes it: `org__name`, without a part that leaves the folder."""
    return model.strip("/.").replace("\\", "__").replace("/", "__") or "model"


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
