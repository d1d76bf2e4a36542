"""The report in a real browser: `nox -s browser`. Chromium is Debian's, driven by Playwright.

Not collected with the other tests: it needs Chromium (`CARBONFLOWS_CHROMIUM`, else
/usr/bin/chromium). With `CARBONFLOWS_SCREENSHOTS` it leaves pictures of the page in that folder.
With real tables the page is that of WIOD 2009 since 2005, without them that of a small world.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from support.references.report_reference import world

import carbonflows_fast as cf

CHROMIUM = os.environ.get("CARBONFLOWS_CHROMIUM", "/usr/bin/chromium")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    data = os.environ.get("CARBONFLOWS_REAL_DATA")
    if data:
        before, table = (cf.read(Path(data) / f"wiod2013_{year}.zip") for year in (2005, 2009))
    else:
        before, table = world(2, year=2005), world(1, year=2009)
    out = tmp_path_factory.mktemp("browser") / "report.html"
    return cf.report(table, out=out, since=before).resolve().as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=SIZES)
def page(request: pytest.FixtureRequest, browser: Browser, report: str) -> Iterator[Page]:
    """The page at both sizes, offline; it asks for nothing and complains of nothing."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    opened = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(report)
    yield opened
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [report]
    context.close()


def column(table: Locator, at: int) -> list[float]:
    cells = table.locator(f"tbody tr > :nth-child({at + 1})").all()
    return [float(cell.get_attribute("data-value") or "nan") for cell in cells]


def test_nothing_is_wider_than_the_screen(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = """[...document.querySelectorAll("main > section > *")]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML)"""
    assert page.evaluate(wide) == []


def test_nothing_is_cut(page: Page) -> None:
    """Tables and figures show all that they have, on a telephone too."""
    cut = """[...document.querySelectorAll(".scroll, .picture")]
        .filter(e => e.scrollWidth > e.clientWidth + 1)
        .map(e => (e.querySelector("table") ?? e.parentElement).id)"""
    assert page.evaluate(cut) == []
    cells = """[...document.querySelectorAll("#table-accounts th, #table-accounts td")]
        .every(e => e.getBoundingClientRect().right <= innerWidth)"""
    assert page.evaluate(cells)  # net imports among them
    shown = """[...document.querySelectorAll("figure")]
        .every(f => [...f.querySelectorAll("svg")].filter(e => e.checkVisibility()).length === 1)"""
    assert page.evaluate(shown)


def test_the_contents_are_on_one_screen(page: Page) -> None:
    places = [link.bounding_box() for link in page.locator("nav a").all()]
    size = page.viewport_size
    assert size is not None
    assert len(places) == page.locator("main > section").count()
    for box in places:
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        assert box["y"] + box["height"] <= size["height"]


def test_letters_of_figures_can_be_read(page: Page) -> None:
    heights = page.evaluate(
        """[...document.querySelectorAll("#balance svg text")]
           .filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect().height)"""
    )
    assert len(heights) > 5
    assert min(heights) >= 8


def test_what_scrolls_says_so(page: Page) -> None:
    shaded = """[...document.querySelectorAll(".scroll, .picture")]
        .every(e => getComputedStyle(e).backgroundAttachment.includes("local"))"""
    assert page.evaluate(shaded)


def test_tables_are_sorted_by_click_and_keyboard(page: Page) -> None:
    table = page.locator("#table-accounts")
    head = table.locator("th[data-key=production]")
    button = head.get_by_role("button", name="Production")
    assert head.get_attribute("aria-sort") is None
    before = column(table, 1)
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(table, 1) == sorted(before, reverse=True)
    button.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(table, 1) == sorted(before)
    net = table.locator("th[data-key=net_share]")
    net.get_by_role("button").press("Space")
    assert net.get_attribute("aria-sort") == "descending"
    assert head.get_attribute("aria-sort") is None
    assert column(table, 4) == sorted(column(table, 4), reverse=True)
    names = table.locator("th[data-key=region]")
    names.get_by_role("button").click()
    assert names.get_attribute("aria-sort") == "ascending"
    shown = table.locator("tbody th").all_inner_texts()
    assert shown == sorted(shown, key=str.casefold)
    assert table.locator("tfoot th").inner_text() == "World"  # the sum stays where it is
    assert table.locator("[aria-sort]").count() == 1


def test_figures_are_enlarged_and_put_back(page: Page) -> None:
    dialog, figure = page.locator("dialog"), page.locator("#balance")
    button = figure.get_by_role("button", name="Enlarge: Net importers")
    small = figure.locator("svg:visible").bounding_box()
    assert small is not None
    button.focus()
    page.keyboard.press("Enter")
    assert dialog.is_visible()
    assert dialog.get_attribute("aria-label") == "Net importers and net exporters"
    large = dialog.locator("svg:visible").bounding_box()
    assert large is not None
    assert large["width"] > small["width"]
    assert page.evaluate("document.querySelector('dialog').contains(document.activeElement)")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert figure.locator("svg").count() == 2
    assert figure.locator("svg:visible").count() == 1
    focused = "document.activeElement.closest('figure')?.id"
    assert page.evaluate(focused) == "balance"
    figure.locator(".picture").click()
    assert dialog.is_visible()
    dialog.get_by_role("button", name="Close").click()
    assert not dialog.is_visible()
    figure.locator(".picture").press("Enter")
    assert dialog.is_visible()
    page.keyboard.press("Escape")
    assert page.locator("figure svg").count() == 2 * page.locator("figure").count()


def test_an_enlarged_figure_begins_where_it_begins(page: Page) -> None:
    """Wherever the one before was scrolled to; on a large screen all of it is seen."""
    dialog, stage = page.locator("dialog"), page.locator(".stage")
    size = page.viewport_size
    assert size is not None
    for name in ("matrix", "tree", "balance"):
        page.locator(f"#{name}").get_by_role("button").click()
        assert stage.evaluate("e => [e.scrollLeft, e.scrollTop]") == [0, 0]
        box = dialog.locator("svg:visible").bounding_box()
        assert box is not None
        assert 0 <= box["x"] < 60
        assert 0 <= box["y"] < 120
        if size["width"] > 1000:
            assert box["x"] + box["width"] <= size["width"]
            assert box["y"] + box["height"] <= size["height"]
        stage.evaluate("e => e.scrollTo(500, 500)")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.closest('figure')?.id") == name
        seen = page.locator(f"#{name} button").bounding_box()
        assert seen is not None
        assert 0 <= seen["y"] <= size["height"]


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["y"] >= 0  # it comes into sight
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.keyboard.press("Tab")
    style = "getComputedStyle(document.activeElement)"
    assert page.evaluate(f"{style}.outlineStyle") == "solid"
    assert page.evaluate(f"parseFloat({style}.outlineWidth)") >= 2
    reached = page.evaluate(
        """[...document.querySelectorAll("button:not(.close), .picture, .scroll, nav a")]
           .every(e => e.tabIndex === 0)"""
    )
    assert reached


def test_it_reads_without_a_script(browser: Browser, report: str) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report)
    assert page.locator("h1").inner_text() == "Carbon embodied in trade, 2009"
    assert not any(button.is_visible() for button in page.locator("button").all())
    assert all(picture.is_visible() for picture in page.locator("figure svg.wide").all())
    assert page.locator("#table-accounts tbody tr").count() >= 3
    assert not page.locator("dialog").is_visible()
    context.close()


