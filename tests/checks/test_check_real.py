"""What `check` finds in real tables, sound ones and damaged ones."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from support.worlds.damage import NOTICED, Damage, Numbers

import carbonflows_fast as cf
from carbonflows_fast.checks._label_findings import alike

pytestmark = pytest.mark.real_data

YEARS = (2000, 2005, 2009)
ALONE: dict[int, dict[str, int]] = {
    2000: {"column sum": 5, "negative Y": 1, "no inputs": 5, "zero output": 18},
    2005: {"column sum": 2, "negative Y": 1, "no inputs": 4, "zero output": 20},
    2009: {"column sum": 1, "negative Y": 1, "no inputs": 5, "zero output": 20,
           "negative output": 2},
}  # fmt: skip
BESIDE: dict[tuple[int, int], dict[str, int]] = {
    (2000, 2005): {"output jump": 1, "exports jump": 4, "intermediate sales jump": 3},
    (2005, 2000): {"output jump": 1, "exports jump": 4, "intermediate sales jump": 2},
    (2000, 2009): {"output jump": 3, "exports jump": 6, "intermediate sales jump": 3,
                   "final demand jump": 1, "emissions jump": 2},
    (2009, 2000): {"output jump": 3, "exports jump": 6, "intermediate sales jump": 2,
                   "final demand jump": 1, "emissions jump": 2},
    (2005, 2009): {"output jump": 2, "emissions jump": 2},
    (2009, 2005): {"output jump": 2, "emissions jump": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def wiod(real_data: Path) -> dict[int, cf.Table]:
    return {year: cf.read(real_data / f"wiod2013_{year}.zip") for year in YEARS}


def counts(report: cf.CheckReport) -> dict[str, int]:
    found: dict[str, int] = report.findings["check"].value_counts().to_dict()
    return found


@pytest.mark.parametrize("year", YEARS)
def test_what_is_found_in_wiod(wiod: dict[int, cf.Table], year: int) -> None:
    assert counts(cf.check(wiod[year])) == ALONE[year]


@pytest.mark.parametrize("years", BESIDE)
def test_what_is_found_between_two_years_of_wiod(
    wiod: dict[int, cf.Table], years: tuple[int, int]
) -> None:
    report = cf.check(wiod[years[0]], wiod[years[1]])
    assert counts(report) == ALONE[years[0]] | BESIDE[years]


def test_the_jumps_are_in_the_cells(wiod: dict[int, cf.Table]) -> None:
    found = cf.check(wiod[2009], wiod[2000]).findings
    jumped = found[found["check"] == "exports jump"].set_index("region")
    assert "exports 8.16 % of its output" in jumped.loc["GBR", "message"]
    row = ("GBR", "Hotels and Restaurants")
    for year, expected in ((2000, 4.0), (2009, 10794.0)):
        table = wiod[year]
        at = table.rows.get_loc(row)
        abroad = table.rows.get_level_values("region") != "GBR"
        sold = table.Z[[at]].toarray()[0][abroad].sum()
        bought = table.demand.get_level_values("region") != "GBR"
        assert sold + table.Y.to_numpy()[at, bought].sum() == expected


def test_single_regions_make_no_noise(real_data: Path) -> None:
    found = counts(cf.check(cf.read(real_data / "useeio" / "USEEIOv2.0.1-411")))
    assert found == {"balance": 330, "negative A": 1, "negative Y": 1, "negative output": 2}
    two_regions = cf.check(cf.read(real_data / "useeio" / "GAEEIOv1.0-s-20")).findings
    noted = two_regions[two_regions["check"] == "implausible intensity"]
    assert set(noted["severity"]) == {"note"}
    assert len(noted) == 8  # of 1,597 stressors; Georgia's warehouses emit most of its nutrients
    assert noted["message"].str.contains("Warehouses: 15.65 kg N eq of EUTR per USD").sum() == 1


@pytest.mark.parametrize("file", ["labels", "originals"])
def test_published_labels_are_not_alike(real_data: Path, file: str) -> None:
    looked = 0
    for path in sorted((real_data / file).rglob("*.csv")):
        with path.open(encoding="utf-8", errors="replace", newline="") as text:
            rows = list(csv.reader(text))
        for column in range(min(map(len, rows))):
            labels = [row[column] for row in rows[1:]]
            assert alike(labels) == [], path
            looked += len(labels)
    assert looked > 1000


@pytest.mark.parametrize("damage", NOTICED, ids=lambda damage: damage.__name__)
def test_what_is_noticed_of_damage(wiod: dict[int, cf.Table], damage: Damage) -> None:
    numbers = Numbers(wiod[2009])
    damage(numbers)
    report = cf.check(numbers.made(), wiod[2005])
    alone, beside = NOTICED[damage]
    sound = ALONE[2009] | BESIDE[2009, 2005]
    more = {name for name, count in counts(report).items() if count > sound.get(name, 0)}
    assert {alone, beside} - {""} <= more
    if not alone and not beside:  # the day it is noticed, the docs say so
        assert not more


def test_the_sound_numbers_have_no_other_findings(wiod: dict[int, cf.Table]) -> None:
    report: Any = cf.check(Numbers(wiod[2009]).made(), wiod[2005])
    assert counts(report) == ALONE[2009] | BESIDE[2009, 2005]
