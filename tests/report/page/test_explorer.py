"""The explorer in a real browser: picks, hover, click, search, keyboard; no request, nothing on the console."""

import re
from pathlib import Path

import numpy as np
import pytest

from jaxalign.report import __main__ as command
from jaxalign.report import concept_map
from jaxalign.report.drawing.svg import COLOURS, PALETTE
from jaxalign.report.page import render
from jaxalign.report.page.heat import DARK, LIGHT, contrast, css, shades, step
from jaxalign.types import Space, SpaceLabel
from tests.planted import study
from tests.report.page.browser import browser, media, needs_browser
from tests.report.runs import make

HEAD = "return document.querySelector('#pair-facts h3').textContent"
NOTE = "return document.getElementById('heat-note').textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    make(folder, layers=(0, 2, 4))
    known = study(languages=("en", "fr", "ja"))
    rng = np.random.default_rng(0)
    vectors = {code: rng.normal(size=(60, 8)).astype(np.float32) for code in ("en", "fr", "ja")}
    space = Space(SpaceLabel("demo", "vanilla", "last", 4), known.concepts.ids, vectors)
    concept_map.write(folder, [concept_map.coordinates(space, known.concepts, known.split, ("unit", "center", "unit"))])
    assert command.main([str(folder)]) == 0
    return folder / "report.html"


@pytest.fixture(scope="module", params=[(1280, False), (400, True)], ids=["1280-light", "400-dark"])
def window(request, page, tmp_path_factory):
    width, dark = request.param
    with browser(tmp_path_factory.mktemp("browser"), width, dark) as opened:
        opened.open(page)
        yield opened


def pick(window, name, value):
    window.run(f"const s = document.getElementById('pick-{name}'); s.value = '{value}'; "
               "s.dispatchEvent(new Event('change'));")  # fmt: skip


@needs_browser
def test_picks_change_the_map(window):
    pick(window, "setting", "before")
    window.wait(f"{NOTE}.includes('no map')")
    pick(window, "setting", "after")
    window.wait(f"{NOTE}.startsWith('P@1, fitted map')")
    shown = "return [...document.querySelectorAll('#heat .mark-text.role-mark text')].map((t) => t.textContent)"
    last = window.run(shown)
    assert len(last) == 6 and all(float(text) <= 100 for text in last)
    window.run("const s = document.getElementById('pick-layer'); s.value = 0; s.dispatchEvent(new Event('input'));")
    window.wait("return document.querySelector('#pick output').textContent === '0 of 4'")
    window.wait(f"{shown}.join() !== {last}.map((x) => x).join()")
    window.run("const s = document.getElementById('pick-layer'); s.value = 2; s.dispatchEvent(new Event('input'));")
    window.wait("return document.querySelector('#pick output').textContent === '4 of 4'")


@needs_browser
def test_a_cell_tells_its_value_on_hover_and_opens_its_pair_on_a_click(window):
    window.run("document.querySelector('#heat svg').scrollIntoView({behavior: 'instant', block: 'center'})")
    script = "const b = document.querySelectorAll('#heat .mark-rect.role-mark path')[{}].getBoundingClientRect(); "
    spot = window.run(script.format(5) + "return [b.left + b.width / 2, b.top + b.height / 2]")
    window.pointer(*spot)
    window.wait(
        "const t = document.getElementById('vg-tooltip-element'); return t && t.textContent.includes('queries')"
    )
    told = window.run("return document.getElementById('vg-tooltip-element').textContent")
    assert " %" in told and " to " in told and "40" in told
    window.pointer(*spot, click=True)
    window.wait(f"{HEAD} !== ''")
    opened = window.run(HEAD)
    assert opened.split(" to ")[0] in told and opened.split(" to ")[1] in told
    labels = window.run("return [...document.querySelectorAll('#pair-facts th[scope=row]')].map((h) => h.textContent)")
    assert {"no map", "fitted map", "leaky ceiling", "shuffled dictionary", "chance"} <= set(labels)
    window.wait("return document.querySelectorAll('#curves svg').length >= 2")  # by layer, and by seed size


