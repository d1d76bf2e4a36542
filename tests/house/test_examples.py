"""Every example in a docstring runs and prints what it says; so does the README's."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import carbonflows_fast as cf

MODULES = ["carbonflows_fast"] + [
    info.name
    for info in pkgutil.walk_packages(cf.__path__, "carbonflows_fast.")
    if not info.name.endswith("._core")
]
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert result.failed == 0


def test_most_modules_have_an_example() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = sum(
        len(test.examples) for n in MODULES for test in finder.find(importlib.import_module(n))
    )
    assert found > 50


def test_readme() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    session = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "README", "README.md", 0)
    assert len(session.examples) >= 5
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(session)
    assert runner.failures == 0
