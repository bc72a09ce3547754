"""Pages of many models and of sixty languages in a real browser: the table of models, filters, zoom, buttons."""

import json

import pytest

from benchmarks.many_rows import SIXTY, Study, extras, rows
from jaxalign import report
from jaxalign.report.families import family
from tests.planted import pick as pick_rows
from tests.report.page.browser import browser, needs_browser

MODELS = ("org/mini-1b", "org/mini-3b", "lab/tower-7b", "lab/tower-13b")
FEW = Study(models=MODELS, layers=3, languages=("en", "fr", "ro", "eu", "fi", "ja"), metrics=("P@1",))
WIDE = Study(models=("org/one-1b",), layers=1, languages=SIXTY, settings=("before", "after"), metrics=("P@1",))


def build(study, folder):
    return report.render(folder, [dict(row) for row in rows(study)], extras(study))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    page = build(FEW, tmp_path_factory.mktemp("few"))
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.open(page)
        opened.wait("return document.querySelectorAll('#board tbody tr').length === 4")
        yield opened


def pick(window, name, value):
    window.run(f"const s = document.getElementById('pick-{name}'); s.value = '{value}'; "
               "s.dispatchEvent(new Event('change'));")  # fmt: skip


def column(window, number):
    return window.run(
        f"return [...document.querySelectorAll('#board tbody tr')].map((r) => r.cells[{number}].textContent)"
    )


@needs_browser
def test_models_are_sorted_and_filtered_by_language_and_family(few):
    table = json.loads(few.run("return JSON.stringify([...document.querySelectorAll('#board tbody tr')]"
                               ".map((r) => [...r.cells].map((c) => c.dataset.v ?? c.textContent)))"))  # fmt: skip
    values = [float(row[4]) for row in table]
    assert values == sorted(values, reverse=True) and [row[5] for row in table][0] == "1"
    assert {row[1] for row in table} == {"mini", "tower"} and {row[3] for row in table} == {"1", "3", "7", "13"}
    few.run("document.querySelectorAll('#board th button')[3].click()")
    assert column(few, 3) == ["13", "7", "3", "1"]
    pick(few, "kinship", "tower")
    assert len(column(few, 0)) == 2
    pick(few, "kinship", "all")
    everything = column(few, 4)
    pick(few, "of", "language: fi")
    finnish = column(few, 4)
    assert finnish != everything and all("(" in text for text in finnish)
    made = [dict(row) for row in rows(FEW)]
    best = few.run("return document.querySelector('#board tbody th').textContent")
    mine = [row for row in pick_rows(made, setting="after", metric="P@1", layer=2) if row["model"].endswith(best)]
    ends = [({row["source"], row["target"]}, row["value"]) for row in mine]
    pairs = [value for pair, value in ends if "fi" in pair and "mean" not in pair]
    assert abs(float(finnish[0].split(" ")[0]) - 100 * sum(pairs) / len(pairs)) <= 0.06
    pick(few, "of", "family: Indo-European")
    assert few.run("return document.querySelectorAll('#board th').length") == 4 + 5  # no group without its test
    pick(few, "of", "all")
    assert few.log("browser") == []


@needs_browser
def test_tables_and_the_run_are_copied_in_every_form(few):
    few.run("window.saved = []; window.save = (text, name, type) => saved.push([text, name, type]);")
    saves = "[...document.querySelectorAll('{} button')].filter((b) => b.textContent.startsWith('Save'))"
    press = f"{saves}.forEach((b) => b.click())"
    few.run("document.querySelector('#headline .tools').open = true;" + press.format("#headline .tools"))
    csv, markdown, latex = few.run("return saved")
    lines = csv[0].splitlines()
    assert csv[1].endswith(".csv") and len(lines) == 5 and lines[0].startswith("series,no map,fitted map")
    assert markdown[0].splitlines()[1].startswith("| --- | ---: |") and markdown[0].count("\n") == 6
    assert "\\toprule" in latex[0] and latex[0].count("\\\\\n") == 5 and "-" in latex[0]
    few.run("saved.length = 0;" + press.format("#exports-buttons"))
    names = [name for _, name, _ in few.run("return saved")]
    assert len(names) == 6 and {"results.csv", "results.tex", "results.md"} <= set(names)
    assert few.run("return document.querySelectorAll('#exports-buttons select option').length") == 3 * len(MODELS)
    few.run("window.copied = []; navigator.clipboard.writeText = async (text) => { copied.push(text); };"
            "document.querySelector('#exports-buttons button').click()")  # fmt: skip
    few.wait("return copied.length === 1 && copied[0].startsWith('model,embedding')")
    assert few.log("browser") == []


@pytest.mark.slow
@needs_browser
def test_sixty_languages_are_clustered_filtered_and_zoomed(tmp_path):
    page = build(WIDE, tmp_path)
    assert page.stat().st_size < 5e6
    with browser(tmp_path / "browser") as window:
        window.open(page)
        cells = "return document.querySelectorAll('#heat .mark-rect.role-mark path').length"
        window.wait(f"{cells} === 60 * 59")
        width = "return document.querySelector('#heat svg').getBoundingClientRect().width"
        fit = window.run(width)
        pick(window, "zoom", "large")
        window.wait(f"{width} > 1.5 * {fit}")
        pick(window, "zoom", "fit")
        turkic = sum(family(code) == "Turkic" for code in SIXTY)
        pick(window, "group", "family: Turkic")
        window.wait(f"{cells} === {turkic} * {turkic - 1}")
        pick(window, "group", "script: Cyrl")
        window.wait(f"{cells} > {turkic} * {turkic - 1}")
        assert window.log("browser") == [] and set(window.requests()) <= {page.as_uri()}


def test_ten_models_with_all_layers_stay_under_eight_megabytes(tmp_path):
    study = Study(layers=20, metrics=("P@1",), settings=("before", "after", "null"))
    page = build(study, tmp_path)
    assert page.stat().st_size < 8e6
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Models compared" in text and "(figures/sizes.svg)" in text
