"""Numbers, text tables and files of the command line."""

from __future__ import annotations

import html
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from carbonflows_fast._base.files import replacing
from carbonflows_fast._base.wording import percent
from carbonflows_fast.cli import _files, _text
from carbonflows_fast.errors import InputError
from carbonflows_fast.reporting._html import share


def test_numbers_as_text() -> None:
    assert _text.numbers([0.0, 0.0]) == ["0", "0"]
    assert _text.numbers([1e-9, 2e-9])[0] == "1.0000e-09"
    assert _text.numbers([float("nan"), 99999.4]) == ["-", "99,999"]
    assert _text.numbers([-0.0001, 5000.0]) == ["0.0", "5,000.0"]
    assert _text.numbers([]) == []


@pytest.mark.parametrize("value", [0.239, -0.4, 0.0, -1e-9, 12.5, -12.5, float("nan")])
def test_a_share_reads_the_same_on_screen_in_figures_and_in_reports(value: float) -> None:
    text = percent(value)
    assert _text.percent(value).replace("-", "−") == text
    page = html.unescape(share("traded", value))
    assert page.replace("\N{NO-BREAK SPACE}", " ").endswith(f">{text}</data>")


def test_json_has_null_where_there_is_no_number(tmp_path: Path) -> None:
    frame = pd.DataFrame({"region": ["AT", "Türkiye"], "share": [float("nan"), 0.5]})
    _files.write_out(frame, tmp_path / "a.json")
    written = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(written)[0] == {"region": "AT", "share": None}
    assert "Türkiye" in written


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    text = _text.columns(["from", "to", "kt"], [["CHN", "USA", "1"], ["A", "B", "1,234"]], left=2)
    assert text.splitlines() == ["from  to      kt", "CHN   USA      1", "A     B    1,234"]


def test_a_file_is_replaced_at_once_and_its_extension_may_be_in_capitals(tmp_path: Path) -> None:
    path = tmp_path / "a.CSV"
    path.write_text("old")
    _files.write_out(pd.DataFrame({"x": [0.1 + 0.2]}), path)
    assert path.read_text() == "x\n0.30000000000000004\n"
    assert os.listdir(tmp_path) == ["a.CSV"]
    with pytest.raises(InputError, match="--out: expected a file name"):
        _files.write_out(pd.DataFrame(), tmp_path / "a.txt")
    _files.write_out(pd.DataFrame(), None)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("before")
    (tmp_path / "link.csv").symlink_to("there.csv")
    with replacing(tmp_path / "link.csv", "out") as fresh:
        fresh.write_text("after")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "there.csv").read_text() == "after"
