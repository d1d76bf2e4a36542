"""The pages of docs/: examples run and print what they say, links lead somewhere."""

from __future__ import annotations

import doctest
import inspect
import re
from pathlib import Path

import pytest

import carbonflows_fast as cf

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8")
         for path in sorted(DOCS.rglob("*.md"))}  # fmt: skip


def examples(text: str) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


def pages() -> list[object]:
    """Pages with examples; those that read a table of WIOD need it."""
    return [
        pytest.param(page, marks=pytest.mark.real_data if "wiod2013_" in text else ())
        for page, text in PAGES.items()
        if ">>> " in text
    ]


@pytest.mark.parametrize("page", pages())
def test_page(page: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("real_data"):
        monkeypatch.chdir(request.getfixturevalue("real_data"))
    session = doctest.DocTestParser().get_doctest(examples(PAGES[page]), {}, page, page, 0)
    shows_how = "/" not in page  # the tutorial and the how-to pages; others mainly explain
    assert len(session.examples) >= (5 if shows_how else 1)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(session)
    assert runner.failures == 0


def test_pages_that_show_how_have_examples() -> None:
    words_alone = {"index.md", "add_a_reader.md"}
    assert words_alone < {page for page in PAGES if "/" not in page}
    assert {p for p, text in PAGES.items() if "/" not in p and ">>> " not in text} == words_alone


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p}" for p in PAGES)])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", re.sub(r"`[^`\n]*`", "", text)):
        assert ((ROOT / page).parent / link).exists(), f"{page}: nothing at {link}"


def test_reference_has_every_public_name_once() -> None:
    text = "".join(text for page, text in PAGES.items() if page.startswith("reference/"))
    found = re.findall(r"^\.\. auto(?:function|class|exception):: carbonflows_fast\.([\w.]+)",
                       text, re.MULTILINE)  # fmt: skip
    modules = {"": cf, "classification.": cf.classification, "figures.": cf.figures,
               "synthetic.": cf.synthetic}  # fmt: skip
    public = [
        prefix + name
        for prefix, module in modules.items()
        for name in module.__all__
        if inspect.isclass(getattr(module, name)) or inspect.isfunction(getattr(module, name))
    ]
    assert sorted(found) == sorted(public)
