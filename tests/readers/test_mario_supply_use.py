"""Supply and use tables that MARIO saved: the pair of industries and products."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.files import mario_files
from support.files.spreadsheets import write_workbook
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError

FRAMES = mario_files.supply_and_use()
# What mariopy 1.3.2 has as f, after `parse_from_txt` of these frames: CO2 and Employment, of
# activities and commodities.
F_OF_MARIO = {
    ("Côte d'Ivoire", "Rest", "industry"): (0.03939601033866889, 0.10366720646626865),
    ("Côte d'Ivoire", "Steel, iron", "industry"): (0.16457339513945352, 0.08025873919908412),
    ("NA", "Rest", "industry"): (0.07382616287356546, 0.05016123509333999),
    ("NA", "Steel, iron", "industry"): (0.08867517233648088, 0.10719477172226129),
    ("Côte d'Ivoire", "Others", "product"): (0.08879168166365384, 0.09443009900319382),
    ("Côte d'Ivoire", "Scrap", "product"): (0.07650393073415837, 0.09672793751354593),
    ("Côte d'Ivoire", "Steel, iron", "product"): (0.11079148974706482, 0.09031608281548992),
    ("NA", "Others", "product"): (0.07968566211217844, 0.0726669763205367),
    ("NA", "Scrap", "product"): (0.07822804314913327, 0.06706840998333642),
    ("NA", "Steel, iron", "product"): (0.08229536161127556, 0.08269056694076987),
}


def written(place: Path, suffix: str = ".txt", **changed: pd.DataFrame) -> Path:
    mario_files.write({**FRAMES, **changed}, place / "flows", suffix)
    return place


def said(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path)
    assert SENTENCE.match(str(caught.value))
    return str(caught.value)


def short(frame: pd.DataFrame, axis: int) -> pd.DataFrame:
    return frame.droplevel(1, axis=axis)


def expected(frames: mario_files.Frames, name: str) -> cf.Table:
    return cf.from_supply_use(
        short(short(frames["S"], 0), 1),
        short(short(frames["U"], 0), 1),
        short(short(frames["Yc"], 0), 1),
        short(pd.concat([frames["Va"], frames["Ea"]]), 1),
        F_Y=short(pd.concat([frames["VY"], frames["EY"]]), 1),
        model=None,
        extensions=["primary inputs"] * 2 + ["satellite account"] * 2,
        stressor_units=["M EUR", "", "1000 p", "kg"],
        row_units="M EUR",
        name=name,
    )


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".parquet"])
def test_a_folder_is_the_pair_that_was_written(tmp_path: Path, suffix: str) -> None:
    table = cf.read(written(tmp_path / "own", suffix))
    assert table.equals(expected(FRAMES, "own"))
    assert len(table.notes) == 1
    assert "solved as it is" in table.notes[0]


def test_multipliers_are_marios_own(tmp_path: Path) -> None:
    found = cf.multipliers(cf.read(written(tmp_path)))
    assert len(F_OF_MARIO) == found.shape[1]
    for (region, item, kind), f in F_OF_MARIO.items():
        both = found.loc[["CO2", "Employment"], (region, NAMES[item, kind])]
        np.testing.assert_allclose(both, f, rtol=1e-12)


NAMES = {(item, kind): f"{item} ({kind})" for _, item, kind in F_OF_MARIO}


def test_a_workbook_is_the_folder(tmp_path: Path) -> None:
    frames = {key: frame.round(6) for key, frame in FRAMES.items()}
    mario_files.write(frames, tmp_path / "own" / "flows")
    path = write_workbook(tmp_path / "own.xlsx", mario_files.supply_and_use_sheets(frames))
    table = cf.read(path)
    assert table.equals(cf.read(tmp_path / "own"))
    some = cf.read(path, stressors=["CO2", "Taxes"])
    assert some.stressors == ("Taxes", "CO2")
    assert np.array_equal(some.F, table.F.iloc[[0, 3]])


def test_what_commodities_emit_stays_with_them(tmp_path: Path) -> None:
    Ec = FRAMES["Ec"].copy()
    Ec.loc["CO2", ("NA", "Commodity", "Scrap")] = 5.0
    table, without = cf.read(written(tmp_path / "a", Ec=Ec)), cf.read(written(tmp_path / "b"))
    more = table.F - without.F
    assert more.loc["CO2", ("NA", "Scrap (product)")] == 5.0
    assert np.abs(more).to_numpy().sum() == 5.0
    assert table.notes == without.notes


def test_each_commodity_keeps_its_unit(tmp_path: Path) -> None:
    place = written(tmp_path)
    units = place / "flows" / "units.txt"
    units.write_text(units.read_text().replace("Scrap,M EUR", "Scrap,t"))
    table = cf.read(place)
    assert table.row_units["NA", "Scrap (product)"] == "t"
    assert (table.row_units == "t").sum() == 2
    assert (table.row_units == "M EUR").sum() == len(table.rows) - 2
    assert "several units" in table.notes[-1]
    found = cf.multipliers(table, "CO2").loc["CO2", ("NA", "Scrap (product)")]
    np.testing.assert_allclose(found, F_OF_MARIO["NA", "Scrap", "product"][0], rtol=1e-12)


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:, ::-1]


@pytest.mark.parametrize(
    ("key", "change", "complaint"),
    [
        ("U", swapped, "U.txt, columns, position 1: expected 'NA | Activity | Steel, iron'"),
        ("U", lambda frame: frame.iloc[::-1], "U.txt, rows, position 1"),
        ("Ya", lambda frame: frame.iloc[::-1], "Ya.txt, rows, position 1"),
        ("Yc", lambda frame: frame.iloc[::-1], "Yc.txt, rows, position 1"),
        ("Ec", swapped, "Ec.txt, columns, position 1: expected 'NA | Commodity | Steel, iron'"),
        ("Vc", lambda frame: frame.iloc[::-1], "Vc.txt, rows, position 1: expected 'Taxes'"),
        ("S", lambda frame: frame.rename(index={"Activity": "Sector"}), "got 'Sector'"),
        ("S", lambda frame: frame.rename(index={"Rest": "Steel, iron"}), "got it again"),
        ("Ya", lambda frame: frame + 1, "final demand of commodities alone, got some of"),
        ("Vc", lambda frame: frame + 1, "got some of commodities (Vc), 12 without signs"),
        ("S", lambda frame: frame + 1, "V: expected industries that make products of their own"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, key: str, change: Callable[[pd.DataFrame], pd.DataFrame], complaint: str
) -> None:
    assert complaint in said(written(tmp_path, **{key: change(FRAMES[key])}))


def test_numbers_between_commodities_are_refused(tmp_path: Path) -> None:
    made = mario_files.supply_and_use_sheets(FRAMES)
    made["flows"][3][3] = 1.0
    complaint = "got numbers between two of one kind ('NA | Commodity | Steel, iron' …)"
    assert complaint in said(write_workbook(tmp_path / "own.xlsx", made))


def test_coefficients_alone_are_named_with_the_way_in(tmp_path: Path) -> None:
    frames = {key if key[0] == "Y" else key[0].lower() + key[1:]: f for key, f in FRAMES.items()}
    mario_files.write(frames, tmp_path / "a" / "coefficients")
    made = mario_files.supply_and_use_sheets(FRAMES, "coefficients")
    for path in (tmp_path / "a", write_workbook(tmp_path / "b.xlsx", made)):
        assert "got coefficients alone; save it anew with MARIO's flows=True" in said(path)
