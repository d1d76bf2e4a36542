"""A consumer without rows, such as the rest of the world that a national table exports to.

Every answer must be that of the same table with a row and a column of zeros for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonflows_fast as cf
from carbonflows_fast import Table
from carbonflows_fast.errors import LabelError

ROWS = pd.MultiIndex.from_product([["CHN", "DEU"], ["goods", "power"]], names=["region", "sector"])
WIDE = ROWS.append(pd.MultiIndex.from_tuples([("RoW", "goods")]))
DEMAND = [("CHN", "homes"), ("DEU", "homes"), ("RoW", "exports"), ("DEU", "state")]


def arguments(seed: int, *, direct: bool = True, **changed: Any) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "Z": random.random((4, 4)) * 10, "Y": random.random((4, 4)) * 50,
        "F": random.random((1, 4)) * 30, "F_Y": random.random((1, 4)) if direct else None,
        "demand": DEMAND, "stressors": ["CO2"], "stressor_units": "kt", "row_units": "M.EUR",
        "population": {"CHN": 9.0, "DEU": 3.0, "RoW": 70.0}, "year": 2000 + seed, "name": "own",
        **changed,
    }  # fmt: skip


def lean(seed: int, **changed: Any) -> Table:
    given = arguments(seed, **changed)
    return Table(**{**given, "Z": pd.DataFrame(given["Z"], ROWS, ROWS)})


def padded(seed: int, **changed: Any) -> Table:
    given = arguments(seed, **changed)
    given["Z"] = pd.DataFrame(np.pad(given["Z"], (0, 1)), WIDE, WIDE)
    given["Y"] = np.pad(given["Y"], ((0, 1), (0, 0)))
    given["F"] = np.pad(given["F"], ((0, 0), (0, 1)))
    return Table(**given)


def stored(table: Table) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        cf.save(table, Path(folder) / "table")
        kept = cf.open(Path(folder) / "table", verify=True)
        assert kept.equals(table)
        return kept.with_changes(S=np.array(kept.S), Y=np.array(kept.Y), A=kept.A.copy())


def written(table: Table) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        cf.write_exiobase(table, Path(folder) / "table")
        return cf.read(Path(folder) / "table")


def exchanged(table: Table) -> Table:
    pytest.importorskip("pymrio")
    return cf.from_pymrio(cf.to_pymrio(table))


def of_pymrio(table: Table) -> pd.DataFrame:
    pytest.importorskip("pymrio")
    frame: pd.DataFrame = cf.calc_all(cf.to_pymrio(table)).emissions.D_cba_reg
    return frame


ERRORS = cf.Errors(Z=0.1, Y={"domestic": 0.1, "trade": 0.3}, F=0.1, F_Y={"RoW": 0.2})
Question = Callable[[Table, Table], Any]
QUESTIONS: dict[str, Question] = {
    "accounts": lambda t, _: cf.accounts(t),
    "of its demand": lambda t, _: cf.accounts(t, demand="RoW"),
    "of a category": lambda t, _: cf.accounts(t, demand=("RoW", "exports")),
    "flows": lambda t, _: cf.flows(t).matrix,
    "shares": lambda t, _: pd.Series([cf.flows(t).traded_share, cf.flows(t).net_transfers]),
    "long flows": lambda t, _: cf.flows(t).to_frame(),
    "trade": lambda t, _: cf.flows(t).bilateral_trade(),
    "products": lambda t, _: cf.flows(t).by_product(),
    "traded": lambda t, _: cf.flows(t).by_traded_product(),
    "emitters": lambda t, _: cf.flows(t).by_emitting_sector(),
    "classes": lambda t, _: cf.flows(t).split(classes={"goods": "product", "power": "energy"}),
    "groups": lambda t, _: cf.flows(t).aggregate(regions={"DEU": "X", "RoW": "X"}).matrix,
    "importers": lambda t, _: cf.flows(t).net_importers(),
    "uncertain accounts": lambda t, _: cf.uncertainty(t, errors=ERRORS).sd,
    "uncertain flows": lambda t, _: cf.uncertainty(t, errors=ERRORS, of="flows").sd,
    "multipliers": lambda t, _: cf.multipliers(t),
    "D_cba": lambda t, _: cf.footprints(t).D_cba_reg,
    "D_pba": lambda t, _: cf.footprints(t).D_pba_reg,
    "D_imp": lambda t, _: cf.footprints(t).D_imp_reg,
    "D_exp": lambda t, _: cf.footprints(t).D_exp_reg,
    "layers": lambda t, _: cf.production_layers(t, layers=4),
    "paths": lambda t, _: cf.structural_paths(t, top=20, demand="RoW").to_frame(),
    "sector": lambda t, _: cf.sector_study(t, sectors="power").flow,
    "borders": lambda t, _: cf.sector_study(t, sectors="power").border_shares,
    "elasticities": lambda t, _: cf.elasticities(t),
    "betweenness": lambda t, _: cf.sector_betweenness(t),
    "change": lambda t, u: cf.structural_decomposition(t, u, by="region").to_frame(),
    "chains": lambda t, u: cf.structural_path_decomposition(t, u, top=20).to_frame(),
    "population": lambda t, _: t.population,
    "aggregate": lambda t, _: cf.accounts(t.aggregate(regions={"CHN": "X", "DEU": "X"})),
    "merged": lambda t, _: cf.accounts(t.aggregate(regions={"RoW": "DEU"})),
    "heads": lambda t, _: t.aggregate(regions={"RoW": "DEU"}).population,
    "store": lambda t, _: cf.accounts(stored(t)),
    "EXIOBASE": lambda t, _: cf.accounts(written(t)),
    "pymrio": lambda t, _: cf.accounts(exchanged(t)),
    "calc_all": lambda t, _: of_pymrio(t),
    "changes": lambda t, _: cf.accounts(t.with_changes(S=t.S * 2)),
    "repair": lambda t, _: cf.accounts(cf.repair(t, duplicates=True)[0]),
}


def without_zeros(found: Any) -> pd.DataFrame:
    """Return a frame without what the row of zeros has added to it."""
    frame = found.to_frame() if isinstance(found, pd.Series) else found
    for axis in (0, 1):
        labels = frame.axes[axis]
        if isinstance(labels, pd.MultiIndex) and labels.names[1] in ("sector", "product"):
            extra = [label for label in labels if tuple(label[:2]) == ("RoW", "goods")]
            frame = frame.drop(extra, axis=axis)
    return frame


def assert_alike(found: Any, expected: Any) -> None:
    a, b = without_zeros(found), without_zeros(expected)
    assert list(a.index) == list(b.index)
    assert list(map(str, a.columns)) == list(map(str, b.columns))
    numbers = list(a.select_dtypes("number").columns)
    np.testing.assert_allclose(
        a[numbers].to_numpy(float), b[numbers].to_numpy(float), rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_those_of_a_row_of_zeros(question: str) -> None:
    ask = QUESTIONS[question]
    assert_alike(ask(lean(0), lean(1)), ask(padded(0), padded(1)))


@given(seed=st.integers(0, 10_000), direct=st.booleans())
def test_accounts_and_flows_of_any_numbers(seed: int, direct: bool) -> None:
    one, other = lean(seed, direct=direct), padded(seed, direct=direct)
    assert one.regions == other.regions == ("CHN", "DEU", "RoW")
    assert_alike(cf.accounts(one), cf.accounts(other))
    assert_alike(cf.flows(one).matrix, cf.flows(other).matrix)


def test_it_produces_nothing_and_has_no_share() -> None:
    found = cf.accounts(lean(0, direct=False)).loc["RoW"]
    assert (found["production"], found["exports"]) == (0, 0)
    assert found["consumption"] == found["imports"] == found["net_imports"] > 0
    assert np.isnan(found["net_share"])


def test_check_names_it() -> None:
    findings = cf.check(lean(0)).findings
    noted = findings[findings["check"] == "no rows"]
    assert noted["region"].tolist() == ["RoW"]
    assert noted["severity"].tolist() == ["note"]


def test_one_column_a_region_by_its_name() -> None:
    Y = pd.DataFrame(np.ones((4, 3)), ROWS, ["CHN", "DEU", "RoW"])
    table = lean(0, Y=Y, demand=None, F_Y=None)
    assert table.regions == ("CHN", "DEU", "RoW")
    with pytest.raises(LabelError, match="no categories, which needs one column for each of 2"):
        lean(0, Y=np.ones((4, 3)), demand=None, F_Y=None)


def test_sectors_of_a_region_without_rows() -> None:
    with pytest.raises(LabelError, match=r"got \('RoW', None\).*'RoW' has no rows, it consumes"):
        cf.structural_paths(lean(0), start=("RoW", None))


@pytest.mark.parametrize(
    ("name", "remedy"), [("deu", "DEU"), (" DEU", "DEU"), ("Germany", "DEU"), ("CN", "CHN")]
)
def test_another_spelling_of_a_region_is_refused(name: str, remedy: str) -> None:
    """Else its final demand would be that of a region more, in silence."""
    demand = [("CHN", "a"), ("DEU", "a"), (name, "b"), ("DEU", "c")]
    with pytest.raises(LabelError, match=f"got '{name}' at position 2 .*; write '{remedy}'"):
        lean(0, demand=demand, population=None)
    lean(0, demand=[*demand[:2], (remedy, "b"), demand[3]], population=None)  # as it says


def test_consumers_of_which_none_has_rows_are_refused() -> None:
    with pytest.raises(LabelError, match="demand: expected a column of at least one region"):
        lean(0, demand=[("homes", region) for region in ("CHN", "DEU", "RoW", "FRA")])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_folder_of_ones_own(tmp_path: Path, suffix: str) -> None:
    table = lean(0)
    Z = pd.DataFrame(table.Z.toarray(), table.rows, table.rows)
    frames = {"Z": Z, "Y": table.Y, "F": table.F, "F_Y": table.F_Y,
              "population": table.population.to_frame()}  # fmt: skip
    for key, frame in frames.items():
        if suffix == "csv":
            frame.to_csv(tmp_path / f"{key}.csv")
        else:
            frame.to_parquet(tmp_path / f"{key}.parquet")
    found = cf.read(tmp_path)
    assert found.regions == table.regions
    assert_alike(cf.accounts(found), cf.accounts(table))
    assert found.population.to_dict() == table.population.to_dict()


def test_a_report(tmp_path: Path) -> None:
    cf.report(lean(0, direct=False), out=tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "RoW" in text
    assert "nan %" not in text.lower()
