"""What two tables must share to be compared; what is refused names both sides and a way out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.worlds.two_years import pair, year

import carbonflows_fast as cf
from carbonflows_fast.cli import main
from carbonflows_fast.errors import InputError, LabelError, PanelError

ROWS = pd.MultiIndex.from_product([["NO", "SE"], ["farm", "shop"]], names=["region", "sector"])
Z = np.array([[8.0, 5, 1, 0], [3, 9, 0, 2], [2, 1, 7, 4], [0, 1, 2, 6]])
Y = np.array([[30.0, 4], [25, 2], [3, 28], [1, 33]])
F = {"CO2": [20.0, 9, 18, 7], "CH4": [2, 0.1, 1, 0.1], "N2O": [0.1, 0, 0.2, 0]}


def table(
    when: int, *, gases: tuple[str, ...] = ("CO2",), grown: float = 1.0, **changes: Any
) -> cf.Table:
    arguments: dict[str, Any] = {
        "Z": pd.DataFrame(Z * grown, ROWS, ROWS), "Y": Y * grown, "F": [F[gas] for gas in gases],
        "stressors": list(gases), "stressor_units": "kt", "row_units": "M.NOK", "year": when,
    }  # fmt: skip
    return cf.Table(**(arguments | changes))


# --- gases ------------------------------------------------------------------------------------


def test_gases_that_only_one_year_has_are_refused(tmp_path: Path) -> None:
    both, lacks = table(2019, gases=("CO2", "CH4")), table(2020)
    only = re.escape("got 1 only in before ('CH4'); ask for what both have, e.g. 'CO2'")
    other = re.escape("got 1 only in after ('CH4')")
    asked = "GWP100_AR6"
    for question in (cf.structural_decomposition, cf.structural_path_decomposition):
        with pytest.raises(InputError, match=f"'GWP100_AR6' of both tables, {only}"):
            question(both, lacks, asked)  # type: ignore[operator]
        with pytest.raises(InputError, match=other):
            question(lacks, both, asked)  # type: ignore[operator]
    with pytest.raises(InputError, match=only):
        cf.decompose_years([both, lacks], asked)
    with pytest.raises(InputError, match=r"1 only in before \(2019\) \('CH4'\)"):
        cf.flows(lacks, asked).change_from(cf.flows(both, asked))
    with pytest.raises(InputError, match=r"since: .*1 only in the table of 2019 \('CH4'\)"):
        cf.report(lacks, asked, out=tmp_path / "report.html", since=both)
    for one in (both, lacks):
        cf.save(one, tmp_path / "store" / str(one.year))
    panel = cf.Panel(tmp_path / "store")
    with pytest.raises(PanelError) as caught:
        panel.structural_decomposition(asked, pairs="chained")
    assert "1 only in before ('CH4')" in str(caught.value.failed)
    assert abs(cf.structural_decomposition(both, lacks, "CO2").total) < 1e-9  # the remedy


def test_gases_in_another_order_are_the_same() -> None:
    before, after = (table(2019 + at, gases=gases) for at, gases in
                     enumerate((("CO2", "CH4", "N2O"), ("N2O", "CO2", "CH4"))))  # fmt: skip
    assert abs(cf.structural_decomposition(before, after, "GWP100_AR5").total) < 1e-9
    change = cf.flows(after, "GWP100_AR5").change_from(cf.flows(before, "GWP100_AR5"))
    assert change.change.abs().max() < 1e-9
    one, other = {"CO2": 1, "CH4": 28}, {"CH4": 28, "CO2": 1}
    assert len(cf.flows(after, one).change_from(cf.flows(before, other))) == 4
    with pytest.raises(
        InputError, match=r"before: expected '1 CO2 \+ 28 CH4' in 'kt', .* '1 CO2 \+ 25 CH4'"
    ):
        cf.flows(after, one).change_from(cf.flows(before, {"CO2": 1, "CH4": 25}))


def test_a_gas_of_several_sources_is_compared_source_by_source() -> None:
    names = ["CH4 - combustion - air", "CH4 - agriculture - air"]
    before = table(2019, gases=("CH4", "N2O"), stressors=[names[0], "N2O"])
    after = table(2020, gases=("CH4", "N2O", "CO2"), stressors=[names[0], "N2O", names[1]])
    with pytest.raises(InputError, match=r"1 only in after \('CH4 - agriculture - air'\)"):
        cf.structural_decomposition(before, after, "GWP100_AR6")


# --- index numbers ----------------------------------------------------------------------------


@pytest.mark.parametrize("index", [104.3, [104.3, 98.1, 101, 250], [104.3, 1.0, 103.1, 1.0]])
def test_index_numbers_of_base_100_are_refused(index: Any) -> None:
    before, after = table(2019), table(2020, grown=1.05)
    numbers = np.broadcast_to(index, 4).astype(float)
    for question in (cf.structural_decomposition, cf.structural_path_decomposition):
        with pytest.raises(
            InputError, match=r"deflators: expected prices in after over .* by 100$"
        ):
            question(before, after, deflators=numbers, top=5)  # type: ignore[operator]
        right = np.where(numbers > 20.0, numbers / 100.0, numbers)
        question(before, after, deflators=right, top=5)  # type: ignore[operator]


@pytest.mark.parametrize(("prices", "growth"), [(104.0, 105.0), (2e6, 1.4e6), (30.0, 8.0)])
def test_hyperinflation_is_believed_where_amounts_rise_with_prices(
    prices: float, growth: float
) -> None:
    before, after = table(2018), table(2019, grown=growth)
    found = cf.structural_decomposition(before, after, deflators=np.full(4, prices))
    got = found.to_frame()["effect"]["demand level"] / found.before
    half_way = (
        (growth / prices - 1) * (1 + prices / growth) / 2
    )  # E stays, level and intensity meet
    assert got == pytest.approx(half_way, rel=0.5)
    # A product that is given up is no reason to refuse, nor one that was not made before.
    one = table(2019, grown=growth)
    gone = one.with_changes(Y=one.Y * np.array([[1.0], [1e-9], [1], [1]]))
    cf.structural_decomposition(before, gone, deflators=np.full(4, prices))


@pytest.mark.parametrize(
    ("numbers", "remedy"),
    [
        (np.full(4, 0.02), r"give 1 \+ rate$"),
        (np.full(4, 0.2), r"give 1 \+ rate$"),
        (np.array([4.3, 4, 3, 2]), r"give 1 \+ per cent / 100$"),
        (1.043, r"give np.full\(before.n, price\)$"),
        ({"NO": 1.04, "SE": 1.02}, r"give pd.Series\(deflators\).reindex\(.*\).to_numpy\(\)$"),
        (pd.Series({"NO": 1.04, "SE": 1.02}), r"by region deflators.reindex\(.*\).to_numpy\(\)$"),
        (pd.DataFrame({"price": np.ones(4)}), r"deflators.iloc\[:, 0\]$"),
    ],
)
def test_deflators_of_another_kind_are_refused_with_the_way_out(numbers: Any, remedy: str) -> None:
    before, after = table(2019), table(2020, grown=1.05)
    for question in (cf.structural_decomposition, cf.structural_path_decomposition):
        with pytest.raises((InputError, LabelError), match=remedy):
            question(before, after, deflators=numbers)  # type: ignore[operator]


def test_prices_that_double_or_fall_to_a_tenth_are_believed_with_the_amounts() -> None:
    before = table(2019)
    for prices, growth in ((4.0, 3.5), (0.1, 0.12), (0.001, 0.0011), (0.8, 1.1)):
        after = table(2020, grown=growth)
        found = cf.structural_decomposition(before, after, deflators=np.full(4, prices))
        moved = cf.flows(after).total - cf.flows(before).total
        assert found.to_frame()["effect"].sum() == pytest.approx(moved, abs=1e-9)


# --- demand of flows --------------------------------------------------------------------------


def test_flows_of_another_demand_are_refused() -> None:
    before, after = table(2019), table(2020, grown=1.05)
    whole, part = cf.flows(before), cf.flows(after, demand="NO")
    for one, other in ((part, whole), (whole, part)):
        with pytest.raises(InputError, match=r"before: expected flows of the same final demand"):
            one.change_from(other)
    same = part.change_from(cf.flows(before, demand=[("NO", None)]))
    assert len(same) == 4
    assert len(cf.flows(after, demand=["SE", "NO"]).change_from(whole)) == 4


# --- heads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e3, 1e6, 1e-3])
def test_heads_beside_thousands_are_refused(unit: float) -> None:
    before = table(2010, population={"NO": 5e6, "SE": 9e6})
    after = table(2011, population={"NO": 5.1e6 * unit, "SE": 9.3e6 * unit})
    said = r"population: expected one unit in both tables, got .* in before and .* in after"
    with pytest.raises(InputError, match=said):
        cf.structural_decomposition(before, after)
    with pytest.raises(InputError, match=said):
        cf.decompose_years([before, after])
    assert len(cf.structural_path_decomposition(before, before.with_changes(Y=before.Y * 2))) > 0
    # Thirty times as many in forty years have been seen, and heads that are not known.
    grown = table(2011, population={"NO": 1.5e8, "SE": 9e6})
    assert "population" in cf.structural_decomposition(before, grown).to_frame().index
    unknown = table(2011, population={"NO": 5e6 * unit, "SE": 0.0})
    if unit > 1.0:
        with pytest.raises(InputError, match="of NO in before"):
            cf.structural_decomposition(before, unknown)


# --- categories -------------------------------------------------------------------------------


def years_of_other_categories() -> tuple[cf.Table, cf.Table]:
    def one(when: int, categories: list[str], cells: Any) -> cf.Table:
        return table(when, Y=cells, demand=[(r, c) for r in ("NO", "SE") for c in categories])

    parts = np.array([0.6, 0.1, 0.3])
    cells = np.concatenate([Y[:, :1] * parts, Y[:, 1:] * parts], axis=1)
    merged = np.stack([cells[:, [0, 1]].sum(axis=1), cells[:, 2],
                       cells[:, [3, 4]].sum(axis=1), cells[:, 5]], axis=1)  # fmt: skip
    return one(2019, ["homes", "charities", "state"], cells), one(2020, ["homes", "state"], merged)


def test_categories_of_one_table_are_merged_as_the_error_says() -> None:
    before, after = years_of_other_categories()
    for tables, name in (((before, after), "before"), ((after, before), "after")):
        with pytest.raises(LabelError, match=f"2 only in {name}") as caught:
            cf.structural_decomposition(*tables)
        remedy = re.search(rf"in {name} e.g. by (\.aggregate\(.*?\)),", str(caught.value))
        assert remedy is not None
        merged = [eval(f"one{remedy[1]}") if one is before else one for one in tables]
        assert abs(cf.structural_decomposition(*merged).total) < 1e-9
        assert len(cf.structural_path_decomposition(*merged)) == 0


def test_the_command_line_and_the_report_advise_what_they_can_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = years_of_other_categories()
    stores = [str(cf.save(one, tmp_path / str(one.year))) for one in (before, after)]
    assert main(["decompose", *stores]) == 2
    assert "; ask by --demand for what both have" in capsys.readouterr().err
    assert main(["decompose", *stores, "--demand", ":state"]) == 0
    with pytest.raises(LabelError, match=r"in the table of 2019 e.g. by .*: 'homes'}\)$"):
        cf.report(after, out=tmp_path / "report.html", since=before)
    merged = before.aggregate(categories={"charities": "homes"})
    cf.report(after, out=tmp_path / "report.html", since=merged)


def test_a_category_that_both_have_is_compared_as_they_are() -> None:
    before, after = years_of_other_categories()
    for demand in ([(None, "state")], ("NO", "state"), np.array([1.0, 0, 2, 0])):
        for tables in ((before, after), (after, before)):
            found = cf.structural_decomposition(*tables, demand=demand)
            assert found.before > 0
            assert abs(found.total) < 1e-9
            assert len(cf.structural_path_decomposition(*tables, demand=demand)) == 0
    for demand in ("NO", [(None, "homes"), (None, "charities")]):
        with pytest.raises(LabelError):
            cf.structural_decomposition(before, after, demand=demand)
    with pytest.raises(
        LabelError, match=r"demand: .*'charities'\), which after does not know; its"
    ):
        cf.structural_decomposition(before, after, demand=(None, "charities"))


def test_categories_are_summed_and_nothing_else() -> None:
    before, after = years_of_other_categories()
    F_Y = np.arange(6.0).reshape(1, 6)
    given = before.with_changes(F_Y=F_Y)
    merged = given.aggregate(categories={"charities": "homes"})
    assert list(merged.demand) == list(after.demand)
    np.testing.assert_allclose(merged.Y, after.Y, rtol=1e-15)
    assert merged.F_Y.to_numpy().tolist() == [[1.0, 2.0, 7.0, 5.0]]
    np.testing.assert_allclose(merged.Z.toarray(), before.Z.toarray())
    assert merged.aggregate(categories=["all"] * 4).categories == ("all",)
    with pytest.raises(
        LabelError, match=r"categories: .*charity, unknown; nearest are 'charities'"
    ):
        before.aggregate(categories={"charity": "homes"})
    with pytest.raises(InputError, match=r"categories: .*6 group labels, one per column of final"):
        before.aggregate(categories=["all"] * 4)
    groups = given.aggregate(regions={"NO": "north", "SE": "north"}, categories={"state": "homes"})
    assert list(groups.demand) == [("north", "homes"), ("north", "charities")]
    assert groups.F_Y.to_numpy().sum() == F_Y.sum()


# --- order ------------------------------------------------------------------------------------


def test_regions_in_another_order_are_found_by_name() -> None:
    before, after = pair(8)
    order = [3, 2, 6, 5, 4, 1, 0]
    rows, columns = after.rows[order], [1, 2, 0]
    turned = cf.Table(
        A=after.A.toarray()[np.ix_(order, order)], x=after.x.to_numpy()[order],
        Y=after.Y.to_numpy()[order][:, columns], S=after.S.to_numpy()[:, order],
        regions=rows.get_level_values("region"), sectors=rows.get_level_values("sector"),
        demand=list(after.demand[columns]), stressors="CO2", stressor_units="kt",
    )  # fmt: skip
    plain = cf.flows(after).change_from(cf.flows(before))
    for one, other in ((turned, before), (after, turned)):
        found = cf.flows(one).change_from(cf.flows(other))
        expected = plain if one is turned else plain.assign(before=plain.after, change=0.0)
        both = expected.merge(found, on=["from", "to"], suffixes=("", "_found"))
        assert len(both) == 9
        for name in ("before", "after", "change"):
            np.testing.assert_allclose(both[f"{name}_found"], both[name], atol=1e-9)
    groups = {"DE": "EU", "FR": "EU"}
    found = cf.flows(turned).aggregate(regions=groups)
    found = found.change_from(cf.flows(before).aggregate(regions=groups))
    assert found.change.sum() == pytest.approx(plain.change.sum())
    said = (
        r"flows of the same regions, got 1 only in these flows \(EU\), 2 only in before \(DE, FR\)"
    )
    with pytest.raises(LabelError, match=said):
        cf.flows(after).aggregate(regions=groups).change_from(cf.flows(before))


def test_rows_that_differ_are_named() -> None:
    before, after = year(np.random.default_rng(0)), year(np.random.default_rng(1))
    fewer = after.aggregate(sectors={"cars": "steel"})
    with pytest.raises(LabelError, match=r"1 only in before \(\('US', 'cars'\)\); aggregate both"):
        cf.structural_decomposition(before, fewer)
    same = before.aggregate(sectors={"cars": "steel"})
    assert cf.structural_decomposition(same, fewer).closure < 1e-9
