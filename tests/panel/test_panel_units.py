"""Panels whose years differ in unit or stressor: no number of two units, no column without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.running.panel_cluster import Cluster
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.cli import main

KT, T, GRAM = ("kt", 1.0), ("t", 1e3), ("kg", 1e6)
SECTORS = ["farm", "shop"]


def table(year: int, unit: tuple[str, float], *, gases: tuple[str, ...] = ("CO2",)) -> cf.Table:
    name, factor = unit
    amounts = {"CO2": [20.0, 9, 18, 7], "CH4": [2.0, 0.1, 1, 0.1]}
    return cf.Table(
        Z=[[8, 5, 1, 0], [3, 9, 0, 2], [2, 1, 7, 4], [0, 1, 2, 6.0]],
        Y=[[30, 4], [25, 2], [3, 28], [1, 33.0]], regions=["NO", "NO", "SE", "SE"],
        sectors=SECTORS * 2, F=[[factor * v for v in amounts[gas]] for gas in gases],
        stressors=list(gases), stressor_units=name, row_units="M.NOK", year=year,
    )  # fmt: skip


def panel_of(folder: Path, *tables: cf.Table) -> cf.Panel:
    for one in tables:
        cf.save(one, folder / str(one.year))
    return cf.Panel(folder, workers=1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(1) as one:
        yield one


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> cf.Panel:
    return panel_of(tmp_path_factory.mktemp("units"), table(2018, KT), table(2019, T))


@pytest.fixture(scope="module")
def gases(tmp_path_factory: pytest.TempPathFactory) -> cf.Panel:
    both = table(2018, KT, gases=("CO2", "CH4"))
    return panel_of(tmp_path_factory.mktemp("gases"), both, table(2019, KT), table(2020, KT))


ASKED: dict[str, dict[str, Any]] = {
    "accounts": {}, "flows": {}, "structural_paths": {"top": 3}, "sector_study": {"sectors": "shop"}
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_a_column_says_the_unit_of_each_year(
    units: cf.Panel, cluster: Cluster, what: str, tmp_path: Path
) -> None:
    ask = {"client": cluster.address, **ASKED[what]}
    found = getattr(units, what)("CO2", **ask)
    assert found["unit"].groupby(level="year").unique().map(list).to_dict() == {
        2018: ["kt"], 2019: ["t"]
    }  # fmt: skip
    assert "unit" not in found.attrs
    assert "stressor" not in found  # the same in both, in attrs
    assert found.attrs["stressor"] == "CO2"
    alone = getattr(units, what)("CO2", years=2018, **ask)
    assert "unit" not in alone
    assert alone.attrs["unit"] == "kt"
    files = getattr(units, what)("CO2", out=tmp_path, **ask)
    data = pd.read_parquet(files[0].parents[1])
    assert data.groupby("year", observed=True)["unit"].first().tolist() == ["kt", "t"]
    assert set(data["stressor"]) == {"CO2"}


def test_a_column_says_the_gases_of_each_year(gases: cf.Panel, cluster: Cluster) -> None:
    found = gases.accounts("GWP100_AR6", client=cluster.address)
    named = found["stressor"].groupby(level="year").first()
    assert named.tolist() == ["GWP100_AR6 of CO2, CH4", *["GWP100_AR6 of CO2"] * 2]
    assert found.attrs["unit"] == "kt CO2-eq"


@pytest.mark.parametrize(
    ("command", "extension"),
    [("accounts", "csv"), ("flows", "json"), ("paths", "csv"), ("sector", "parquet")],
)
def test_files_of_the_command_line_say_both(
    units: cf.Panel, cluster: Cluster, tmp_path: Path, command: str, extension: str
) -> None:
    out = tmp_path / f"all.{extension}"
    more = ["--sectors", "shop"] if command == "sector" else []
    asked, where = ["--stressor", "CO2", "--out", str(out)], ["--scheduler", cluster.address]
    status = main(["panel", command, str(units.folder), *more, *asked, *where])
    assert status == 0
    data = _read(out)
    assert data.groupby("year")["unit"].unique().map(list).tolist() == [["kt"], ["t"]]
    assert set(data["stressor"]) == {"CO2"}
    one = [command, str(units.folder / "2019"), *(["shop"] if command == "sector" else [])]
    assert main([*one, *asked]) == 0
    alone = _read(out)
    assert list(alone.columns[-2:]) == ["stressor", "unit"]
    assert set(alone["unit"]) == {"t"}


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".json":
        return pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
    return {".csv": pd.read_csv, ".parquet": pd.read_parquet}[path.suffix](path)


def test_no_figure_of_two_units(units: cf.Panel, gases: cf.Panel, cluster: Cluster) -> None:
    pytest.importorskip("matplotlib")
    found = units.accounts("CO2", client=cluster.address)
    with pytest.raises(
        cf.InputError, match=r"accounts: .*'CO2' in 'kt' for 2018 and 'CO2' in 't' for 2019"
    ) as caught:
        cf.figures.time_series(found)
    assert SENTENCE.match(str(caught.value))
    cf.figures.time_series(found, "net_share")  # a rate has no unit
    cf.figures.time_series(found.loc[[2018]])
    mixed = gases.accounts("GWP100_AR6", client=cluster.address)
    for column in ("consumption", "net_share"):
        with pytest.raises(cf.InputError, match=r"of CO2, CH4' in .* for 2018 and .*for 2019"):
            cf.figures.time_series(mixed, column)


def test_no_report_of_two_units(tmp_path: Path, gases: cf.Panel) -> None:
    pytest.importorskip("matplotlib")
    panel = panel_of(tmp_path / "store", table(2017, KT), table(2018, T), table(2019, KT))
    # The first and the last agree: it is the year between them.
    with pytest.raises(cf.InputError, match=r"'CO2' in 'kt' for 2017 and 'CO2' in 't' for 2018"):
        cf.report(panel, "CO2", out=tmp_path / "page.html", progress=False)
    with pytest.raises(cf.InputError, match=r"CH4"):
        cf.report(gases, "GWP100_AR6", out=tmp_path / "page.html", progress=False)
    assert not (tmp_path / "page.html").exists()


def test_no_change_between_two_units(units: cf.Panel, cluster: Cluster) -> None:
    flows = {year: cf.flows(units[year], "CO2") for year in (2018, 2019)}
    with pytest.raises(
        cf.InputError,
        match=r"'t', as in these flows \(2019\), got 'CO2' in 'kt' in before \(2018\)",
    ):
        flows[2019].change_from(flows[2018])
    for question in ("structural_decomposition", "structural_path_decomposition"):
        with pytest.raises(cf.PanelError, match=r"2018 → 2019: stressor: .*'kt'.*'t'"):
            getattr(units, question)("CO2", client=cluster.address)
