"""Databases of MARIO in memory: the tables that it saves, with MARIO itself where it is there.

`nox -s exchange` has it; elsewhere a stand-in gives frames as it does.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.files import mario_files
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError


class Database:
    """What a Database of MARIO is known by."""

    scenarios = ("baseline", "other")

    def __init__(self, kind: str, frames: mario_files.Frames, **meta: Any) -> None:
        self.table_type, self.frames = kind, {"baseline": frames}
        self.meta = SimpleNamespace(**{"name": "own", "year": None, **meta})
        self.units = {
            level: pd.DataFrame({"unit": list(known.values())}, list(known))
            for level, known in mario_files.UNITS.items()
        }

    def query(self, key: str, *, scenarios: str) -> pd.DataFrame:
        return self.frames[scenarios][key]


KINDS = {"IOT": mario_files.flows, "SUT": mario_files.supply_and_use}


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_is_the_table_that_was_saved(tmp_path: Path, kind: str) -> None:
    frames = KINDS[kind]()
    mario_files.write(frames, tmp_path / "own" / "flows")
    saved = cf.read(tmp_path / "own")
    assert cf.from_mario(Database(kind, frames)).equals(saved)
    mario_files.write_notes(tmp_path / "own", name="Ours", year=2011)
    noted = cf.from_mario(Database(kind, frames, name="Ours", year=2011))
    assert noted.equals(cf.read(tmp_path / "own", year=2011))


def test_another_scenario() -> None:
    frames = mario_files.flows()
    database = Database("IOT", frames)
    database.frames["other"] = {**frames, "E": 2 * frames["E"]}
    first, other = cf.from_mario(database), cf.from_mario(database, "other")
    np.testing.assert_array_equal(other.F.loc["CO2"], 2 * first.F.loc["CO2"])
    assert cf.from_mario(database, "baseline").equals(first)
    with pytest.raises(InputError, match=r"scenario: .*choose from 'baseline', 'other'"):
        cf.from_mario(database, "neither")


def test_what_is_wrong_in_it_is_named() -> None:
    frames = mario_files.flows()
    rows = frames["Z"].index
    gap = frames["E"].copy()
    gap.iloc[1, 2] = np.nan
    wrong = {
        "database.E: expected finite numbers, got nan at row 1": {"E": gap},
        "database.Y, rows, position 1: expected": {"Y": frames["Y"].set_axis(rows[::-1])},
        "database.X, rows, position 1: expected": {"X": frames["X"].set_axis(rows[::-1])},
        "database.units: expected a unit for Satellite account 'SF6', got none": {
            "E": frames["E"].rename({"CO2": "SF6"}), "EY": frames["EY"].rename({"CO2": "SF6"}),
        },
    }  # fmt: skip
    for said, changed in wrong.items():
        with pytest.raises(InputError) as caught:
            cf.from_mario(Database("IOT", {**frames, **changed}))
        assert str(caught.value).startswith(said), str(caught.value)
        assert SENTENCE.match(str(caught.value))
        assert "save" not in caught.value.remedy, caught.value.remedy


@pytest.mark.parametrize("wrong", ["tables", None, 3, Database, pd.DataFrame(), object()])
def test_other_things_are_refused(wrong: object) -> None:
    with pytest.raises(InputError, match=r"database: expected a Database of MARIO") as caught:
        cf.from_mario(wrong)
    assert SENTENCE.match(str(caught.value))


# --- MARIO itself ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mario() -> Any:
    return pytest.importorskip("mario")


@pytest.mark.filterwarnings("ignore")  # of MARIO, about its own arguments
@pytest.mark.parametrize("how", ["to_txt", "to_parquet"])
@pytest.mark.parametrize("kind", ["IOT", "SUT"])
def test_mario_saves_the_same(mario: Any, tmp_path: Path, kind: str, how: str) -> None:
    database = mario.load_test(kind)
    table = cf.from_mario(database)
    getattr(database, how)(path=str(tmp_path / "t"), include_meta=True)
    assert cf.read(tmp_path / "t").equals(table)


@pytest.mark.filterwarnings("ignore")
def test_multipliers_are_those_that_mario_computes(mario: Any) -> None:
    database = mario.load_test("IOT")
    table = cf.from_mario(database)
    f = database.query("f", scenarios="baseline")  # emissions per unit of final demand
    found = cf.multipliers(table).loc[list(f.index)]
    np.testing.assert_allclose(found, f, rtol=1e-9, atol=1e-12 * np.abs(f.to_numpy()).max())
    assert [(region, item) for region, _, item in f.columns] == list(table.rows)


@pytest.mark.filterwarnings("ignore")
def test_scenarios_of_mario(mario: Any, tmp_path: Path) -> None:
    database = mario.load_test("IOT")
    database.clone_scenario("baseline", "more")
    z = 0.5 * database.query("z", scenarios="baseline")
    database.update_scenarios("more", z=z)
    database.reset_to_coefficients("more")
    table = cf.from_mario(database, "more")
    database.to_parquet(path=str(tmp_path / "t"), scenario="more", include_meta=True)
    assert cf.read(tmp_path / "t").equals(table)
    np.testing.assert_allclose(table.A.toarray(), z, rtol=1e-12, atol=1e-15)
    assert not table.equals(cf.from_mario(database))
