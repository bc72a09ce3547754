"""`python -m jaxalign.claim CLAIMS.toml RUN...`: says of each claim whether it holds in finished runs.

CLAIMS.toml may be `paper`: the five claims of Peng and Søgaard (2024). What a file of claims holds:
jaxalign/report/claims/claim_file.py.
"""

import argparse
import json
import sys
from pathlib import Path

from jaxalign.report import claims
from jaxalign.report.claims import summary
from jaxalign.runtime.files import write_text
from jaxalign.types import InputError


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 0 judged (whatever the verdicts), 2 wrong flag or input; last line on stdout: JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m jaxalign.claim", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("claims", help="TOML file of claims, or paper")
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs over the same concepts and split")
    parser.add_argument("--out", type=Path, help="JSON file for the verdicts, with every interval and confound")
    parser.add_argument("--markdown", type=Path, help="Markdown file for what is printed")
    parser.add_argument("--each", action="store_true", help="judge each claim on each model and embedding alone too")
    parser.add_argument("--draws", type=int, default=1999, help="resamples of the intervals (default: %(default)s)")
    options = parser.parse_args(argv)
    if not 99 <= options.draws <= 1_000_000:
        parser.error(f"Expected --draws from 99 to 1000000, got {options.draws}. Change it.")
    try:
        asked = claims.read(options.claims)
        finished = claims.read_finished(options.runs)
        verdicts = [claims.judge(claim, finished, options.draws) for claim in asked]
        varied = claims.vary(asked, finished) if options.each else []
        each = [claims.judge(claim, finished, options.draws) for claim in varied]
        if options.out:
            records = {"claims": [summary.record(verdict) for verdict in verdicts]}
            records |= {"each": [summary.record(verdict) for verdict in each]} if options.each else {}
            write_text(options.out, json.dumps(records, indent=1, ensure_ascii=False) + "\n")
        if options.markdown:
            write_text(options.markdown, summary.markdown(verdicts, each))
    except (InputError, OSError) as error:
        print(f"python -m jaxalign.claim: {error}", file=sys.stderr)
        return 2
    print(summary.text(verdicts, each))
    print(json.dumps({verdict.claim.name: verdict.verdict for verdict in verdicts}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
