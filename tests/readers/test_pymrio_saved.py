"""What pymrio saves, in each of its formats, is read with every number and label as it was."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonflows_fast.errors import FormatError
from carbonflows_fast.pymrio_bridge import from_pymrio
from carbonflows_fast.readers import read
from carbonflows_fast.table import Table

FORMATS = ("txt", "parquet")
EXACT = "%.17g"  # pymrio's own default keeps 12 digits
NUMBERS = [1 / 3, 5e-324, 9.999999999999999e99, -0.0, 0.1 + 0.2, 1e22, 2.0**53 + 2, -1e-5, 7.0]
NAMES = ["NA", 'a 5" pipe', "it's, so", "a.b", "a", "01T02", "Köln | x", "(1, 2)", "None", "1"]


def saved(io: Any, path: Path, table_format: str) -> Path:
    io.save_all(path, table_format=table_format, float_format=EXACT)
    return path


def assert_holds(table: Table, io: Any) -> None:
    """Assert that a table has the numbers and labels of an IOSystem, extension by extension."""
    rows = [tuple(map(str, row)) for row in io.Z.index]
    assert list(table.rows) == rows
    assert list(table.demand) == [tuple(map(str, column)) for column in io.Y.columns]
    assert np.array_equal(table.Z.toarray(), io.Z.to_numpy())
    assert table.Y.to_numpy().tobytes() == io.Y.to_numpy(float).tobytes()
    if io.x is not None:
        assert table.x.to_numpy().tobytes() == io.x["indout"].to_numpy(float).tobytes()
    assert list(table.row_units) == list(io.unit["unit"])
    extensions = list(io.get_extensions())
    has_F_Y = any(getattr(io, name).F_Y is not None for name in extensions)
    assert (table.content.F_Y is not None) == has_F_Y
    assert sorted(set(table.extensions)) == sorted(extensions)
    for name in extensions:
        extension = getattr(io, name)
        here = np.array([one == name for one in table.extensions])
        assert table.F.to_numpy()[here].tobytes() == extension.F.to_numpy(float).tobytes()
        F_Y = 0 if extension.F_Y is None else extension.F_Y.to_numpy(float)
        if has_F_Y:
            assert np.array_equal(
                table.F_Y.to_numpy()[here], F_Y + np.zeros((here.sum(), io.Y.shape[1]))
            )
        names = [label if isinstance(label, tuple) else (label,) for label in extension.F.index]
        bare = [" | ".join(str(part) for part in label if part == part) for label in names]
        read_as = [n.removeprefix(f"{name}: ") for n in np.array(table.stressors)[here]]
        assert read_as == bare
        assert list(table.stressor_units[here]) == list(extension.unit["unit"])


# --- the test system of pymrio ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("table_format", "calculated"),
    [(name, False) for name in (*FORMATS, "csv", "parq")] + [(name, True) for name in FORMATS],
)
def test_every_format_with_and_without_accounts(
    tmp_path: Path, table_format: str, calculated: bool
) -> None:
    io = pymrio.load_test()
    if calculated:
        io.calc_all()
    path = saved(io, tmp_path / "test", table_format)
    assert (path / "emissions" / f"D_cba.{table_format}").exists() == calculated
    assert (path / f"x.{table_format}").exists() == calculated
    table = read(path)
    assert_holds(table, io)
    assert list(table.population) == io.population.iloc[0].tolist()
    assert table.name == "testmrio pxp v1"
    assert table.content.kind == "Z"


@pytest.mark.parametrize("table_format", FORMATS)
def test_an_archive_at_its_root_in_a_folder_and_two_in_one(
    tmp_path: Path, table_format: str
) -> None:
    io = pymrio.load_test()
    path = saved(io, tmp_path / "test", table_format)
    pymrio.archive(path, tmp_path / "root.zip")
    assert_holds(read(tmp_path / "root.zip"), io)
    for year in (2001, 2002):
        io.Y = io.Y + year
        saved(io, path, table_format)
        pymrio.archive(path, tmp_path / "two.zip", path_in_arc=f"mrio_{year}/")
    table = read(tmp_path / "two.zip", year=2002)
    assert_holds(table, io)
    assert table.year == 2002
    with pytest.raises(FormatError, match=r"expected one table, got 2 tables \(2001, 2002\)"):
        read(tmp_path / "two.zip")
    assert read(tmp_path / "two.zip" / "mrio_2002").equals(table)
    with pytest.raises(FormatError, match=r"two\.zip.mrio_2003: .*nothing of this name"):
        read(tmp_path / "two.zip" / "mrio_2003")


@pytest.mark.parametrize("table_format", FORMATS)
def test_a_table_in_a_sub_folder(tmp_path: Path, table_format: str) -> None:
    io = pymrio.load_test()
    path = saved(io, tmp_path / "a" / "b", table_format)
    assert_holds(read(tmp_path), io)
    (tmp_path / "a" / "c").mkdir()
    path = path.rename(tmp_path / "a" / "c" / "d")
    with pytest.raises(FormatError, match=r"some in a/c/d/ that are deeper"):  # not read in part
        read(tmp_path)
    with pytest.raises(FormatError, match=r"emissions: expected a table in a known layout"):
        read(path / "emissions")


@pytest.mark.parametrize("table_format", FORMATS)
def test_aggregated_tables_and_renamed_extensions(tmp_path: Path, table_format: str) -> None:
    io = pymrio.load_test().aggregate(
        region_agg=["OECD", "OECD", "OECD", "rest", "rest", "rest"], sector_agg=[0] * 4 + [1] * 4
    )
    io.emissions.name = "Emissions to air & water"
    io.air = io.emissions
    del io.emissions
    io.calc_all()
    table = read(saved(io, tmp_path / "test", table_format))
    assert table.regions == ("OECD", "rest")
    assert "air" in table.extensions
    assert_holds(table, io)


@pytest.mark.parametrize("table_format", FORMATS)
def test_stressors_that_lack_a_level(tmp_path: Path, table_format: str) -> None:
    io = pymrio.load_test()
    io.all_of_them = pymrio.extension_concate(
        io.emissions, io.factor_inputs, new_extension_name="x"
    )
    del io.emissions, io.factor_inputs
    assert io.all_of_them.F.index.nlevels == 2
    table = read(saved(io, tmp_path / "test", table_format))
    assert table.stressors == ("emission_type1 | air", "emission_type2 | water", "Value Added")
    assert from_pymrio(io).stressors == table.stressors
    assert list(table.stressor_units) == ["kg", "kg", "Mill USD"]
    assert np.array_equal(table.F, io.all_of_them.F)


@pytest.mark.parametrize("table_format", FORMATS)
def test_what_is_older(tmp_path: Path, table_format: str) -> None:
    """pymrio before 0.4 called F_Y FY; EXIOBASE before 3.8 called it F_hh."""
    io = pymrio.load_test()
    path = saved(io, tmp_path / "test", table_format)
    for old in ("FY", "F_hh"):
        here = path / "emissions"
        was = "F_Y" if old == "FY" else "FY"
        (here / f"{was}.{table_format}").rename(here / f"{old}.{table_format}")
        text = (here / "file_parameters.json").read_text().replace(was, old)
        (here / "file_parameters.json").write_text(text)
        assert_holds(read(path), io)
        (here / "file_parameters.json").rename(here / "kept")  # found by name as well
        assert_holds(read(path), io)
        (here / "kept").rename(here / "file_parameters.json")


@pytest.mark.parametrize("table_format", ["pkl", "pickle"])
def test_a_pickle_is_refused_and_how_to_save_it_anew_works(
    tmp_path: Path, table_format: str
) -> None:
    io = pymrio.load_test()
    path = saved(io, tmp_path / "test", table_format)
    with pytest.raises(FormatError, match="a pickle, which can run any code") as caught:
        read(path)
    assert f"Z.{table_format}: expected a text or Parquet file" in str(caught.value)
    remedy = str(caught.value).partition("save it anew: ")[2]
    again = tmp_path / "again"
    assert remedy == "pymrio.load_all(path).save_all(new_path, table_format='parquet')"
    pymrio.load_all(path).save_all(again, table_format="parquet")
    assert_holds(read(again), io)


def test_a_pickle_without_parameters_is_no_table(tmp_path: Path) -> None:
    path = saved(pymrio.load_test(), tmp_path / "test", "pkl")
    (path / "file_parameters.json").unlink()
    with pytest.raises(FormatError, match="a table in a known layout"):
        read(path)


def test_commas_are_refused_with_the_place(tmp_path: Path) -> None:
    pymrio.load_test().save_all(tmp_path / "test", sep=",")
    with pytest.raises(FormatError, match=r"Z\.txt, line 1: expected a header line of .*tab-sep"):
        read(tmp_path / "test")


def test_parameters_may_be_missing(tmp_path: Path) -> None:
    io = pymrio.load_test()
    path = saved(io, tmp_path / "test", "parquet")
    (path / "emissions" / "file_parameters.json").unlink()
    assert_holds(read(path), io)


# --- random systems ---------------------------------------------------------------------------


@st.composite
def systems(draw: st.DrawFn) -> Any:
    """Random IOSystems with awkward labels and numbers; some columns are whole numbers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    some = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
    named = draw(st.booleans())
    rows = pd.MultiIndex.from_product(
        [draw(some), draw(some)], names=["region", "sector"] if named else None
    )
    demand = pd.MultiIndex.from_product([rows.levels[0], draw(some)])

    def frame(index: Any, columns: Any) -> pd.DataFrame:
        values = rng.lognormal(size=(len(index), len(columns)))
        values[rng.random(values.shape) < 0.4] = 0.0
        odd = rng.random(values.shape) < 0.2
        values[odd] = rng.choice(NUMBERS, odd.sum())
        made = pd.DataFrame(values, index, columns)
        whole = dict.fromkeys(columns[rng.random(len(columns)) < 0.2], np.int64)
        return made.where(made.abs() < 1e15, 1.0).astype(whole) if whole else made

    def units(index: Any) -> pd.DataFrame:
        return pd.DataFrame(
            {"unit": rng.choice(['kg "dry"', "M.EUR", "1000 p"], len(index))}, index
        )

    io = pymrio.IOSystem(Z=frame(rows, rows), Y=frame(rows, demand), unit=units(rows))
    if draw(st.booleans()):
        io.x = frame(rows, pd.Index(["indout"])).abs() + 1
    for name in draw(st.lists(st.sampled_from(["air", "b_c", "Q"]), max_size=3, unique=True)):
        levels = [draw(some) for _ in range(draw(st.integers(1, 3)))]
        index = pd.MultiIndex.from_product(levels) if len(levels) > 1 else pd.Index(levels[0])
        F_Y = frame(index, demand) if draw(st.booleans()) else None
        parts = {"F": frame(index, rows), "F_Y": F_Y, "unit": units(index)}
        setattr(io, name, pymrio.Extension(name, **parts))
    return io


