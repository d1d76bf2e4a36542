"""Tables of one's own: whatever pandas writes is read back bit for bit, wherever it lies."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.files.plain_files import Frames, own, write_csv, write_parquet
from support.files.zips import packed
from support.worlds.strategies import tables

from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import table_from


def frames_of(table: Table) -> Frames:
    """The DataFrames and Series that a table is, as a user of pandas has them."""
    parts = table.content
    names = pd.Index(table.stressors, name="stressor")
    frames: Frames = {
        parts.kind: pd.DataFrame(getattr(table, parts.kind).toarray(), table.rows, table.rows),
        "Y": table.Y,
        "x": table.x,
        parts.emissions_kind: getattr(table, parts.emissions_kind),
        "row_units": table.row_units,
        "stressor_units": table.stressor_units,
        "extensions": pd.Series(table.extensions, names, name="extension"),
    }
    if parts.F_Y is not None:
        frames["F_Y"] = table.F_Y
    if table.population is not None:
        frames["population"] = table.population
    return frames


def nameless(frames: Frames) -> Frames:
    """The same without names of levels, which pandas writes in other lines."""
    bare = {}
    for key, frame in frames.items():
        bare[key] = frame.rename_axis(index=[None] * frame.index.nlevels)
        if isinstance(frame, pd.DataFrame):
            bare[key] = bare[key].rename_axis(columns=[None] * frame.columns.nlevels)
    return bare


WRITERS: dict[str, Callable[[Frames, Path], Path]] = {
    "comma": write_csv,
    "semicolon": lambda frames, folder: write_csv(frames, folder, sep=";"),
    "tab": lambda frames, folder: write_csv(frames, folder, sep="\t"),
    "Windows": lambda frames, folder: write_csv(
        frames, folder, lineterminator="\r\n", encoding="utf-8-sig"
    ),
    "quoted": lambda frames, folder: write_csv(frames, folder, quoting=1),
    "Parquet": write_parquet,
}


@given(table=tables(), writer=st.sampled_from(sorted(WRITERS)), named=st.booleans())
def test_what_pandas_writes_is_read_back(table: Table, writer: str, named: bool) -> None:
    frames = frames_of(table)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own 2019"
        WRITERS[writer](frames if named else nameless(frames), path)
        got = read(path, format="plain")
    assert (got.name, got.year) == ("own 2019", 2019)
    parts = replace(got.content, name=table.name, year=table.year)
    assert table_from(parts).equals(table)


def check_own(table: Table, frames: Frames) -> None:
    np.testing.assert_array_equal(table.Z.toarray(), frames["Z"])
    for key in ("Y", "F", "F_Y"):
        np.testing.assert_array_equal(getattr(table, key), frames[key])
    np.testing.assert_allclose(table.x, frames["Z"].sum(axis=1) + frames["Y"].sum(axis=1))
    assert list(table.rows) == list(frames["Z"].index)
    assert list(table.demand) == list(frames["Y"].columns)
    assert table.stressor_units.to_dict() == {"CO2 | air": "kt", "CH4 | air": ""}
    np.testing.assert_array_equal(table.population, frames["population"])
    assert set(table.row_units) == {"M.EUR"}
    assert set(table.extensions) == {"emissions"}


@pytest.mark.parametrize("write", [write_csv, write_parquet])
@pytest.mark.parametrize("kind", ["folder", "zip", "zip in a folder", "folder in a zip"])
def test_where_a_table_may_lie(tmp_path: Path, write: Callable[..., Path], kind: str) -> None:
    frames = own()
    path = write(frames, tmp_path / "files")
    if "zip" in kind:
        (tmp_path / "2019").mkdir()
        prefix = "own/" if kind == "folder in a zip" else ""
        packed(path, tmp_path / "2019" / "own.zip", prefix)
        path = tmp_path / "2019" if kind == "zip in a folder" else tmp_path / "2019" / "own.zip"
    table = read(path)
    check_own(table, frames)
    assert table.name == ("files" if kind == "folder" else "own")
    assert table.year == (2019 if kind == "zip in a folder" else None)


def test_a_year_of_several(tmp_path: Path) -> None:
    for year in (2018, 2019):
        write_csv(own(), tmp_path / f"own_{year}")
    assert read(tmp_path, year=2018).year == 2018
    with pytest.raises(FormatError, match=r"one table, got 2 tables \(2018, 2019\)"):
        read(tmp_path)
    packed(
        write_csv(own(), tmp_path / "other" / "own_2020"), tmp_path / "own_2020.zip", "own_2020/"
    )
    with pytest.raises(FormatError, match="4 tables"):  # none hides another that lies deeper
        read(tmp_path)
    shutil.rmtree(tmp_path / "other")
    assert read(tmp_path, year=2020).year == 2020
    write_csv(own(), tmp_path / "own_2018" / "draft_1999")  # what lies inside a table is its own
    assert read(tmp_path, year=2018).year == 2018
    with pytest.raises(FormatError, match=r"3 tables \(2018, 2019, 2020\)"):
        read(tmp_path)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_stressors_that_are_wanted(tmp_path: Path, write: Callable[..., Path]) -> None:
    frames = own()
    if write is write_csv:
        frames["F"] = frames["F"].astype(object)
        frames["F"].iloc[0] = "never parsed"
    path = write(frames, tmp_path / "own")
    table = read(path, stressors="CH4 | air")
    assert list(table.stressor_units.items()) == [("CH4 | air", "")]
    np.testing.assert_array_equal(table.F, frames["F"].iloc[1:].astype(float))
    np.testing.assert_array_equal(table.F_Y, frames["F_Y"].iloc[1:])
    with pytest.raises(LabelError, match=r"got 'CH4'; nearest are 'CH4 \| air'"):
        read(path, stressors="CH4")


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_what_may_be_left_out(
    tmp_path: Path, write: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Units, which is logged; with A also x, which is solved."""
    frames = {key: own()[key] for key in "ZYF"}
    x = frames["Z"].sum(axis=1) + frames["Y"].sum(axis=1)
    frames["A"] = frames.pop("Z") / x.to_numpy()
    frames["S"] = frames.pop("F") / x.to_numpy()
    with caplog.at_level(logging.WARNING):
        table = read(write(frames, tmp_path / "own"))
    assert "no row_units beside it; the units of rows are unknown" in caplog.text
    assert "no stressor_units beside it; the units of stressors are unknown" in caplog.text
    assert set(table.row_units) | set(table.stressor_units) == {""}
    assert table.population is None
    assert table.content.F_Y is None
    np.testing.assert_allclose(table.A.toarray(), frames["A"])
    import carbonflows_fast  # noqa: F401 (brings the solver)

    np.testing.assert_allclose(table.x, x, rtol=1e-9)


