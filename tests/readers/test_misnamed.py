"""Files that a table may do without are not left out in silence for the way they are called."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from support.files.plain_files import own, write_csv
from support.files.zips import packed

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("F_Y", "FY"), ("F_Y", "F_y"), ("F_Y", "f-y"), ("F_Y", "F_hh"), ("row_units", "rowunits"),
        ("population", "Population"), ("stressor_units", "Stressor Units"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("zipped", [False, True])
def test_a_misnamed_file_of_ones_own_is_refused(
    tmp_path: Path, right: str, wrong: str, zipped: bool
) -> None:
    folder = write_csv(own(), tmp_path / "own")
    (folder / f"{right}.csv").rename(folder / f"{wrong}.csv")
    path = packed(folder, tmp_path / "own.zip") if zipped else folder
    with pytest.raises(FormatError, match=rf"{wrong}\.csv: expected {right}\.csv.*; rename it"):
        cf.read(path)


def test_x_of_ones_own_is_small(tmp_path: Path) -> None:
    frames = own()
    frames["X"] = (frames["Z"].sum(axis=1) + frames["Y"].sum(axis=1) + 1).rename("x")
    folder = write_csv(frames, tmp_path)
    with pytest.raises(FormatError, match=r"X\.csv: expected x\.csv"):
        cf.read(folder)
    (folder / "X.csv").rename(folder / "x.csv")
    assert cf.read(folder).x.to_numpy().tolist() == frames["X"].tolist()


def test_what_else_lies_beside_ones_own_table_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_csv(own(), tmp_path)
    table = cf.read(folder)
    assert not caplog.records
    for name in ("notes.txt", "Value added.csv", "z.csv"):  # Z is there
        (folder / name).write_text("1\n")
    assert cf.read(folder).equals(table)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith("is called so: Value added.csv, z.csv")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("F_Y", "F_y"), ("F_Y", "fy"), ("F_Y", "f_hh"), ("F", "f"), ("unit", "Unit")],
)
def test_a_misnamed_file_of_an_extension_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    cf.write_exiobase(cf.synthetic.world(2, 3), tmp_path / "table")
    for listed in tmp_path.rglob("file_parameters.json"):
        listed.unlink()
    table = cf.read(tmp_path)
    file = next(tmp_path.glob(f"table/*/{right}.txt"))
    file.rename(file.with_name(f"{wrong}.txt"))
    with pytest.raises(FormatError, match=rf"{wrong}\.txt: expected {right}\.txt.*; rename it"):
        cf.read(tmp_path)
    file.with_name(f"{wrong}.txt").rename(file.with_name("FY.txt" if right == "F_Y" else file.name))
    assert cf.read(tmp_path).equals(table)  # pymrio called it FY once


@pytest.mark.parametrize(("right", "wrong"), [("x", "X"), ("unit", "Unit")])
def test_a_misnamed_file_of_exiobase_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    cf.write_exiobase(cf.synthetic.world(2, 3), tmp_path)
    (tmp_path / "file_parameters.json").unlink()
    (tmp_path / f"{right}.txt").rename(tmp_path / f"{wrong}.txt")
    with pytest.raises(FormatError, match=rf"{wrong}\.txt: expected {right}\.txt.*; rename it"):
        cf.read(tmp_path)
