"""Flows between regions, on small tables, against the dense reference."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.reference import Reference
from support.worlds.strategies import seeds, tables
from support.worlds.three_regions import slack, three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError

# --- numbers ----------------------------------------------------------------------------------


@given(tables())
def test_flows_of_any_table(table: cf.Table) -> None:
    reference, s = Reference(table), table.S.to_numpy()[-1]
    got = cf.flows(table, table.stressors[-1])
    limit = slack(got)
    assert list(got.matrix.index) == list(got.matrix.columns) == list(table.regions)
    assert np.abs(got.matrix - reference.flows(s)).max(axis=None) <= limit
    assert (
        np.abs(got.by_emitting_sector() - reference.by_emitting_sector(s)).max(axis=None) <= limit
    )
    assert np.abs(got.by_product() - reference.by_product(s)).max(axis=None) <= (
        limit + 2 * got.by_product().attrs["error_bound"]
    )
    assert abs(got.net_transfers - reference.net_transfers(s)) <= limit
    assert abs(got.traded_share * got.gross - reference.traded(s)) <= limit or np.isnan(
        got.traded_share
    )
    np.testing.assert_allclose(
        got.households, reference.households(table.F_Y.to_numpy()[-1]), rtol=1e-12
    )


@given(tables())
def test_every_breakdown_adds_up_to_the_matrix(table: cf.Table) -> None:
    got = cf.flows(table, table.stressors[0])
    limit = slack(got)
    by_sector = got.by_emitting_sector().groupby(level="region", sort=False).sum()
    assert np.abs(by_sector - got.matrix).max(axis=None) <= limit
    by_product = got.by_product()
    sums = by_product.groupby(level="region", sort=False).sum()
    assert np.abs(sums - got.matrix).max(axis=None) <= limit + by_product.attrs["error_bound"]
    assert got.to_frame()["value"].sum() == pytest.approx(got.total, abs=limit)


def test_the_numbers_called_traded_are_what_they_say() -> None:
    got = cf.flows(three_regions())
    E = got.matrix.to_numpy()
    off = E.sum() - np.trace(E)
    assert got.total == pytest.approx(E.sum())
    assert got.traded_share == pytest.approx(off / E.sum())
    assert got.traded_share_all == pytest.approx(off / (E.sum() + 30.0))
    balance = E.sum(axis=0) - E.sum(axis=1)
    assert got.net_transfers == pytest.approx(balance[balance > 0].sum())
    assert got.net_transfers == pytest.approx(-balance[balance < 0].sum())
    assert 0 < got.net_transfers < off


def test_flows_agree_with_accounts() -> None:
    table = three_regions()
    got, accounts = cf.flows(table), cf.accounts(table)
    foreign = got.matrix.to_numpy() * (1 - np.eye(3))
    np.testing.assert_allclose(accounts["imports"], foreign.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(accounts["exports"], foreign.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(accounts["households"], got.households)
    assert accounts.attrs["error_bound"] == got.error_bound


def test_selected_demand_and_its_households() -> None:
    got = cf.flows(three_regions(), demand="BB")
    assert (got.matrix[["AA", "CC"]] == 0).all(axis=None)
    assert got.households.to_dict() == {"AA": 0.0, "BB": 20.0, "CC": 0.0}
    whole = cf.flows(three_regions()).matrix
    np.testing.assert_allclose(got.matrix["BB"], whole["BB"], rtol=1e-8)


def test_no_emissions_have_no_shares() -> None:
    got = cf.flows(three_regions(F=np.zeros((1, 5)), F_Y=None))
    assert np.isnan(got.traded_share)
    assert np.isnan(got.traded_share_all)
    assert got.net_transfers == 0.0
    assert got.to_frame()["share"].isna().all()


# --- shapes and labels ------------------------------------------------------------------------


def test_labels() -> None:
    got = cf.flows(three_regions())
    assert got.matrix.index.name == "region"
    assert got.matrix.columns.name == "consumer"
    assert got.by_emitting_sector().index.equals(three_regions().rows)
    by_product = got.by_product()
    assert by_product.index.names == ["region", "product"]
    assert list(by_product.index[:3]) == [("AA", "goods"), ("AA", "mining"), ("BB", "goods")]
    assert by_product.attrs["unit"] == got.unit == "kt"
    assert got.stressor == "CO2"


def test_repr_says_the_main_numbers() -> None:
    text = repr(cf.flows(three_regions()))
    assert text.startswith("Flows('CO2', 3 × 3, total ")
    assert "% traded, error bound" in text
    assert text.endswith(" kt)")


def test_to_frame_and_top() -> None:
    got = cf.flows(three_regions())
    long = got.to_frame()
    assert list(long.columns) == ["from", "to", "value", "share"]
    assert len(long) == 9
    for row in long.itertuples(index=False):
        assert row.value == got.matrix.loc[row[0], row.to]
    assert long["share"].sum() == pytest.approx(1.0)
    top = got.top(4)
    foreign = long[long["from"] != long["to"]].sort_values("value", ascending=False)
    pd.testing.assert_frame_equal(top, foreign.head(4).reset_index(drop=True))
    assert len(got.top(100)) == 6


@pytest.mark.parametrize("n", [0, -1, 2.5, "many", True])
def test_top_refuses_what_is_no_number(n: Any) -> None:
    with pytest.raises(InputError, match=r"n: expected a whole number .* 1, got .*; give e\.g"):
        cf.flows(three_regions()).top(n)


def test_results_cannot_be_changed() -> None:
    got = cf.flows(three_regions())
    with pytest.raises(AttributeError):
        got.error_bound = 0.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        got.matrix.to_numpy()[0, 0] = 1.0
    made = got.by_product()
    before = made.iloc[0, 0]
    made.iloc[0, 0] = before + 1.0  # made for us, and ours
    assert got.by_product().iloc[0, 0] == before


def test_flows_pickle() -> None:
    got = cf.flows(three_regions())
    back = pickle.loads(pickle.dumps(got))
    pd.testing.assert_frame_equal(back.matrix, got.matrix)
    pd.testing.assert_frame_equal(back.by_product(), got.by_product())


# --- a demand of one's own --------------------------------------------------------------------


def test_array_demand_is_one_column() -> None:
    table, y = three_regions(), np.array([1.0, 0.0, 2.0, 0.0, 3.0])
    got, reference = cf.flows(table, demand=y), Reference(table, demand=y[:, None])
    s = table.S.to_numpy()[0]
    assert list(got.matrix.columns) == ["demand"]
    np.testing.assert_allclose(got.matrix, reference.flows(s), rtol=1e-9)
    np.testing.assert_allclose(got.by_emitting_sector(), reference.by_emitting_sector(s), rtol=1e-9)
    np.testing.assert_allclose(got.by_product(), reference.by_product(s), rtol=1e-9, atol=1e-12)
    assert (got.households == 0).all()
    assert "traded" not in repr(got)
    assert len(got.to_frame()) == 3


@pytest.mark.parametrize(
    "question",
    [
        lambda f: f.traded_share,
        lambda f: f.traded_share_all,
        lambda f: f.net_transfers,
        lambda f: f.top(3),
    ],
)
def test_array_demand_has_no_consumers(question: Any) -> None:
    with pytest.raises(InputError, match=r"demand: expected regions .* got an array; select it by"):
        question(cf.flows(three_regions(), demand=np.ones(5)))


# --- groups of regions ------------------------------------------------------------------------


def test_aggregate_sums_flows() -> None:
    got = cf.flows(three_regions())
    pair = got.aggregate(regions={"AA": "West", "CC": "West"})
    E = got.matrix
    west = ["AA", "CC"]
    assert list(pair.matrix.index) == list(pair.matrix.columns) == ["West", "BB"]
    assert pair.matrix.loc["West", "West"] == pytest.approx(E.loc[west, west].to_numpy().sum())
    assert pair.matrix.loc["West", "BB"] == pytest.approx(E.loc[west, "BB"].sum())
    assert pair.matrix.loc["BB", "BB"] == E.loc["BB", "BB"]
    assert pair.households.to_dict() == {"West": 10.0, "BB": 20.0}
    assert pair.total == pytest.approx(got.total)
    assert pair.traded_share < got.traded_share
    assert pair.error_bound == got.error_bound


@given(tables(), seeds())
def test_aggregated_breakdowns_add_up(table: cf.Table, rng: np.random.Generator) -> None:
    mapping = {region: str(rng.choice(["one", "two"])) for region in table.regions}
    got = cf.flows(table, table.stressors[0])
    grouped = got.aggregate(regions=mapping)
    limit = slack(got) + got.by_product().attrs["error_bound"]
    by_sector = got.by_emitting_sector().rename(index=mapping, level=0)
    by_sector = by_sector.rename(columns=mapping).groupby(level=[0, 1], sort=False).sum()
    by_sector = by_sector.T.groupby(level=0, sort=False).sum().T
    frame = grouped.by_emitting_sector()
    assert np.abs(frame - by_sector.loc[frame.index, frame.columns]).max(axis=None) <= limit
    for rows in (frame, grouped.by_product()):
        sums = rows.groupby(level="region", sort=False).sum()
        assert list(sums.index) == list(grouped.matrix.index)
        assert list(rows.columns) == list(grouped.matrix.columns)
        assert np.abs(sums - grouped.matrix).max(axis=None) <= limit


def test_aggregating_twice_is_aggregating_once() -> None:
    got = cf.flows(three_regions())
    twice = got.aggregate(regions={"AA": "X"}).aggregate(regions={"X": "Y", "BB": "Y"})
    once = got.aggregate(regions={"AA": "Y", "BB": "Y"})
    np.testing.assert_allclose(twice.matrix, once.matrix, rtol=1e-14)
    assert list(twice.matrix.index) == ["Y", "CC"]
    assert list(twice.by_product().index) == list(once.by_product().index)


def test_aggregating_an_array_demand_keeps_its_column() -> None:
    got = cf.flows(three_regions(), demand=np.ones(5)).aggregate(regions={"AA": "Z", "BB": "Z"})
    assert got.matrix.shape == (2, 1)
    assert list(got.by_emitting_sector().columns) == ["demand"]


def test_aggregate_says_what_is_wrong() -> None:
    got = cf.flows(three_regions())
    with pytest.raises(LabelError, match=r"regions: .* got 'AAA'; nearest are 'AA'"):
        got.aggregate(regions={"AAA": "West"})
    with pytest.raises(InputError, match=r"regions: expected a mapping .* got list"):
        got.aggregate(regions=["AA"])  # type: ignore[arg-type]


@given(tables(), st.integers(1, 3))
def test_same_bits_for_any_number_of_threads(table: cf.Table, threads: int) -> None:
    """Kernels add in a fixed order; the solver promises the same."""
    one = cf.flows(table, table.stressors[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARBONFLOWS_NUM_THREADS", str(threads))
        other = cf.flows(pickle.loads(pickle.dumps(table)), table.stressors[0])
    assert one.matrix.to_numpy().tobytes() == other.matrix.to_numpy().tobytes()
    assert one.by_product().to_numpy().tobytes() == other.by_product().to_numpy().tobytes()


def test_groups_of_countries_by_name() -> None:
    table = three_regions(regions=["DEU", "DEU", "ROM", "USA", "USA"])
    got = cf.flows(table)
    for regions in ("EU27", {"EU27": "EU27"}, {"Germany": "EU27", "RO": "EU27"}):
        assert list(got.aggregate(regions=regions).matrix.index) == ["EU27", "USA"]
    own = got.aggregate(regions={"ROM": "Romania", "EU27": "rest"})
    assert list(own.matrix.index) == ["rest", "Romania", "USA"]
    assert list(table.aggregate(regions={"EU27": "EU"}).regions) == ["EU", "USA"]


def test_countries_go_before_groups_whatever_the_order() -> None:
    table = three_regions(regions=["DEU", "DEU", "FRA", "USA", "USA"])
    for regions in ({"Germany": "D", "EU27": "EU"}, {"EU27": "EU", "deu": "D"}):
        assert list(cf.flows(table).aggregate(regions=regions).matrix.index) == ["D", "EU", "USA"]


def test_what_was_merged_moves_as_one() -> None:
    merged = cf.flows(three_regions(regions=["DEU", "DEU", "ROM", "USA", "USA"])).aggregate(
        regions={"DEU": "west", "USA": "west"}
    )
    with pytest.raises(InputError, match="regions: expected all of 'west', which was merged"):
        merged.aggregate(regions="EU27")
    assert list(merged.aggregate(regions={"west": "x", "EU15": "x"}).matrix.index) == ["x", "ROM"]
    for group in (None, "", 5):
        with pytest.raises(InputError, match="regions: expected a text as the name"):
            merged.aggregate(regions={"west": group})  # type: ignore[dict-item]