@settings(max_examples=settings().max_examples // 4)  # each is saved and read four times
@given(io=systems())
def test_a_random_system_is_read_as_it_was(io: Any, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("random")
    for table_format in FORMATS:
        path = saved(io, folder / table_format, table_format)
        assert_holds(read(path), io)
        pymrio.archive(path, folder / f"{table_format}.zip")
        assert_holds(read(folder / f"{table_format}.zip"), io)
    shutil.rmtree(folder)


@pytest.mark.parametrize("table_format", FORMATS)
def test_missing_numbers_count_as_zero_and_missing_heads_are_unknown(
    tmp_path: Path, table_format: str, caplog: pytest.LogCaptureFixture
) -> None:
    io = pymrio.load_test()
    io.emissions.F = io.emissions.F.astype(float)
    io.emissions.F.iloc[0, :3] = np.nan
    io.population.iloc[0, 2] = np.nan
    folder = saved(io, tmp_path / "test", table_format)
    with pytest.raises(FormatError, match="an empty cell, the first of 3 in the file"):
        read(folder)
    with caplog.at_level(logging.WARNING):
        table = read(folder, blanks="zero")
    assert f"F.{table_format}: 3 empty cells count as zero" in caplog.text
    assert "population" not in caplog.text
    assert np.array_equal(table.F.iloc[:2], io.emissions.F.fillna(0.0))
    assert np.array_equal(table.population, io.population.iloc[0], equal_nan=True)


def test_the_parameters_name_the_files(tmp_path: Path) -> None:
    io = pymrio.load_test()
    path = saved(io, tmp_path / "test", "parquet")
    (path / "Z.parquet").rename(path / "flows.parquet")
    parameters = json.loads((path / "file_parameters.json").read_text())
    parameters["files"]["Z"]["name"] = "flows.parquet"
    (path / "file_parameters.json").write_text(json.dumps(parameters))
    assert_holds(read(path), io)
