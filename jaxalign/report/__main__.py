"""`python -m jaxalign.report RUN... [--out DIR]`: makes the report of a run again, or joins several runs in one."""

import argparse
import json
import sys
from pathlib import Path

from jaxalign import report
from jaxalign.report import files
from jaxalign.types import InputError


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status; the last line on stdout is one JSON document."""
    parser = argparse.ArgumentParser(prog="python -m jaxalign.report", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    parser.add_argument("--out", type=Path, help="where to write; the run's own folder when there is one run")
    parser.add_argument(
        "--keep_apart",
        action="store_true",
        help="join runs over different concepts or splits as well, each model under its run's name",
    )
    options = parser.parse_args(argv)
    if len(options.runs) > 1 and options.out is None:
        parser.error("Expected --out with several runs, got none. Give --out=DIR.")
    try:
        rows, extras = report.join(options.runs, options.keep_apart)
    except InputError as error:
        print(f"python -m jaxalign.report: {error}", file=sys.stderr)
        return 2
    out = options.out or options.runs[0]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = f"Expected --out to be a folder, got {out}: {error.strerror}. Give another."
        print(f"python -m jaxalign.report: {said}", file=sys.stderr)
        return 2
    if out not in options.runs:
        files.write_results(out, rows)
        files.write_extras(out, extras)
    for note in extras.get("notes", []) if len(options.runs) > 1 else []:
        print(f"report: {note}", file=sys.stderr)
    made = report.render(out, rows, extras)
    report.show(rows)
    print(json.dumps({"report": str(made), "rows": len(rows), "runs": len(options.runs)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
