"""The report on WIOD 2009 since 2005: every number in it is that of the references."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.references.report_reference import Checker
from support.running.report_page import Page, draw_nothing

import carbonflows_fast as cf


@pytest.mark.real_data
def test_every_number_of_wiod_2009_is_that_of_the_references(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_nothing(monkeypatch)  # the tutorial draws one on these tables
    before, table = (cf.read(real_data / f"wiod2013_{year}.zip") for year in (2005, 2009))
    out = cf.report(table, out=tmp_path / "report.html", since=before)
    Checker(Page(out.read_text(encoding="utf-8")), table, before).everything()
