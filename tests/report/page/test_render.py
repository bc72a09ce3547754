"""The page in a real browser: nothing on the console, nothing requested, every figure in words, tables that sort."""

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading

import numpy as np
import pytest

from jaxalign.metrics import isometry
from jaxalign.report import tables
from jaxalign.report.drawing import figures, svg
from jaxalign.report.drawing.svg import About
from jaxalign.report.page import render
from jaxalign.types import SpaceLabel
from tests.report.runs import EVIL, make

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run --disable-default-apps --enable-logging=stderr --v=0 --virtual-time-budget=20000"
)

# Reports what a reader would meet: run inside the page after it has loaded, its findings become the title.
PROBE = """<script>addEventListener("load", () => { const probe = () => {
  if (document.documentElement.dataset.explorer !== "ready") { setTimeout(probe, 50); return; }
  const svgs = [...document.querySelectorAll("figure svg")];
  const table = document.querySelector("table.sort"), button = table.querySelectorAll("th button")[1];
  const column = () => [...table.tBodies[0].rows].map((row) => +row.cells[1].dataset.v);
  button.click(); const down = column(); button.click(); const up = column();
  const found = { errors: window.errors, figures: svgs.length, down, up,
    silent: svgs.filter((s) => !((s.getAttribute("aria-label") || s.alt || "").length > 30)).length,
    empty: svgs.filter((s) => s.getBoundingClientRect().height < 50 && !s.closest("details")).length,
    requests: performance.getEntriesByType("resource").map((r) => r.name),
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth };
  document.body.innerHTML = ""; document.body.textContent = "FOUND" + JSON.stringify(found) + "END"; };
  setTimeout(probe, 50); });
</script>"""
CATCH = "<script>window.errors = []; addEventListener('error', (e) => errors.push(e.message)); \
console.error = (...a) => errors.push(a.join(' '));</script>"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    label = SpaceLabel("demo", "vanilla", "last", 4)
    spaces = {code: np.random.default_rng(0).normal(size=(20, 8)) + i for i, code in enumerate(("en", "fr", "ja"))}
    make(folder, layers=(0, 1, 2, 4), rows=isometry.rows(label, spaces, null_draws=2, neighbours=3))
    return folder


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path (apt-get install chromium)")
@pytest.mark.parametrize("width", [1280, 500])
def test_browser(run, tmp_path, width):
    text = (run / "report.html").read_text(encoding="utf-8")
    text = text.replace("<head>", "<head>" + CATCH, 1)
    text = (PROBE + "</body>").join(text.rsplit("</body>", 1))
    (tmp_path / "probe.html").write_text(text, encoding="utf-8")
    asked: list[str] = []

    class Listen(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Listen, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/probe.html"
        size = [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", "--dump-dom", address]
        done = subprocess.run([CHROMIUM, *FLAGS.split(), *size], capture_output=True, text=True, timeout=100)
        server.shutdown()
    match = re.search(r"FOUND(\{.*\})END", done.stdout)
    assert match, done.stderr[-2000:]
    found = json.loads(match[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    assert found["errors"] == [] and "CONSOLE" not in done.stderr
    assert set(asked) == {"/probe.html"} and found["requests"] == []
    assert found["figures"] >= 6 and found["silent"] == 0 and found["empty"] == 0
    assert found["down"] == sorted(found["down"], reverse=True) and found["up"] == sorted(found["up"])
    assert found["overflow"] <= 0


def test_every_figure_has_words_even_without_a_browser(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    labels = re.findall(r'<svg role="img" aria-label="([^"]{30,})"', text)
    drawn = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert len(labels) == drawn.count("<svg") >= 6
    assert len(set(labels)) == len(labels)
    for drawing in re.findall(r"<svg.*?</svg>", drawn, flags=re.S):
        assert "<text" not in drawing and "http:" not in drawing.replace("http://www.w3.org/", "")


def test_ids_of_inlined_figures_do_not_meet(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    found = re.findall(r'<[^>]*\bid="?([\w-]+)', text)
    assert len(found) == len(set(found))
    for target in re.findall(r'(?:xlink:href="|url\()#([\w-]+)', text):
        assert target in found


def test_the_sections_a_study_fills_are_there(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    keys = "headline pairs languages kinds layers seeds subsets isometry words concepts method cite"
    for key in keys.split():
        assert f"<section id={key}>" in text and f'href="#{key}"' in text, key
    assert "was rank" in text and "犬" not in re.sub(r"<section id=words>.*?</section>", "", text, flags=re.S)


def test_a_figure_follows_the_theme_and_stands_alone_as_a_file():
    picture = figures.bars(
        ["fr", "th"], {"before": [dict(value=0.5, low=0.4, high=0.6), None]}, About("b", "c", "what")
    )
    assert "currentColor" in picture.svg and "#010203" not in picture.svg and "fr: before 50.0" in picture.alt
    assert svg.file_text(picture).startswith("<?xml") and "xmlns" in svg.file_text(picture)


def test_cells_are_escaped_and_keep_their_numbers():
    text = render.html_table(tables.Table(EVIL, ["name", "x"], [[EVIL, 1.23456], ["b", None]], EVIL))
    assert EVIL not in text and 'data-v="1.23456">1.23<' in text and 'data-v=""' in text
