"""The pages of docs/: examples run and print what they say, links lead somewhere."""

from __future__ import annotations

import doctest
import inspect
import re
import shlex
from pathlib import Path

import pytest
from support.running.report_page import draw_nothing

import carbonflows_fast as cf
from carbonflows_fast.cli._main import _parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PAGES = {
    path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md"))
}
WRITTEN = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{page}" for page in PAGES)]
MARKERS = re.compile(r"\s*([-+*#>]|\d+[.)]|$)")  # a line that begins so is a list, heading, quote


def examples(text: str) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def pages() -> list[object]:
    """Pages with examples; those that read a table of WIOD need it."""
    return [
        pytest.param(page, marks=pytest.mark.real_data if "wiod2013_" in examples(text) else ())
        for page, text in PAGES.items()
        if ">>> " in text
    ]


@pytest.mark.parametrize("page", pages())
def test_page(page: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("real_data"):
        monkeypatch.chdir(request.getfixturevalue("real_data"))
    if page != "tutorial.md":  # figures of reports have tests of their own
        draw_nothing(monkeypatch)
    session = doctest.DocTestParser().get_doctest(examples(PAGES[page]), {}, page, page, 0)
    shows_how = "/" not in page  # the tutorial and the how-to pages; others mainly explain
    assert len(session.examples) >= (5 if shows_how else 1)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(session)
    assert runner.failures == 0


def test_pages_that_show_how_have_examples() -> None:
    words_alone = {"index.md", "add_a_reader.md", "command_line.md", "benchmarks.md"}
    assert words_alone < {page for page in PAGES if "/" not in page}
    assert {p for p, text in PAGES.items() if "/" not in p and ">>> " not in text} == words_alone


@pytest.mark.parametrize("page", WRITTEN)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)", re.sub(r"`[^`\n]*`", "", text)):
        name, _, anchor = link.partition("#")
        place = (ROOT / page).parent / name if name else ROOT / page
        assert place.exists(), f"{page}: nothing at {link}"
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), f"{page}: no {link}"


def anchors(text: str) -> set[str]:
    """Return what the headings of a page are linked by."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def broken_formulas(text: str) -> list[str]:
    """Lines inside a formula that Markdown takes for a list, a heading, a quote or a gap."""
    prose = re.sub(r"^```(?!math|\{math\}).*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"(?<!`)`[^`\n]+`", "code", prose)
    formulas = re.findall(r"\$\$.*?\$\$|\$[^$]*\$|^```(?:math|\{math\}).*?^```$", prose,
                          flags=re.DOTALL | re.MULTILINE)  # fmt: skip
    return [line for formula in formulas for line in formula.split("\n")[1:] if MARKERS.match(line)]


@pytest.mark.parametrize("page", WRITTEN)
def test_markdown_breaks_no_formula(page: str) -> None:
    assert broken_formulas((ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "the error is $x\n- \\tilde x = L r$, and so on",
        "$$E = a\n+ b$$",
        "$$\n1. a$$",
        "$$a\n\n= b$$",
        "```math\na\n> b\n```",
        "code `$HOME` before $a\n* b$",
    ],
)
def test_broken_formulas_are_found(text: str) -> None:
    assert len(broken_formulas(text)) == 1


def commands() -> list[str]:
    """Every command line in the README and docs/, without its comment."""
    text = (ROOT / "README.md").read_text(encoding="utf-8") + "".join(PAGES.values())
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^(?:\S*/)?carbonflows-fast (.+)$", "\n".join(blocks), re.MULTILINE)
    return sorted(set(found))


@pytest.mark.parametrize("command", commands())
def test_commands_have_their_options(command: str) -> None:
    assert _parser().parse_args(shlex.split(command, comments=True)).command


def test_recipes_are_the_files_that_run_on_clusters() -> None:
    blocks = re.findall(r"^```\w+\n(.*?)^```$", PAGES["panel.md"], re.DOTALL | re.MULTILINE)
    recipes = {path.name: path.read_text() for path in (DOCS / "recipes").glob("*.*")}
    assert {"study.py", "cluster.py", "mpi_study.py", "mpi_study.sh"} <= recipes.keys()
    assert [name for name, text in recipes.items() if blocks.count(text) != 1] == []


def test_reference_has_every_public_name_once() -> None:
    text = "".join(text for page, text in PAGES.items() if page.startswith("reference/"))
    directive = r"^\.\. auto(?:function|class|exception):: carbonflows_fast\.([\w.]+)"
    found = re.findall(directive, text, re.MULTILINE)
    modules = {"": cf}
    rooms = ("classification", "figures", "readers", "synthetic")
    modules |= {f"{name}.": getattr(cf, name) for name in rooms}
    public = [
        prefix + name
        for prefix, module in modules.items()
        for name in module.__all__
        if module is cf or getattr(cf, name, None) is not getattr(module, name)
        if inspect.isclass(getattr(module, name)) or inspect.isfunction(getattr(module, name))
    ]
    assert sorted(found) == sorted(public)


def flow(text: str) -> list[str]:
    """Return the names of an indented line of rooms with arrows between them."""
    lines = re.search(r"^ {4}table →.*(?:\n +→.*)*", text, re.MULTILINE)
    assert lines
    return re.findall(r"\w+", lines[0])


def test_rooms_have_one_order_everywhere() -> None:
    rooms = flow(cf.__doc__ or "")
    assert flow((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")) == rooms
    package = Path(cf.__file__).parent
    below = {"errors", "classification", "_base"}
    found = {path.parent.name for path in package.glob("*/__init__.py")}
    found |= {path.stem for path in package.glob("[a-z]*.py")}
    assert set(rooms) == found - below
