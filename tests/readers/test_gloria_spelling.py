"""GLORIA's names as two copies of its ReadMe spell them, and its gases against their own total."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.worlds.gloria_world import (
    CARBON_DIOXIDE,
    OWN_TOTAL,
    World,
    spelt,
    with_gases,
    write_read_me,
)

import carbonflows_fast as cf
from carbonflows_fast.classification import load
from carbonflows_fast.classification._files import without_marks
from carbonflows_fast.errors import LabelError
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.gloria._labels import Labels, read_labels


@pytest.fixture
def world() -> World:
    return with_gases()


def read(
    world: World, folder: Path, *, quoted: bool, name: str = OWN_TOTAL, **asked: Any
) -> cf.Table:
    if not folder.exists():
        world.write(folder)
    write_read_me(folder / "GLORIA_ReadMe_059.xlsx", spelt(name, quoted))
    return cf.read(folder, **asked)


@pytest.mark.parametrize("quoted", [True, False])
def test_names_are_found_in_either_spelling(world: World, tmp_path: Path, quoted: bool) -> None:
    table = read(world, tmp_path / "all", quoted=quoted)
    other = read(world, tmp_path / "all", quoted=not quoted)
    assert set(table.stressors).isdisjoint(other.stressors)
    assert set(table.categories).isdisjoint(other.categories)
    for ours, theirs in zip(table.stressors, other.stressors, strict=True):
        alone = read(world, tmp_path / "all", quoted=quoted, stressors=theirs)
        assert alone.stressors == (ours,)
        assert cf.accounts(table, theirs).equals(cf.accounts(table, ours))
    for ours, theirs in zip(table.categories, other.categories, strict=True):
        one, same = (
            cf.accounts(table, CARBON_DIOXIDE, demand=(None, name)) for name in (ours, theirs)
        )
        assert one.equals(same)
    with pytest.raises(LabelError, match="nearest are"):
        read(world, tmp_path / "all", quoted=quoted, stressors="'Employees'")


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize(("factor", "level"), [(1.0, logging.INFO), (0.5, logging.WARNING)])
def test_gases_are_compared_with_their_own_total(
    world: World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    quoted: bool,
    factor: float,
    level: int,
) -> None:
    world.parts["TQ"][-1] *= factor
    world.parts["YQ"][-1] *= factor
    with caplog.at_level(logging.INFO):
        table = read(world, tmp_path / "all", quoted=quoted)
    said = [r for r in caplog.records if "known greenhouse gases" in r.getMessage()]
    assert [record.levelno for record in said] == [level]
    total = said[0].getMessage()
    if factor == 1.0:
        assert "3 known greenhouse gases is" in total
        assert "by GWP100_AR5, the nearest report" in total
        weighted, own = (cf.accounts(table, name) for name in ("GWP100_AR5", OWN_TOTAL))
        np.testing.assert_allclose(weighted, own, rtol=1e-12, atol=1e-9)


def test_gases_that_cannot_be_weighed_are_read(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(tmp_path / "all")
    change = spelt(OWN_TOTAL, True)

    def in_barrels(book: Any) -> None:
        change(book)
        book["Satellites"]["D3"].value = "barrels"

    write_read_me(tmp_path / "all" / "GLORIA_ReadMe_059.xlsx", in_barrels)
    assert cf.read(tmp_path / "all").stressor_units.iloc[4] == "barrels"
    assert "gases cannot be compared with 'GHG_total_EDGAR_consistent': stressor_units" in (
        caplog.text
    )


def test_nothing_is_compared_where_stressors_are_left_out_or_the_total_is(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        read(world, tmp_path / "all", quoted=True, stressors=[CARBON_DIOXIDE, OWN_TOTAL])
        read(world, tmp_path / "all", quoted=True, name="co_total_EDGAR_consistent")
    assert "known greenhouse gases" not in caplog.text


# --- the original ReadMes -------------------------------------------------------------------


@pytest.fixture(scope="module")
def originals(real_data: Path) -> list[Labels]:
    folder = real_data / "originals" / "gloria_059"
    with open_files(folder) as files:
        names = [f"GLORIA_ReadMe_059_{kind}.xlsx" for kind in ("quoted", "unquoted")]
        return [read_labels(files, name) for name in names]


@pytest.mark.real_data
def test_original_labels_are_read(originals: list[Labels], real_data: Path) -> None:
    for labels in originals:
        assert (len(labels.regions), len(labels.sectors)) == (164, 120)
        assert (len(labels.satellites.names), labels.n_cells) == (5982, 39360)
        assert labels.regions == column(real_data, "gloria_regions", "code")
        assert labels.sectors == column(real_data, "gloria", "name")
    quoted, unquoted = originals
    assert quoted.satellites.heads == unquoted.satellites.heads
    assert quoted.satellites.units == unquoted.satellites.units
    assert unquoted.inputs[0] == "Compensation of employees D.1"
    assert quoted.categories[0] == "Household final consumption"


@pytest.mark.real_data
def test_original_names_match_in_either_spelling(originals: list[Labels]) -> None:
    for ours, theirs in zip(
        *([*one.satellites.names, *one.inputs, *one.categories] for one in originals), strict=True
    ):
        assert without_marks(ours) == without_marks(theirs)
    assert sum(name.startswith("'") for name in originals[0].satellites.names) > 5000


@pytest.mark.real_data
@pytest.mark.parametrize("copy", [0, 1])
def test_original_gases_all_count(originals: list[Labels], copy: int) -> None:
    satellites = originals[copy].satellites
    ours = load("ghg_stressors")
    ours = {without_marks(name) for name in ours["stressor"] if "_EDGAR_consistent" in name}
    of_edgar = [
        (name, unit)
        for name, head, unit in zip(
            satellites.names, satellites.heads, satellites.units, strict=True
        )
        if head == "Emissions (EDGAR)" and "_total_EDGAR_consistent" in name
    ]
    air = {"bc", "co", "nh3", "nmvoc", "nox", "oc", "pm25_bio", "pm25_fossil", "pm10", "so2", "GHG"}
    totals = {without_marks(name).partition(" | ")[0] for name, _ in of_edgar}
    assert totals - {f"{gas}_total_EDGAR_consistent" for gas in air} == ours
    found = cf.classification.characterisation(
        "GWP100_AR6", satellites.names, satellites.units
    ).weights
    assert len(found) == len(ours) + 1  # c6f14 is there twice
    assert set(found) <= {name for name, _ in of_edgar}


def column(real_data: Path, file: str, name: str) -> list[str]:
    import pandas as pd

    path = real_data / "labels" / f"{file}.csv"
    return list(pd.read_csv(path, dtype=str, keep_default_na=False)[name])
