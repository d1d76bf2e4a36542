"""Folders that MARIO saved: text and Parquet, flows and coefficients; others are named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.files import mario_files
from support.files.spreadsheets import write_workbook
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, LabelError

FRAMES = mario_files.flows()


def written(folder: Path, suffix: str = ".txt", **changed: pd.DataFrame) -> Path:
    frames = {**FRAMES, **changed}
    mario_files.write(frames, folder / "flows", suffix)
    return folder


def said(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path)
    assert SENTENCE.match(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".parquet"])
def test_a_folder_is_the_table_that_was_written(tmp_path: Path, suffix: str) -> None:
    place = tmp_path / "own 2019"
    read = cf.read(written(place, suffix))
    rows = [(region, sector) for region, _, sector in FRAMES["Z"].index]
    expected = cf.Table(
        Z=FRAMES["Z"].to_numpy(),
        x=FRAMES["X"].to_numpy()[:, 0],
        Y=FRAMES["Y"].to_numpy(),
        F=pd.concat([FRAMES["V"], FRAMES["E"]]).to_numpy(),
        F_Y=pd.concat([FRAMES["VY"], FRAMES["EY"]]).to_numpy(),
        regions=[region for region, _ in rows],
        sectors=[sector for _, sector in rows],
        demand=[(region, "Final demand") for region in mario_files.REGIONS],
        stressors=["Taxes", "Wages", "Employment", "CO2"],
        extensions=["primary inputs"] * 2 + ["satellite account"] * 2,
        row_units=["t", "M EUR"] * 2,
        stressor_units=["M EUR", "", "1000 p", "kg"],
        year=2019,
        name="own 2019",
    )
    assert read.equals(expected)
    assert cf.read(place / "flows").equals(expected)
    pd.testing.assert_frame_equal(cf.accounts(read, "CO2"), cf.accounts(expected, "CO2"))


def test_the_delimiter_is_that_of_the_file_and_a_zip_reads_alike(tmp_path: Path) -> None:
    comma = cf.read(written(tmp_path / "t"))
    mario_files.write(FRAMES, tmp_path / "u" / "flows", sep="\t")
    assert cf.read(tmp_path / "u").equals(comma.with_changes(name="u"))
    shutil.make_archive(str(tmp_path / "z"), "zip", tmp_path / "t")
    assert cf.read(tmp_path / "z.zip").equals(comma.with_changes(name="z"))


def test_coefficients_are_solved_and_flows_beside_them_are_taken(tmp_path: Path) -> None:
    flows = cf.read(written(tmp_path / "both"))
    mario_files.write(mario_files.coefficients(FRAMES), tmp_path / "both" / "coefficients")
    assert cf.read(tmp_path / "both").equals(flows)
    alone = cf.read(tmp_path / "both" / "coefficients")
    np.testing.assert_allclose(alone.x, flows.x, rtol=1e-12)
    given, found = (cf.accounts(table, "CO2") for table in (flows, alone))
    np.testing.assert_allclose(found, given, rtol=1e-10, atol=1e-12)


def test_name_and_year_are_those_of_its_notes(tmp_path: Path) -> None:
    place = written(tmp_path / "t")
    mario_files.write_notes(place, name="Ours", year=2011)
    table = cf.read(place, year=2011)
    assert (table.name, table.year) == ("Ours", 2011)
    mario_files.write_notes(place, name=None, year=None)
    assert (cf.read(place).name, cf.read(place).year) == ("t", None)


@pytest.mark.parametrize("wanted", [["CO2"], ["CO2", "Taxes"], ["Wages", "Employment"]])
@pytest.mark.parametrize("suffix", [".txt", ".parquet"])
def test_wanted_stressors_are_those_of_the_whole(
    tmp_path: Path, suffix: str, wanted: list[str]
) -> None:
    whole = cf.read(written(tmp_path, suffix))
    some = cf.read(tmp_path, stressors=wanted)
    at = [place for place, name in enumerate(whole.stressors) if name in wanted]
    assert list(some.stressors) == [whole.stressors[place] for place in at]
    assert np.array_equal(some.F, whole.F.iloc[at])
    assert np.array_equal(some.F_Y, whole.F_Y.iloc[at])


def test_an_unknown_stressor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="nearest are 'CO2'"):
        cf.read(written(tmp_path), stressors="CO")


def test_rows_by_region_are_joined(tmp_path: Path) -> None:
    rows = pd.MultiIndex.from_product(
        [mario_files.REGIONS, mario_files.SATELLITES], names=["Region", "Satellite account"]
    )
    E = pd.DataFrame(np.arange(16.0).reshape(4, 4), rows, FRAMES["E"].columns)
    EY = pd.DataFrame(np.ones((4, 2)), rows, FRAMES["EY"].columns)
    table = cf.read(written(tmp_path, E=E, EY=EY))
    assert list(table.stressors[2:4]) == ["NA | Employment", "NA | CO2"]
    assert list(table.stressor_units[2:4]) == ["1000 p", "kg"]


def test_what_users_emit_may_be_missing(tmp_path: Path) -> None:
    place = written(tmp_path)
    for name in ("EY", "VY", "X"):
        (place / "flows" / f"{name}.txt").unlink()
    table = cf.read(place)
    assert not table.F_Y.to_numpy().any()
    np.testing.assert_allclose(table.x, FRAMES["X"].to_numpy()[:, 0])


# --- workbooks ----------------------------------------------------------------------------------


def rounded() -> mario_files.Frames:
    """Numbers that keep their value with the 16 digits of a workbook; output is left to add up."""
    return {key: frame.round(6) for key, frame in FRAMES.items() if key != "X"}


def test_a_workbook_is_the_folder(tmp_path: Path) -> None:
    mario_files.write(rounded(), tmp_path / "own 2019" / "flows")
    path = write_workbook(tmp_path / "own 2019.xlsx", mario_files.sheets(rounded()))
    table = cf.read(path)
    assert table.equals(cf.read(tmp_path / "own 2019"))
    assert (table.name, table.year) == ("own 2019", 2019)
    some = cf.read(path, stressors=["CO2", "Taxes"])
    assert some.stressors == ("Taxes", "CO2")
    assert np.array_equal(some.F, table.F.iloc[[0, 3]])


def test_a_workbook_may_have_coefficients_alone(tmp_path: Path) -> None:
    made = mario_files.sheets(mario_files.coefficients(FRAMES), "coefficients")
    table = cf.read(write_workbook(tmp_path / "own.xlsx", made))
    flows = cf.read(written(tmp_path / "flows"))
    np.testing.assert_allclose(table.x, flows.x, rtol=1e-12)
    found, given = (cf.accounts(one, "CO2") for one in (table, flows))
    np.testing.assert_allclose(found, given, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("row", "column", "value", "complaint"),
    [
        (1, 3, "Activity", "second level of labels: expected"),
        (1, 3, "Energy", "second level of labels: expected"),
        (2, 3, "Iron", "columns, position 1: expected 'NA | Sector | Steel, iron'"),
        (4, 2, "Steel, iron", "got it again"),
        (5, 5, None, "sheet 'flows', F6"),
        (9, 5, "n.a.", "sheet 'flows', F10: expected a finite number"),
        (9, 2, "CH4", "sheet 'units': expected a unit for Satellite account 'CH4'"),
    ],
)
def test_what_is_wrong_in_a_workbook_is_refused(
    tmp_path: Path, row: int, column: int, value: object, complaint: str
) -> None:
    made = mario_files.sheets(FRAMES)
    made["flows"][row][column] = value
    assert complaint in said(write_workbook(tmp_path / "own.xlsx", made))


# --- what is refused ----------------------------------------------------------------------------


def test_records_are_named_with_the_way_in(tmp_path: Path) -> None:
    place = written(tmp_path)
    (place / "flows" / "data.txt").write_text("Scenario,Matrix,Value\n")
    assert "records (data.txt); save it anew with MARIO's flat=False" in said(place)


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".parquet"])
@pytest.mark.parametrize("lacking", ["units", "Z", "V", "E"])
def test_a_folder_that_lacks_a_file_is_no_other_layout(
    tmp_path: Path, lacking: str, suffix: str
) -> None:
    """Its X was taken for a misspelt x of pymrio."""
    place = written(tmp_path, suffix)
    (place / "flows" / f"{lacking}{suffix}").unlink()
    for path in (place, place / "flows"):
        assert "expected the files Z, Y, V, E and units of MARIO" in said(path)
    mario_files.write(FRAMES, place / "flows", suffix)
    assert cf.read(place).n == 4


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:, ::-1]


@pytest.mark.parametrize(
    ("key", "change", "complaint"),
    [
        ("E", swapped, "E.txt, columns, position 1: expected 'NA | Sector | Steel, iron'"),
        ("EY", swapped, "EY.txt, columns, position 1: expected 'NA | Consumption category"),
        ("EY", lambda frame: frame.iloc[::-1], "EY.txt, rows, position 1: expected 'Employment'"),
        ("X", lambda frame: frame.iloc[:3], "X.txt, rows: expected 4 labels"),
        ("Y", lambda frame: frame.iloc[::-1], "Y.txt, rows, position 1"),
        ("Y", lambda frame: frame.rename(columns={"Consumption category": "Sector"}),
         "expected the level 'Consumption category'"),
        ("Z", lambda frame: frame.rename(index={"Sector": "Activity"}), "got 'Activity'"),
        ("Z", lambda frame: frame.droplevel(1).droplevel(1, axis=1), "got 2"),
        ("E", lambda frame: frame.rename(index={"CO2": "CH4"}), "a unit for Satellite account"),
        ("V", lambda frame: frame.rename(index={"Wages": "Taxes"}), "got it again"),
        ("Z", lambda frame: frame.where(frame < 1), "empty cell"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, key: str, change: Callable[[pd.DataFrame], pd.DataFrame], complaint: str
) -> None:
    assert complaint in said(written(tmp_path, **{key: change(FRAMES[key])}))


def test_two_units_for_one_label_are_refused(tmp_path: Path) -> None:
    place = written(tmp_path)
    with (place / "flows" / "units.txt").open("a") as stream:
        stream.write("Sector,Rest,kg\n")
    assert "got several units" in said(place)


def test_a_stray_file_of_units_makes_no_other_table_marios(tmp_path: Path) -> None:
    cf.write_exiobase(cf.synthetic.world(2, 2, stressors=1), tmp_path / "own")
    table = cf.read(tmp_path / "own")
    (tmp_path / "own" / "units.txt").write_text("mine\n")
    assert cf.read(tmp_path / "own").equals(table)
