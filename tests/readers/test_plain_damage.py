"""Tables of one's own that are wrong: every complaint names file and place."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.files.plain_files import Frames, own, write_csv, write_parquet

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read


def put(key: str, value: Any) -> Callable[[Frames], None]:
    return lambda frames: frames.update({key: value(frames[key])})


def drop(*keys: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        for key in keys:
            del frames[key]

    return change


def relabelled(frame: Any, axis: str, at: int, label: Any) -> Any:
    index = list(getattr(frame, axis))
    names = getattr(frame, axis).names
    index[at] = label
    make = pd.MultiIndex.from_tuples if isinstance(label, tuple) else pd.Index
    return frame.set_axis(make(index).set_names(names), axis=axis)


BOTH = {
    "no Y": (drop("Y"), r"own: expected a table in a known layout"),
    "no matrix": (drop("Z"), r"own: expected a table in a known layout"),
    "no emissions": (drop("F"), r"F\.\w+: expected F\.\w+ or S\.\w+, got neither; write one"),
    "both": (lambda f: f.update(A=f["Z"]), r"expected Z\.\w+ or A\.\w+, got both; keep one: A"),
    "order": (
        put("Z", lambda Z: Z.iloc[:, ::-1]),
        r"Z\.\w+, rows, position 1: .* same labels stand in another order",
    ),
    "rows of Y": (put("Y", lambda Y: Y.iloc[:3]), r"Y\.\w+, rows: expected 4 labels, as in .*Z\."),
    "columns of F": (put("F", lambda F: F.iloc[:, :3]), r"F\.\w+, columns: expected 4 labels"),
    "rows of F_Y": (put("F_Y", lambda F: F.iloc[::-1]), r"F_Y\.\w+, rows, position 1: expected"),
    "columns of F_Y": (put("F_Y", lambda F: F.iloc[:, ::-1]), r"F_Y\.\w+, columns, position 1"),
    "units": (put("row_units", lambda u: u.iloc[1:]), r"row_units\.\w+, rows: expected 4 labels"),
    "stressor units": (
        put("stressor_units", lambda u: u.iloc[::-1]), r"stressor_units\.\w+, rows, position 1"
    ),
    "heads": (put("population", lambda p: p.iloc[::-1]), r"population\.\w+, rows, position 1"),
    "negative heads": (put("population", lambda p: -p), r"own.*population: expected heads"),
    "x": (
        lambda f: f.update(x=f["Z"].iloc[::-1, 0].rename("x")), r"x\.\w+, rows, position 1: exp"
    ),
    "infinite": (put("Y", lambda Y: Y * np.inf), r"Y\.\w+, .*row .*: expected a finite number"),
    "text": (put("Y", lambda Y: Y.astype(str) + "?"), r"Y\.\w+.*, column .*: expected"),
    "twice": (
        put("F", lambda F: relabelled(F, "index", 1, ("CO2", "air"))),
        r"F\.\w+, stressor 'CO2 \| air': expected every stressor labelled, and once, got it again",
    ),
    "no category": (
        put("Y", lambda Y: relabelled(Y, "columns", 1, ("NA", ""))),
        r"Y\.\w+, column 'NA \| ': expected every column labelled, and once, got an empty text",
    ),
    "foreign demand": (
        lambda f: (
            drop("F_Y")(f),
            drop("population")(f),
            put("Y", lambda Y: relabelled(Y, "columns", 1, ("na", "h")))(f),
        ),
        r"own.*columns: expected the regions of the rows, spelt alike.* got 'na'.*write 'NA'",
    ),
    "no sector": (
        put("Z", lambda Z: relabelled(Z, "index", 1, ("NA", " "))), r"Z\.\w+, .*: expected a text"
    ),
    "swapped": (
        lambda f: f.update({key: f[key].swaplevel().T.swaplevel().T for key in "Z"}),
        r"Z\.\w+, labels of rows: expected the two levels region, sector, got (sector, region|2)",
    ),
    "one level": (
        put("Y", lambda Y: Y.droplevel("category", axis=1).iloc[:, ::2]),
        r"Y\.\w+, labels of \w+: expected the two levels region, (sector|category), got 1",
    ),
    "unit level": (
        put("F", lambda F: F.rename_axis(index=["stressor", "Unit"])),
        r"F\.\w+, labels of rows: expected the names of stressors alone, got a level 'Unit'; put",
    ),
    "columns of x": (
        lambda f: f.update(x=f["Z"].iloc[:, 0].rename("x").to_frame().assign(y=1.0)),
        r"x\.\w+: expected 2 level\(s\) of labels and one column of numbers, got \d level",
    ),
}  # fmt: skip


@pytest.mark.parametrize("write", [write_csv, write_parquet])
@pytest.mark.parametrize("damage", BOTH)
def test_what_is_wrong_is_named(tmp_path: Path, write: Callable[..., Path], damage: str) -> None:
    change, message = BOTH[damage]
    frames = own()
    change(frames)
    with pytest.raises(FormatError, match=message):
        read(write(frames, tmp_path / "own"))


def text(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """Return what changes the text of a CSV file."""

    def damage(folder: Path) -> None:
        path = folder / f"{name}.csv"
        before = path.read_text()
        after = change(before)
        assert after != before
        path.write_text(after)

    return damage


def column_as(kind: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        frame = pd.read_parquet(folder / "Y.parquet")
        frame[frame.columns[1]] = frame[frame.columns[1]].astype(kind)
        frame.to_parquet(folder / "Y.parquet")

    return damage


def cell_as(value: float | None) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        frame = pd.read_parquet(folder / "Y.parquet")
        frame.iloc[1, 2] = value
        frame.to_parquet(folder / "Y.parquet")

    return damage


def truncated(folder: Path) -> None:
    path = folder / "Z.parquet"
    path.write_bytes(path.read_bytes()[:-40])


def bare(folder: Path) -> None:
    """What Arrow writes by itself: no index."""
    from pyarrow import parquet

    table = parquet.read_table(folder / "Y.parquet")
    parquet.write_table(table.replace_schema_metadata(), folder / "Y.parquet")


COMMAS = {"sep": ";", "decimal": ","}
CSV = {
    "cut short": (text("Z", lambda t: t[:-30]), r"Z.csv, line 7.*: expected 4 numbers, got \d"),
    "cut at a line": (text("Z", lambda t: t[: t.rindex("Côte")]), r"Z.csv, rows: expected 4 lab"),
    "empty": (text("F", lambda t: ""), r"F.csv, line 1: expected a header line .* got nothing"),
    "no table": (text("F", lambda t: "numbers"), r"F.csv, line 1: .* delimited by commas, semi"),
    "one header": (
        text("Y", lambda t: "region,sector,a,b,c,d\n" + t.split("\n", 3)[3]),
        r"Y.csv, labels of rows: expected the two levels region, sector, got 1",
    ),
    "number": (text("Y", lambda t: t.replace("1.", "l.", 1)), r"Y.csv, line \d, .* got 'l\."),
    "NaN": (text("F", lambda t: t.replace(",0.", ",nan0.", 1)), r"F.csv, line .* got 'nan0"),
    "row twice": (
        text("Z", lambda t: t.replace('the ""rest""', "Steel; iron, n.e.c.")),
        r"Z.csv, row 'NA \| Steel; iron, n.e.c.': expected every row labelled, and once, got it",
    ),
    "population": (text("population", lambda t: t + "DE,1\n"), r"population.csv, rows: expected 2"),
    "units": (text("row_units", lambda t: t + "DE\n"), r"row_units.csv, line 6: expected 2 label"),
}  # fmt: skip
PARQUET = {
    "cut short": (truncated, r"Z.parquet: expected a complete Parquet file, .* it is damaged"),
    "text": (
        lambda folder: (folder / "F.parquet").write_text("no Parquet"),
        r"F.parquet: expected a complete Parquet file",
    ),
    "bool": (
        column_as(bool),
        r"Y.parquet, column 'NA \| inventories': expected numbers, got cells of type bool",
    ),
    "str": (column_as(str), r"Y.parquet, column 'NA \| inventories': .* of type .*string"),
    "NaN": (
        cell_as(np.nan),
        r"Y.parquet, row 2 \('NA \| the \"rest\"'\), column .*, got an empty cell; fill",
    ),
    "inf": (
        cell_as(-np.inf),
        r"row 2 .*, column \"Côte d'Ivoire \| households\": .*, got -inf; correct the cell;",
    ),
    "units": (
        lambda folder: own()["stressor_units"].replace("", None).to_frame().to_parquet(
            folder / "stressor_units.parquet"
        ),
        r"stressor_units.parquet, row 2: expected a text, got None; write texts, empty ones",
    ),
    "two units": (
        lambda folder: own()["stressor_units"].to_frame().assign(more="").to_parquet(
            folder / "stressor_units.parquet"
        ),
        r"stressor_units.parquet: expected one column, got 2",
    ),
    "no index": (bare, r"Y.parquet: expected a DataFrame with labels in its index, .* no index"),
}  # fmt: skip


@pytest.mark.parametrize("damage", CSV)
def test_damage_to_text_is_named(tmp_path: Path, damage: str) -> None:
    change, message = CSV[damage]
    folder = write_csv(own(), tmp_path / "own")
    change(folder)
    with pytest.raises(FormatError, match=message):
        read(folder)


@pytest.mark.parametrize("damage", PARQUET)
def test_damage_to_parquet_is_named(tmp_path: Path, damage: str) -> None:
    change, message = PARQUET[damage]
    folder = write_parquet(own(), tmp_path / "own")
    change(folder)
    with pytest.raises(FormatError, match=message):
        read(folder)


@pytest.mark.parametrize("options", [COMMAS, {"decimal": ","}, {"sep": "\t", "decimal": ","}])
def test_decimal_commas_are_refused(tmp_path: Path, options: dict[str, str]) -> None:
    folder = write_csv(own(), tmp_path / "own", **options)
    with pytest.raises(FormatError, match=r"Z.csv, line 4.* got '\d,\d+'; write decimals with"):
        read(folder)


@pytest.mark.parametrize(("encoding", "line"), [("latin-1", 1), ("utf-16", 1)])
def test_other_encodings_are_refused(tmp_path: Path, encoding: str, line: int) -> None:
    folder = write_csv(own(), tmp_path / "own", encoding=encoding)
    with pytest.raises(FormatError, match=rf"Z.csv, line {line}: expected UTF-8 text"):
        read(folder)


def test_text_and_parquet_are_not_mixed(tmp_path: Path) -> None:
    write_csv(own(), tmp_path / "own")
    write_parquet({"F_Y": own()["F_Y"]}, tmp_path / "own")
    with pytest.raises(FormatError, match=r"own: expected all files as CSV or all as Parquet, got"):
        read(tmp_path)


def test_a_stressor_without_numbers_is_not_lost_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = {key: own()[key] for key in "ZYF"}
    frames["F"].index = ["CO2", "CH4"]
    frames["F"].iloc[0] = np.nan
    with caplog.at_level(logging.WARNING):
        read(write_csv(frames, tmp_path / "own"))
    assert "F.csv, line 3: 'CO2' has no numbers, and is taken for" in caplog.text


def test_folders_of_pymrio_are_not_plain(tmp_path: Path) -> None:
    folder = write_parquet(own(), tmp_path / "own")
    (folder / "file_parameters.json").write_text("{}")
    with pytest.raises(FormatError, match="expected tables of format plain, got exiobase3 alone"):
        read(folder, format="plain")


def test_damaged_parquet_never_passes(tmp_path: Path) -> None:
    """Bytes changed or cut anywhere: an error, or numbers of the same shape, but no crash."""
    folder = write_parquet({key: own()[key] for key in "ZYF"}, tmp_path / "own")
    path = folder / "Y.parquet"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        damaged = bytearray(content)
        damaged[int(rng.integers(len(content)))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged[: len(damaged) - int(rng.integers(0, 2)) * int(rng.integers(99))])
        try:
            assert read(folder).Y.shape == (4, 4)
        except FormatError:
            refused += 1
    assert refused > 10
