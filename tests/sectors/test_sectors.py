"""Sector studies against block inverses, and the identities that make them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references import trade_reference
from support.references.reference import Reference
from support.worlds.strategies import tables
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError


def slack(table: cf.Table, study: cf.SectorStudy) -> float:
    emitted = float(table.F.loc[study.stressor].abs().sum())
    return 2 * study.error_bound + 1e-11 * emitted + 1e-12


@given(tables(), st.data())
def test_a_study_of_any_rows(table: cf.Table, data: st.DataObject) -> None:
    T = np.array(data.draw(st.lists(st.booleans(), min_size=table.n, max_size=table.n)))
    reference, s = Reference(table), table.S.to_numpy()[-1]
    got = cf.sector_study(table, table.stressors[-1], sectors=T)
    expected = trade_reference.study(reference, s, T)
    limit = slack(table, got)
    assert np.abs(got._steps - expected["steps"]).max(initial=0.0) <= limit
    assert abs(got.total - expected["total"]) <= limit
    assert abs(got.direct - expected["direct"]) <= limit
    assert abs(got.direct + got.upstream - got.total) <= limit
    products = got.products
    gap = np.abs(products.to_numpy() - expected["products"])
    assert gap.sum() <= limit + 2 * products.attrs["error_bound"]
    assert np.abs(got.tiers["emissions"].to_numpy() - expected["tiers"]).max() <= limit
    assert abs(got.tiers["remainder"].iloc[-1] - expected["beyond"]) <= limit
    # The footprint less all chains that avoid T.
    footprint = cf.flows(table, table.stressors[-1]).total
    assert abs(footprint - expected["avoiding"] - got.total) <= limit


@given(tables())
def test_all_sectors_give_the_footprint_and_none_nothing(table: cf.Table) -> None:
    flows = cf.flows(table, table.stressors[0])
    whole = cf.sector_study(table, table.stressors[0], sectors=np.ones(table.n, dtype=bool))
    limit = slack(table, whole) + flows.error_bound
    wide = whole.by("emitted", "consumed").unstack()
    wide = wide.loc[list(table.regions), list(table.regions)]
    assert np.abs(wide.to_numpy() - flows.matrix.to_numpy()).max() <= limit
    nothing = cf.sector_study(table, table.stressors[0], sectors=np.zeros(table.n, dtype=bool))
    assert nothing.total == nothing.direct == nothing.upstream == 0.0
    assert nothing.border_shares.isna().all()


@given(tables(negatives=False))
def test_paths_through_the_sectors_converge_to_the_total(table: cf.Table) -> None:
    T = np.arange(table.n) % 2 == 0
    got = cf.sector_study(table, table.stressors[0], sectors=T)
    paths = got.paths(top=20)
    assert paths.total == pytest.approx(got.total, abs=slack(table, got) + paths.error_bound)
    assert paths.value.sum() + paths.remainder == pytest.approx(
        got.total, abs=slack(table, got) + 2 * paths.error_bound
    )


def test_paths_of_a_falling_threshold_carry_more_and_more() -> None:
    table = three_regions()
    got = cf.sector_study(table, sectors="mining")
    carried = [
        got.paths(threshold=share * got.total).coverage for share in (1e-2, 1e-4, 1e-6, 1e-8)
    ]
    assert carried == sorted(carried)
    assert carried[-1] > 0.999


def test_steps_summed() -> None:
    got = cf.sector_study(three_regions(), sectors=[("AA", "mining"), "goods"])
    assert got.name == "4 rows"
    assert len(got.flow) == 27
    flow = got.flow
    for step in ("emitted", "made", "consumed"):
        expected = flow.groupby(step, sort=False)["value"].sum()
        np.testing.assert_allclose(got.by(step), expected.loc[got.by(step).index])
    turned = got.by("consumed", "emitted")
    expected = flow.groupby(["consumed", "emitted"], sort=False)["value"].sum()
    np.testing.assert_allclose(turned, expected.loc[turned.index])
    for between, share in got.border_shares.items():
        if between != "any":
            one, two = str(between).split(" → ")
            crossed = flow.loc[flow[one] != flow[two], "value"].sum()
            assert share == pytest.approx(crossed / got.total)
    home = flow.loc[(flow.emitted == flow.made) & (flow.made == flow.consumed), "value"].sum()
    assert got.border_shares["any"] == pytest.approx(1 - home / got.total)


def test_price_coverage_is_the_share_emitted_there() -> None:
    got = cf.sector_study(three_regions(), sectors="goods")
    flow = got.flow
    here = flow.loc[flow.emitted.isin(["AA", "CC"])]
    assert got.price_coverage(["AA", "CC"]) == pytest.approx(here.value.sum() / got.total)
    bought = flow.loc[flow.consumed == "BB"]
    expected = bought.loc[bought.emitted == "AA", "value"].sum() / bought.value.sum()
    assert got.price_coverage("AA", consumers="BB") == pytest.approx(expected)
    assert got.price_coverage(["AA", "BB", "CC"]) == pytest.approx(1.0)


def test_selected_demands_add_up() -> None:
    table = three_regions()
    whole = cf.sector_study(table, sectors="goods")
    parts = [cf.sector_study(table, sectors="goods", demand=region) for region in table.regions]
    assert sum(part.total for part in parts) == pytest.approx(whole.total, rel=1e-9)
    given_as_array = cf.sector_study(table, sectors="goods", demand=table.Y.sum(axis=1).to_numpy())
    assert given_as_array.total == pytest.approx(whole.total, rel=1e-9)
    assert list(given_as_array.products.columns) == ["demand"]
    shares = given_as_array.border_shares
    assert shares["emitted → made"] == pytest.approx(whole.border_shares["emitted → made"])
    assert np.isnan(shares["made → consumed"])
    with pytest.raises(InputError, match="demand: expected regions"):
        given_as_array.price_coverage("AA", consumers="BB")


def test_units_and_prices_change_nothing() -> None:
    table = three_regions()
    whole = cf.sector_study(table, sectors="mining")
    factor = np.array([1.0, 1e6, 1e-3, 8.0, 0.1])
    Z, Y = table.Z.toarray() * factor[:, None], table.Y.to_numpy() * factor[:, None]
    other = cf.sector_study(
        three_regions(Z=None, A=(Z / factor) / table.x.to_numpy(), Y=Y,
                      x=table.x.to_numpy() * factor),
        sectors="mining",
    )  # fmt: skip
    assert other.total == pytest.approx(whole.total, rel=1e-9)
    np.testing.assert_allclose(other._steps, whole._steps, rtol=1e-7)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_bits_for_any_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def total() -> Any:
        got = cf.sector_study(cf.synthetic.world(6, 40), sectors="Wheat")
        return got.total, got.direct, got._steps.tobytes(), got._products.tobytes()

    monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", "2")
    expected = total()
    monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", str(threads))
    assert total() == expected


@pytest.mark.parametrize(
    ("sectors", "message"),
    [
        ("steal", "sectors: expected a study \\(steel, aluminium"),
        ("steel", "name the sectors that are steel instead"),
        (("AA", "nothing"), "sectors: expected a sector of the table"),
        ([], "name at least one"),
        (None, "name at least one"),
        (["steel", "goods"], "sectors: expected one study, or rows of the table"),
        (["steel"], "name the sectors that are steel instead"),
        (np.ones(3, dtype=bool), "Boolean mask with 5 entries"),
    ],
)
def test_unknown_sectors_are_refused(sectors: Any, message: str) -> None:
    with pytest.raises((InputError, LabelError), match=message):
        cf.sector_study(three_regions(), sectors=sectors)


def test_other_arguments_are_refused() -> None:
    got = cf.sector_study(three_regions(), sectors="goods")
    with pytest.raises(InputError, match="steps: expected"):
        got.by("sold")
    for bad in (["emitted", "made"], ["emitted"]):
        with pytest.raises(InputError, match="steps: expected"):
            got.by(bad)  # type: ignore[arg-type]
    with pytest.raises(LabelError, match=r"regions: .*'Atlantis'"):
        got.price_coverage("Atlantis")
    with pytest.raises(LabelError, match=r"consumers: .*'Atlantis'"):
        got.price_coverage("AA", consumers="Atlantis")
    assert got.price_coverage(np.array(["AA", "BB", "CC"])) == pytest.approx(1.0)
    for name in ("through", "demand"):
        with pytest.raises(InputError, match=f"{name}: expected what the study is about"):
            got.paths(**{name: "AA"})
    with pytest.raises(LabelError):
        cf.sector_study(three_regions(), "CH4", sectors="goods")


def test_a_study_pickles_and_says_what_it_is() -> None:
    got = cf.sector_study(three_regions(), sectors="goods")
    again = pickle.loads(pickle.dumps(got))
    assert again.total == got.total
    assert len(again.paths(top=3)) == 3
    assert repr(got).startswith("SectorStudy('goods', 'CO2': total ")


def test_frames_may_be_changed_without_changing_the_study() -> None:
    got = cf.sector_study(three_regions(), sectors="goods")
    flow, tiers = got.flow, got.tiers
    flow["value"] = 0.0
    tiers["emissions"] = 0.0
    assert got.flow["value"].sum() == pytest.approx(got.total)
    assert got.tiers["emissions"].sum() > 0
