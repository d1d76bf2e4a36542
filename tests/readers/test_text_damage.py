"""Text that is cut short, blank, or ends its lines otherwise, whatever layout it belongs to."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from support.files.plain_files import own, write_csv
from support.files.zips import packed

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources import _files
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._opening import open_files

CUT = "no line end after the last line: is the file cut short?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_csv(own(), tmp_path / "own")


def drained(files: Files, way: str) -> None:
    for _ in files.lines("a.csv") if way == "lines" else files.blocks("a.csv", 8):
        pass


@pytest.mark.parametrize("name", ["Z", "Y", "F", "F_Y", "row_units", "population"])
def test_a_file_cut_within_its_last_cell_is_logged(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    cf.read(folder)
    assert not caplog.records
    file = folder / f"{name}.csv"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    cf.read(folder)
    assert [record.getMessage() for record in caplog.records] == [f"{file}: {CUT}"]


def test_a_cut_file_of_exiobase_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cf.write_exiobase(cf.synthetic.world(2, 3), tmp_path / "table")
    cf.read(tmp_path)
    assert CUT not in caplog.text
    cut = [tmp_path / "table/unit.txt", *tmp_path.glob("table/*/F.txt")]
    for file in cut:
        file.write_bytes(file.read_bytes().rstrip(b"\n"))
    cf.read(tmp_path)
    assert len(cut) > 1
    assert caplog.text.count(CUT) == len(cut)
    assert all(f"{file}: {CUT}" in caplog.text for file in cut)


@pytest.mark.parametrize("way", ["lines", "blocks"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_only_a_missing_line_end_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, way: str, end: str
) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n12345,2\n3,4" + end.encode())
    with open_files(tmp_path) as files:
        drained(files, way)
    assert (CUT in caplog.text) == (end == "")


@pytest.mark.parametrize("way", ["lines", "blocks"])
def test_lines_that_end_by_carriage_return_are_named(tmp_path: Path, way: str) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\r1,2\r3,4\r")
    with (
        open_files(tmp_path) as files,
        pytest.raises(FormatError, match=r"a\.csv: expected .* got .* carriage return alone"),
    ):
        drained(files, way)


@pytest.mark.parametrize("blank", ["\n", "\r\n"])
def test_blank_lines_have_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setattr(_files, "BLANK_LINES", 50)
    file = folder / "Z.csv"
    whole = file.read_bytes()
    file.write_bytes(whole + 50 * blank.encode())
    assert cf.read(folder).Z.shape == (4, 4)
    file.write_bytes(whole + 51 * blank.encode())
    with pytest.raises(FormatError, match=r"Z\.csv, line \d+: .* more than 50 blank ones"):
        cf.read(folder)


def encrypted(path: Path) -> None:
    """Set the bits that say so, in front of every member and in the directory."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        places = [info.header_offset + 6 for info in archive.infolist()]
    at = content.find(b"PK\1\2")
    while at >= 0:
        places.append(at + 8)
        at = content.find(b"PK\1\2", at + 1)
    for place in places:
        content[place] |= 1
    path.write_bytes(content)


def test_an_encrypted_zip_is_called_so(folder: Path, tmp_path: Path) -> None:
    path = packed(folder, tmp_path / "locked.zip")
    encrypted(path)
    with pytest.raises(FormatError, match=r"locked\.zip: .*encrypted .*; unpack .* password"):
        cf.read(path)
