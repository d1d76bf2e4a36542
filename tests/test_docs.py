"""The pages of docs/ on real tables: every example runs and prints what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.real_data
@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_page(page: str, real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(real_data)
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    session = doctest.DocTestParser().get_doctest(blocks, {}, page, page, 0)
    assert len(session.examples) >= 5
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(session)
    assert runner.failures == 0