def test_it_fits_on_paper(browser: Browser, report: str) -> None:
    page = browser.new_page(viewport={"width": 680, "height": 1000}, color_scheme="dark")
    page.emulate_media(media="print")
    page.goto(report)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # A4 less margins
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not page.locator("nav").is_visible()
    feet = "[...document.querySelectorAll('tfoot')].map(e => getComputedStyle(e).display)"
    assert set(page.evaluate(feet)) == {"table-row-group"}  # once, not at the end of each page
    assert page.locator("figure svg.narrow:visible").count() == 0
    page.close()


def test_texts_can_be_told_from_their_ground(browser: Browser, report: str) -> None:
    """At least 4.5 : 1 (WCAG AA) for all colours of text, in the light and in the dark."""
    contrast = """() => {
      const light = c => c.map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
      const rgb = text => text.match(/[\\d.]+/g).map(Number);
      const ground = e => {
        for (; e; e = e.parentElement) {
          const c = rgb(getComputedStyle(e).backgroundColor);
          if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
        }
        return [255, 255, 255];
      };
      const bad = [];
      for (const e of document.querySelectorAll("body *:not(svg):not(svg *):not(script)")) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || e.closest("dialog")) continue;
        const a = light(rgb(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) bad.push([e.tagName, e.className, ratio]);
      }
      return bad;
    }"""
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(report)
        assert page.evaluate(contrast) == []
        page.close()


def test_screenshots(page: Page, request: pytest.FixtureRequest) -> None:
    """Pictures to look at; here only that there is something on them."""
    folder = os.environ.get("CARBONFLOWS_SCREENSHOTS")
    size = request.node.callspec.params["page"]
    path = Path(folder) / f"report-{size}.png" if folder else None
    assert len(page.screenshot(path=path, full_page=True)) > 50_000