def test_empty_cells_count_as_zero_and_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = own()
    frames["Y"].iloc[1, 2] = np.nan
    folder = write_csv(frames, tmp_path / "own")
    with pytest.raises(
        FormatError, match=r"Y\.csv, line 5, row .*, column .*: .*an empty cell; fill"
    ):
        read(folder)
    with caplog.at_level(logging.WARNING):
        table = read(folder, blanks="zero")
    assert table.Y.iloc[1, 2] == 0.0
    assert "Y.csv: 1 empty cell counts as zero" in caplog.text


def test_what_is_wrong_with_labels_is_said(tmp_path: Path) -> None:
    frames = own()
    Y = frames["Y"]
    region, category = Y.columns[-1]
    columns = pd.MultiIndex.from_tuples([*Y.columns[:-1], (f"{region} ", category)])
    at = len(columns)
    misnamed = {"Y": Y.set_axis(columns.set_names(Y.columns.names), axis=1)}
    total = {"Y": pd.concat([Y, pd.DataFrame([Y.sum()], [("Total", "Total")])])}
    total["Y"].index = pd.MultiIndex.from_tuples(total["Y"].index, names=Y.index.names)
    for name, changed, said in (
        ("misnamed", misnamed, rf"Y\.csv, columns: .*{region} . at position {at}; write"),
        ("total", total, r"Y\.csv, rows: .*; leave the totals out"),
        ("transposed", {"F": frames["F"].T}, r"F\.csv, labels of rows: .* it is transposed"),
    ):
        write_csv(frames | changed, tmp_path / name)
        with pytest.raises(FormatError, match=said):
            read(tmp_path / name)