@needs_browser
def test_words_are_searched_and_isolated(window):
    pick(window, "source", "en")
    pick(window, "target", "fr")
    window.wait(f"{HEAD} === 'English (en) to French (fr)'")
    items = "[...document.querySelectorAll('#pair-words li')]"
    every = window.run(f"return {items}.length")
    assert every > 5 and window.run(f"return {items}.every((i) => i.querySelectorAll('bdi[lang]').length === 3)")
    wanted = window.run(f"return {items}[1].querySelector('bdi').textContent")
    window.run("document.getElementById('pick-search').focus()")
    window.keys(*wanted)
    window.wait(f"return {items}.length < {every} && {items}.length > 0")
    assert all(wanted in text for text in window.run(f"return {items}.map((i) => i.textContent + i.title)"))
    window.run("const s = document.getElementById('pick-search'); s.value = ''; s.dispatchEvent(new Event('input'));")
    pick(window, "list", "worst")
    ranks = window.run(f"return {items}.map((i) => +i.textContent.match(/rank (\\d+)/)[1])")
    assert ranks == sorted(ranks, reverse=True)
    pick(window, "list", "sample")


@needs_browser
def test_the_map_of_concepts_moves_and_finds_a_word(window):
    pick(window, "source", "fr")
    window.wait("return document.querySelectorAll('#map svg .mark-symbol.role-mark path').length === 80")
    dots = "[...document.querySelectorAll('#map .mark-symbol.role-mark path')]"
    spots = f"return {dots}.map((p) => p.getAttribute('transform')).join()"
    after = window.run(spots)
    pick(window, "mapped", "before")
    window.wait(f"{spots} !== {after!r}")
    window.run("document.getElementById('pick-concept').focus()")
    window.keys(*"fr1")
    bold = f"return {dots}.filter((p) => p.getAttribute('opacity') === '1').length"
    window.wait(f"{bold} >= 2")
    assert 2 <= window.run(bold) < 80
    window.run("const s = document.getElementById('pick-concept'); s.value = ''; s.dispatchEvent(new Event('input'));")
    pick(window, "mapped", "after")


@needs_browser
def test_the_keyboard_reaches_every_picker(window):
    window.run("document.getElementById('pick-setting').focus()")
    before = window.run(NOTE)
    window.keys("\ue015")  # arrow down: the next setting
    window.wait(f"{NOTE} !== {before!r}")
    assert window.run("return document.activeElement.id") == "pick-setting"
    reached = set()
    for _ in range(30):
        window.keys("\ue004")  # tab
        reached.add(window.run("return document.activeElement.id"))
    assert {"pick-subset", "pick-source", "pick-target", "pick-list", "pick-search"} <= reached
    pick(window, "setting", "after")


@needs_browser
def test_nothing_is_requested_logged_or_wider_than_the_page(window, page):
    assert window.log("browser") == []
    assert set(window.requests()) <= {page.as_uri()}
    assert window.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    ids = window.run("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


@needs_browser
def test_the_page_prints(window):
    window.chrome("Emulation.setEmulatedMedia", media(False, "print"))
    try:
        ink = window.run("return getComputedStyle(document.body).color")
        assert ink == "rgb(0, 0, 0)"
        assert window.run("return getComputedStyle(document.querySelector('.heat td')).backgroundColor") != ink
        assert len(window.chrome("Page.printToPDF", {})["data"]) > 10_000
    finally:
        window.chrome("Emulation.setEmulatedMedia", media(False))


def test_marks_can_be_seen_on_light_and_dark_paper_and_mean_one_thing():
    for colour in (*PALETTE, *COLOURS.values()):
        assert min(contrast(colour, paper) for paper in ("#ffffff", DARK[0])) >= 3, colour
    script = (Path(render.__file__).parent / "templates" / "explorer.js").read_text(encoding="utf-8")
    shown = dict(re.findall(r'(\w+): "(#[0-9a-f]{6})"', re.search(r"const COLOURS = \{(.*?)\}", script).group(1)))
    assert shown == {name: COLOURS[name] for name in shown} and "after" in shown


def test_digits_on_coloured_cells_can_be_read():
    for ends in (LIGHT, DARK):
        made = shades(ends)
        assert (made[0][0], made[-1][0]) == ends and all(contrast(*shade) >= 4.5 for shade in made)
    assert contrast("#000000", "#ffffff") == 21 and round(contrast("#777777", "#ffffff"), 2) == 4.48  # WCAG's examples
    assert [step(value) for value in (-3, 0, 2.4, 50, 100)] == [0, 0, 0, 10, 20] and css().count("{") == 2 * 21 + 1
