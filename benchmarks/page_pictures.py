"""Pictures of report pages as readers meet them, and what a page of many models or languages costs.

    python -m benchmarks.page_pictures --out=pictures                      # ten models, sixty languages (made-up rows)
    python -m benchmarks.page_pictures --out=pictures runs/run-0001        # the pages of finished runs as well

Needs chromium and chromedriver. Each page is shot whole at 1280 pixels in light and dark, at 400 pixels, and as it
prints; the last line on stdout is one JSON document with the seconds and megabytes of each page.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.many_rows import SIXTY, Study, extras, rows
from jaxalign import report
from tests.report.page.browser import browser, media

STUDIES = {"ten-models": Study(), "sixty-languages": Study(models=("org/one-1b",), layers=1, languages=SIXTY)}
VIEWS = {"light": (1280, False, "screen"), "dark": (1280, True, "screen"), "phone": (400, False, "screen"),
         "print": (900, False, "print")}  # fmt: skip
_TALLEST = 12_000  # pixels; what stands below is cut off


def build(name: str, folder: Path) -> dict:
    """Writes the page of made-up rows; returns its seconds, megabytes and rows."""
    study = STUDIES[name]
    folder.mkdir(exist_ok=True)
    made, beside = [dict(row) for row in rows(study)], extras(study)
    start = time.perf_counter()
    page = report.render(folder, made, beside)
    seconds = round(time.perf_counter() - start, 2)
    return dict(page=str(page), seconds=seconds, megabytes=round(page.stat().st_size / 1e6, 2), rows=len(made))


def shoot(page: Path, out: Path, name: str) -> None:
    """Saves one picture of the whole page for each view."""
    for view, (width, dark, kind) in VIEWS.items():
        with tempfile.TemporaryDirectory() as profile, browser(Path(profile), width, dark) as window:
            window.open(page)
            window.wait("return document.querySelectorAll('#heat svg').length > 0")
            if kind == "print":
                window.run("dispatchEvent(new Event('beforeprint'))")
            window.chrome("Emulation.setEmulatedMedia", media(dark, kind))
            height = min(_TALLEST, window.run("return document.documentElement.scrollHeight"))
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            window.chrome("Emulation.setDeviceMetricsOverride", size)
            time.sleep(1)  # the charts are drawn again for the new size
            window.screenshot(out / f"{name}-{view}.png")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_pictures", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures and pages")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    costs = {name: build(name, options.out / name) for name in STUDIES}
    pages = {name: Path(cost["page"]) for name, cost in costs.items()}
    pages |= {run.resolve().name: run / "report.html" for run in options.runs}
    for name, page in pages.items():
        shoot(page.resolve(), options.out, name)
    print(json.dumps(costs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
