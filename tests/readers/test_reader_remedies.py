"""Every remedy that an error of a reader, or of the gate of Table, names is tried."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import carbonflows_fast as cf
from carbonflows_fast import Table
from carbonflows_fast.cli import main
from carbonflows_fast.errors import CarbonFlowsError

ROWS = pd.MultiIndex.from_product([["DE", "NA"], ["coal", "steel"]], names=["region", "sector"])
DEMAND = pd.MultiIndex.from_product([["DE", "NA"], ["homes"]], names=["region", "category"])
STRESSORS = pd.Index(["CO2"], name="stressor")


def frames() -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(0)
    return {
        "Z": pd.DataFrame(random.random((4, 4)), ROWS, ROWS),
        "Y": pd.DataFrame(random.random((4, 2)) + 1, ROWS, DEMAND),
        "F": pd.DataFrame(random.random((1, 4)), STRESSORS, ROWS),
    }


def own(folder: Path, **changed: pd.DataFrame) -> Path:
    folder.mkdir(parents=True)
    for key, frame in (frames() | changed).items():
        frame.to_csv(folder / f"{key}.csv")
    return folder


def complaint(call: Callable[[], Any]) -> str:
    with pytest.raises(CarbonFlowsError) as caught:
        call()
    return str(caught.value)


# --- reading ----------------------------------------------------------------------------------


def with_gaps(folder: Path) -> Path:
    return own(folder, Y=frames()["Y"].replace(frames()["Y"].iloc[1, 1], np.nan))


def test_empty_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = with_gaps(tmp_path / "own")
    said = complaint(lambda: cf.read(folder))
    assert "line 5, row 'DE | steel', column 'NA | homes'" in said
    assert 'fill in what is missing; where empty means zero, ask for blanks="zero"' in said
    assert cf.read(folder, blanks="zero").Y.iloc[1, 1] == 0
    assert cf.check(folder, blanks="zero").ok
    assert cf.read(own(tmp_path / "filled")).Y.iloc[1, 1] > 0
    for command in ("accounts", "flows", "info", "check", "convert"):
        extra = [str(tmp_path / command)] if command == "convert" else []
        assert main([command, str(folder), *extra]) != 0
        told = "".join(capsys.readouterr())
        assert "ask for --blanks zero" in told, command
        assert main([command, str(folder), *extra, "--blanks", "zero"]) == 0, command
    assert cf.open(tmp_path / "convert").Y.iloc[1, 1] == 0
    with pytest.raises(CarbonFlowsError, match="blanks: expected 'error' or 'zero', got 'nan'"):
        cf.read(folder, blanks="nan")


def test_several_empty_cells_of_several_tables(tmp_path: Path) -> None:
    folder = with_gaps(tmp_path / "tables" / "2001")
    with_gaps(tmp_path / "tables" / "2002")
    source, made = str(folder.parent), str(tmp_path / "made")
    assert main(["convert", source, made]) == 1
    assert main(["convert", source, made, "--blanks", "zero"]) == 0
    assert cf.open(tmp_path / "made" / "2002").Y.iloc[1, 1] == 0


@pytest.mark.parametrize("cell", ["NA", "NaN", "nan", "-", ":", "..", "n/a", "#N/A", "null", "inf"])
@pytest.mark.parametrize("blanks", ["error", "zero"])
def test_texts_that_stand_for_a_gap_are_refused(tmp_path: Path, cell: str, blanks: str) -> None:
    folder = own(tmp_path / "own")
    lines = (folder / "Y.csv").read_text().splitlines()
    start = lines[4].rpartition(",")[0]
    (folder / "Y.csv").write_text("\n".join([*lines[:4], f"{start},{cell}", *lines[5:], ""]))
    said = complaint(lambda: cf.read(folder, blanks=blanks))
    assert f"column 'NA | homes': expected a finite number, got '{cell}'; correct the cell;" in said
    (folder / "Y.csv").write_text("\n".join([*lines[:4], f"{start},", *lines[5:], ""]))
    assert cf.read(folder, blanks="zero").Y.iloc[1, 1] == 0  # as the error says


def test_which_table(tmp_path: Path) -> None:
    for year in (2001, 2002):
        own(tmp_path / "tables" / str(year))
    assert "say which: year=…, or the path" in complaint(lambda: cf.read(tmp_path / "tables"))
    assert cf.read(tmp_path / "tables", year=2002).year == 2002
    assert cf.read(tmp_path / "tables" / "2001").year == 2001
    gone = complaint(lambda: cf.read(tmp_path / "tables" / "2001", year=1999))
    assert "leave year=… out" in gone
    assert "format: expected 'exiobase3', 'exiobase_hybrid', 'oecd'" in complaint(
        lambda: cf.read(tmp_path / "tables" / "2001", format="x")
    )


def test_a_store_is_opened(tmp_path: Path) -> None:
    cf.save(cf.read(own(tmp_path / "own")), tmp_path / "saved")
    assert "open it with cf.open" in complaint(lambda: cf.read(tmp_path / "saved"))
    assert cf.open(tmp_path / "saved").n == 4


def test_an_encrypted_or_strange_zip_is_unpacked(tmp_path: Path) -> None:
    folder = own(tmp_path / "own")
    with zipfile.ZipFile(tmp_path / "own.zip", "w", zipfile.ZIP_LZMA) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    assert "pack the files anew" in complaint(lambda: cf.read(tmp_path / "own.zip"))
    with zipfile.ZipFile(tmp_path / "own.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    assert cf.read(tmp_path / "own.zip").equals(cf.read(folder))


def test_units_among_the_labels_go_into_a_file(tmp_path: Path) -> None:
    F = frames()["F"]
    joined = F.set_axis(pd.MultiIndex.from_tuples([("CO2", "kt")], names=["stressor", "unit"]))
    said = complaint(lambda: cf.read(own(tmp_path / "own", F=joined)))
    assert "put the units into a file stressor_units of their own" in said
    units = pd.DataFrame({"unit": ["kt"]}, STRESSORS)
    assert cf.read(own(tmp_path / "other", stressor_units=units)).stressor_units["CO2"] == "kt"


def test_labels_in_another_order_are_sorted_together(tmp_path: Path) -> None:
    Y = frames()["Y"]
    said = complaint(lambda: cf.read(own(tmp_path / "own", Y=Y.iloc[::-1])))
    assert "sort numbers and labels of one file together" in said
    sorted_again = own(tmp_path / "sorted", Y=Y.iloc[::-1].sort_index())
    np.testing.assert_array_equal(cf.read(sorted_again).Y, Y)


def test_numbers_as_texts_in_parquet(tmp_path: Path) -> None:
    for key, frame in frames().items():
        frame.astype(str if key == "Y" else float).to_parquet(tmp_path / f"{key}.parquet")
    assert "with pd.to_numeric" in complaint(lambda: cf.read(tmp_path))
    texts = pd.read_parquet(tmp_path / "Y.parquet")
    texts.apply(pd.to_numeric).to_parquet(tmp_path / "Y.parquet")
    np.testing.assert_array_equal(cf.read(tmp_path).Y, frames()["Y"])


# --- the gate of Table ------------------------------------------------------------------------


def arguments(**changed: Any) -> dict[str, Any]:
    return {**frames(), **changed}


def test_missing_numbers_are_filled() -> None:
    gaps = frames()["Z"].replace(frames()["Z"].iloc[0, 0], np.nan)
    assert "fill them, e.g. with fillna(0)" in complaint(lambda: Table(**arguments(Z=gaps)))
    assert Table(**arguments(Z=gaps.fillna(0))).Z[0, 0] == 0


def test_texts_become_numbers() -> None:
    texts = frames()["Y"].astype(str)
    assert "pd.to_numeric" in complaint(lambda: Table(**arguments(Y=texts)))
    np.testing.assert_array_equal(Table(**arguments(Y=texts.apply(pd.to_numeric))).Y, frames()["Y"])


def test_levels_are_swapped() -> None:
    F = frames()["F"]
    swapped = F.set_axis(F.columns.swaplevel(), axis=1)
    said = complaint(lambda: Table(**arguments(F=swapped)))
    assert "swap them with .swaplevel()" in said
    Table(**arguments(F=swapped.set_axis(swapped.columns.swaplevel(), axis=1)))


def test_labels_are_given_as_arguments() -> None:
    bare = {key: frame.to_numpy() for key, frame in frames().items()}
    assert "regions=np.repeat(regions, len(sectors))" in complaint(lambda: Table(**bare))
    regions, sectors = ["DE", "NA"], ["coal", "steel"]
    labels = {"regions": np.repeat(regions, len(sectors)), "sectors": np.tile(sectors, 2)}
    assert "give stressors=[…]" in complaint(lambda: Table(**bare, **labels))
    table = Table(**bare, **labels, stressors=["CO2"])
    assert list(table.rows) == list(ROWS)
    one = {"Z": frames()["Z"].set_axis(["a", "b", "c", "d"])}
    said = complaint(lambda: Table(**arguments(**one)))
    assert "pass the bare numbers (.to_numpy()) and the labels as arguments" in said
    Table(**arguments(Z=one["Z"].to_numpy(), **labels))


def test_missing_labels_of_csv_files(tmp_path: Path) -> None:
    frames()["Z"].to_csv(tmp_path / "Z.csv")
    options: dict[str, Any] = {"header": [0, 1], "index_col": [0, 1]}
    Z = pd.read_csv(tmp_path / "Z.csv", **options)  # Namibia is lost
    said = complaint(lambda: Table(**arguments(Z=Z)))
    assert "keep_default_na=False keeps Namibia's 'NA'" in said
    Z = pd.read_csv(tmp_path / "Z.csv", keep_default_na=False, **options)
    assert Table(**arguments(Z=Z.astype(float))).regions == ("DE", "NA")


def test_A_and_x() -> None:
    table = Table(**arguments())
    given = arguments(A=frames()["Z"] / 10)
    assert "give Z or A; the other is computed" in complaint(lambda: Table(**given))
    del given["Z"]
    given["A"] = table.A
    Table(**given, x=table.Z.sum(axis=1) + table.Y.sum(axis=1).to_numpy())
    solved = np.linalg.solve(np.eye(4) - table.A.toarray(), table.Y.sum(axis=1))
    np.testing.assert_allclose(Table(**given, x=solved).x, table.x)
    np.testing.assert_allclose(Table(**given).x, table.x)


def test_stressors_twice_are_added_up() -> None:
    F = pd.concat([frames()["F"], frames()["F"]])
    assert "add the rows up" in complaint(lambda: Table(**arguments(F=F)))
    Table(**arguments(F=F.groupby(level=0).sum()))
    Table(**arguments(F=F.to_numpy(), stressors=["a: CO2", "b: CO2"]))


def test_a_table_is_changed_by_with_changes() -> None:
    table = Table(**arguments())
    with pytest.raises(AttributeError, match=r"with table\.with_changes\(…\)"):
        table.year = 2020  # type: ignore[misc]
    assert table.with_changes(year=2020).year == 2020


# --- pymrio -----------------------------------------------------------------------------------


def test_frames_of_pymrio_are_brought_into_order() -> None:
    pymrio = pytest.importorskip("pymrio")
    io = pymrio.load_test()
    expected = cf.from_pymrio(io)
    io.Y = io.Y.iloc[::-1]
    assert "e.g. with .reindex" in complaint(lambda: cf.from_pymrio(io))
    io.Y = io.Y.reindex(io.Z.index)
    assert cf.from_pymrio(io).equals(expected)


def test_extensions_without_F_are_computed() -> None:
    pymrio = pytest.importorskip("pymrio")
    io = pymrio.load_test().calc_all()
    F = io.emissions.F.copy()
    io.emissions.F = None
    assert "compute F with cf.calc_all(io)" in complaint(lambda: cf.from_pymrio(io))
    cf.calc_all(io)
    np.testing.assert_allclose(cf.from_pymrio(io).F.iloc[1:], F)
