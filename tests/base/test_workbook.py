"""Workbooks: what is written is read back, and nothing in them runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from carbonflows_fast._base import workbook
from carbonflows_fast._base.workbook import check_workbook, write_workbook
from carbonflows_fast.errors import InputError

NUMBERS = [0.1 + 0.2, -1e300, 5e-324, 2.0**53, np.nan, np.inf]
TEXTS = ["=1+1", "#N/A", "", "Côte d'Ivoire", "a\x01b", " x "]


def frame() -> pd.DataFrame:
    return pd.DataFrame({"number": NUMBERS, "text": TEXTS, "whole": range(6),
                         "kind": pd.Categorical(list("abcabc")), 2019: True})  # fmt: skip


def test_numbers_and_texts_come_back(tmp_path: Path) -> None:
    write_workbook({"one": frame(), "two": frame()[:0]}, tmp_path / "a.xlsx")
    sheets = pd.read_excel(
        tmp_path / "a.xlsx", sheet_name=None, engine="openpyxl", keep_default_na=False
    )
    assert list(sheets) == ["one", "two"]
    assert list(sheets["two"].columns) == ["number", "text", "whole", "kind", "2019"]
    found = sheets["one"]
    assert np.allclose(found.number[:4].astype(float), NUMBERS[:4], rtol=1e-15, atol=0.0)
    assert found.number[4:].tolist() == ["", ""]
    assert found.text.tolist() == [*TEXTS[:4], "a\ufffdb", " x "]
    assert found.whole.tolist() == [*range(6)]
    assert found.kind.tolist() == [*"abcabc"]


def test_texts_of_a_ledger_are_no_formulas(tmp_path: Path) -> None:
    import openpyxl

    write_workbook({"one": frame()}, tmp_path / "a.xlsx")
    cells = openpyxl.load_workbook(tmp_path / "a.xlsx")["one"]["B"]
    assert {cell.data_type for cell in cells[1:]} == {"s", "inlineStr"}
    assert cells[1].value == "=1+1"


def test_what_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"expected a file name that ends in \.xlsx"):
        check_workbook(tmp_path / "a.xls", "path")
    with pytest.raises(
        InputError, match=r"expected texts of at most 32,767 letters, .* got 40,000"
    ):
        write_workbook({"one": pd.DataFrame({"a": ["x" * 40_000]})}, tmp_path / "a.xlsx")
    monkeypatch.setattr(workbook, "MOST_ROWS", 5)
    for refused in (lambda path: check_workbook(path, "path", 6),
                    lambda path: write_workbook({"one": frame()}, path)):  # fmt: skip
        with pytest.raises(InputError, match=r"expected at most 5 rows, .* got 6; write a \.csv"):
            refused(tmp_path / "a.xlsx")


def test_without_openpyxl_there_is_one_sentence(tmp_path: Path) -> None:
    missing: dict[str, Any] = {"openpyxl": None}
    with mock.patch.dict(sys.modules, missing), pytest.raises(InputError) as caught:
        check_workbook(tmp_path / "a.xlsx", "--out")
    assert str(caught.value).startswith("openpyxl: expected an installed package, to write .xlsx")
    assert "pip install 'carbonflows_fast[excel]'" in str(caught.value)
