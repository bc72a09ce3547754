"""axe-core finds no serious fault on the page: light, dark and on a phone.

axe-core is no part of this project: `npm pack axe-core` and AXE_CORE=PATH/axe.min.js, or `npm install axe-core` here.
"""

import os
from pathlib import Path

import pytest

from benchmarks.many_rows import Study, extras, rows
from jaxalign import report
from tests.report.page.browser import browser, needs_browser

ROOT = Path(__file__).resolve().parents[3]
PLACES = (os.environ.get("AXE_CORE", ""), ROOT / "node_modules" / "axe-core" / "axe.min.js")
AXE = next((path for path in map(Path, filter(None, PLACES)) if path.is_file()), None)
STUDY = Study(models=("org/mini-1b", "lab/tower-7b"), layers=3, languages=("en", "fr", "ro", "eu", "fi", "ja"),
              metrics=("P@1", "MRR"))  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    return report.render(folder, [dict(row) for row in rows(STUDY)], extras(STUDY))


@needs_browser
@pytest.mark.skipif(AXE is None, reason="needs axe-core: npm pack axe-core, and AXE_CORE=PATH/axe.min.js")
@pytest.mark.parametrize("width, dark", [(1280, False), (1280, True), (400, False)])
def test_axe_finds_no_serious_fault(page, tmp_path, width, dark):
    with browser(tmp_path, width, dark) as window:
        window.open(page)
        window.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        search = "axe.run(document).then((found) => { window.found = found.violations; })"
        window.run(f"{AXE.read_text(encoding='utf-8')}; window.axe = axe; {search}")
        window.wait("return window.found !== undefined")
        faults = window.run("return found.map((v) => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200), "
                            "v.nodes[0].failureSummary])")  # fmt: skip
    assert [fault for fault in faults if fault[0] in ("serious", "critical")] == []
    assert faults == []
