"""What mending a finding would do to footprints, beside tables in which it is mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.worlds.odd_table import odd_table

import carbonflows_fast as cf
from carbonflows_fast.checks._footprint_effects import effects_of
from carbonflows_fast.checks._negative_findings import negative_matrices
from carbonflows_fast.errors import LabelError
from carbonflows_fast.table import Table


def consumption(table: Table, stressor: str = "CO2") -> Any:
    """Footprints by the dense inverse."""
    m = table.S.loc[stressor].to_numpy() @ np.linalg.inv(np.eye(table.n) - table.A.toarray())
    caused = pd.Series(m @ table.Y.to_numpy(), table.demand) + table.F_Y.loc[stressor]
    return caused.groupby(level="region", sort=False).sum()


def assert_effect(table: Table, mended: Table, check: str, rtol: float) -> None:
    """Compare the effect of the only finding of a kind with what the mended table says."""
    found = cf.check(table, stressor="CO2").findings
    (finding,) = found[found["check"] == check].itertuples()
    before = consumption(table)
    exact = (consumption(mended) - before) / before.abs()
    assert finding.effect_region == exact.abs().idxmax()
    assert finding.effect == pytest.approx(exact[finding.effect_region], rel=rtol)
    assert abs(finding.effect) > 1e-9


REPAIRS: dict[str, tuple[str, dict[str, Any], float]] = {
    "balance": ("balance", {"balance": True}, 1e-2),
    "purchases_without_output": (
        "purchases without output", {"purchases_without_output": "spread"}, 1e-2,
    ),
    "duplicates": ("duplicate row", {"duplicates": True}, 0.3),
}  # fmt: skip


@pytest.mark.parametrize("name", REPAIRS)
def test_effects_are_those_of_the_repair(name: str) -> None:
    table = odd_table(np.random.default_rng(3), {name}, regions=2, size=1e-2)
    check, options, rtol = REPAIRS[name]
    assert_effect(table, cf.repair(table, **options)[0], check, rtol)


def test_emissions_that_move_are_no_estimate() -> None:
    table = odd_table(np.random.default_rng(4), {"emissions_without_output"}, regions=2)
    found = cf.check(table, stressor="CO2").findings
    effects = found[found["check"] == "emissions without output"]["effect"].tolist()
    mended = consumption(cf.repair(table, emissions_without_output="spread")[0])
    # The second is CH4, which changes no footprint of CO2.
    assert effects == [pytest.approx((mended / consumption(table) - 1).max(), rel=1e-9), 0.0]


def test_inputs_above_the_output() -> None:
    table = odd_table(np.random.default_rng(6), {"column_sums"}, regions=2, size=1e-3)
    assert_effect(table, cf.repair(table, column_sums=0.99)[0], "column sum", 0.2)


def sound(**changes: Any) -> Table:
    """Five regions with two sectors each."""
    rng = np.random.default_rng(9)
    n, regions = 10, [f"R{r}" for r in range(5)]
    Z, Y = rng.uniform(1.0, 2.0, (n, n)), rng.uniform(2.0, 9.0, (n, 5))
    arguments: dict[str, Any] = {
        "Z": Z, "Y": Y, "F": rng.uniform(1.0, 2.0, (1, n)), "F_Y": rng.uniform(0.5, 1.0, (1, 5)),
        "regions": np.repeat(regions, 2).tolist(), "sectors": ["food", "steel"] * 5,
        "demand": [(region, "all") for region in regions], "stressors": ["CO2"],
        "stressor_units": ["kt"], "row_units": "M.EUR",
    }  # fmt: skip
    for name, (place, value) in changes.items():
        arguments[name][place] = value
    return Table(**arguments)


def test_a_sound_table_has_no_findings() -> None:
    report = cf.check(sound())
    assert report.findings.empty
    assert report.stressor == "CO2"


def test_negative_emissions_are_left_out() -> None:
    table = sound(F_Y=((0, 1), -0.5))
    assert_effect(table, cf.repair(table, negatives=0.9)[0], "negative F_Y", 1e-9)
    table = sound(F=((0, 1), -0.5))
    assert_effect(table, cf.repair(table, negatives=0.9)[0], "negative F", 1e-9)


@pytest.mark.parametrize("form", ["Z", "A"])
@pytest.mark.parametrize("size", [1e-2, 1e-4])
def test_effects_of_negative_deliveries_are_those_of_the_repair(form: str, size: float) -> None:
    for what, place in (("Y", ([3, 3, 6], [1, 3, 0])), ("Z", ([3, 8, 8], [4, 0, 8]))):
        amounts = -size * np.random.default_rng(1).uniform(1.0, 4.0, 3)
        table = sound(**{what: (place, amounts)})
        if form == "A":
            table = Table(
                A=table.A, Y=table.Y, x=table.x, S=table.S, F_Y=table.F_Y, stressor_units="kt"
            )
        repaired = cf.repair(table, negatives=0.9)[0]
        # Twice as exact for half the size: what is left out is the product of two changes.
        assert_effect(table, repaired, f"negative {what.replace('Z', 'A')}", size)


def test_the_world_emits_as_much_without_negative_deliveries() -> None:
    table = sound(Y=(([3, 3, 6], [1, 3, 0]), [-2.0, -1.0, -3.0]))
    effects = effects_of(table)
    (finding,) = negative_matrices(table, table.A, effects)
    assert finding.change is not None
    assert abs(finding.change.sum()) < 1e-12 * effects.sizes.sum()
    assert abs(finding.change).max() > 1e-3 * effects.sizes.sum()


@pytest.mark.real_data
def test_negative_deliveries_of_wiod(real_data: Path) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip")
    found = cf.check(table).findings.set_index("check")["effect"]
    repaired = cf.repair(table, negatives=0.999999999)[0]
    before, after = cf.accounts(table)["consumption"], cf.accounts(repaired)["consumption"]
    assert found["negative Y"] == pytest.approx((after / before - 1)["KOR"], rel=0.05)


def test_negative_output_keeps_its_positive_deliveries() -> None:
    table = sound(Z=(0, 0.0), Y=(0, [1.0, -3.0, 0.0, 0.0, 0.0]))
    Z = table.Z.toarray()
    Z[:, 0] = 0.0
    table = Table(Z=Z, Y=table.Y, F=table.F, F_Y=table.F_Y)
    assert_effect(table, cf.repair(table, negative_output=True)[0], "negative output", 1e-9)


def test_an_implausible_intensity_becomes_the_median() -> None:
    table = sound(F=((0, 4), 5000.0))
    S = table.S.copy()
    usual = S.loc["CO2", ("R2", "food")] = np.median(S.xs("food", axis=1, level="sector"))
    assert_effect(table, table.with_changes(S=S), "implausible intensity", 1e-9)
    (finding,) = cf.check(table).findings.itertuples()
    assert (finding.region, finding.sector, finding.severity) == ("R2", "food", "warning")
    assert finding.size == pytest.approx(table.S.loc["CO2", ("R2", "food")] / usual)
    assert f"{finding.size:,.0f} times the median" in finding.message
    assert cf.check(sound(F=((0, 4), 500.0))).findings.empty


def test_a_region_without_emissions_gets_the_medians() -> None:
    table = sound(F=((0, slice(2, 4)), 0.0))
    S = table.S.copy()
    for sector in ("food", "steel"):
        usual = S.xs(sector, axis=1, level="sector").to_numpy()
        S.loc["CO2", ("R1", sector)] = np.median(usual[usual > 0])
    assert_effect(table, table.with_changes(S=S), "no emissions", 1e-9)


def test_a_sector_without_inputs_gets_the_median_multiplier() -> None:
    table = sound(Z=((slice(None), 2), 0.0))
    (finding,) = cf.check(table).findings.itertuples()
    assert (finding.check, finding.region, finding.sector) == ("no inputs", "R1", "food")
    m = table.S.loc["CO2"].to_numpy() @ np.linalg.inv(np.eye(10) - table.A.toarray())
    x = np.linalg.solve(np.eye(10) - table.A.toarray(), table.Y.to_numpy())[2]
    effects = (np.median(m[[0, 4, 6, 8]]) - m[2]) * x / consumption(table).to_numpy()
    assert finding.effect == pytest.approx(effects[np.argmax(abs(effects))])


# --- whose footprints -----------------------------------------------------------------------


def with_stressors(*names: str, units: Any = "kt") -> Table:
    table = odd_table(np.random.default_rng(1), {"emissions_without_output"}, regions=1)
    return Table(
        Z=table.Z, Y=table.Y, x=table.x, F=np.tile(table.F.loc["CO2"], (len(names), 1)),
        stressors=list(names), stressor_units=units, regions=[r for r, _ in table.rows],
        sectors=[s for _, s in table.rows],
    )  # fmt: skip


def test_carbon_dioxide_is_found() -> None:
    assert cf.check(with_stressors("water", "CO2")).stressor == "CO2"
    assert cf.check(with_stressors("water")).stressor == "water"
    parts = ["CO2 - combustion - air", "CO2 - waste - fossil - air", "CO2 - waste - biogenic - air"]
    table = with_stressors(*parts)
    report = cf.check(table)
    assert report.stressor == f"1 {parts[0]} + 1 {parts[1]}"
    effects = report.findings.set_index("message")["effect"]
    of = {part: effects[effects.index.str.contains(part)].iloc[0] for part in parts}
    assert of[parts[0]] == of[parts[1]] > 0 == of[parts[2]]
    assert (
        cf.check(table, stressor="GWP100_AR6").findings["effect"].equals(report.findings["effect"])
    )
    weighted = cf.check(table, stressor={parts[2]: 1.0}).findings.set_index("message")["effect"]
    assert weighted[weighted.index.str.contains(parts[2])].iloc[0] > 0


def test_no_effects_are_said_to_be_none() -> None:
    report = cf.check(with_stressors("water", "land"))
    assert report.stressor == ""
    assert report.findings["effect"].isna().all()
    assert (report.findings["effect_region"] == "").all()
    assert str(report).endswith(
        "effects on footprints are not known: stressor: expected carbon dioxide among the "
        "stressors of the table, got none that is known as it; name one by stressor="
    )
    with pytest.raises(LabelError, match="nearest are 'water'"):
        cf.check(with_stressors("water", "land"), stressor="waiter")


def test_a_sum_in_equivalents_is_offered_where_there_is_no_carbon_dioxide() -> None:
    report = cf.check(with_stressors("water", "GHG", units=["m3", "kt CO2-eq"]))
    assert report.why_no_effects.endswith("stressor=, such as 'GHG' (in CO2-equivalents)")
    heads = [f"I-GHG-CO2 emissions (Gg) | source {at}" for at in range(20)]
    report = cf.check(with_stressors(*heads, units="Gg"))
    assert report.stressor == " + ".join(f"1 {head}" for head in heads)
    assert report.stressor not in str(report)  # it is cut
    assert f"the footprint of {report.stressor[:150]}" in str(report)


def test_the_largest_effects_come_first() -> None:
    findings = cf.check(odd_table(np.random.default_rng(2), {"balance", "duplicates"})).findings
    warnings = findings[findings["severity"] == "warning"]["effect"].abs().dropna()
    assert len(warnings) >= 3
    assert warnings.is_monotonic_decreasing


# --- two tables -----------------------------------------------------------------------------


def scaled(table: Table, money: float = 1.0, gas: float = 1.0, **changes: Any) -> Table:
    """The table in other units."""
    arguments: dict[str, Any] = {
        "Z": table.Z * money, "Y": table.Y * money, "F": table.F * gas, "F_Y": table.F_Y * gas,
        "stressor_units": ["kt"], "row_units": "M.EUR",
    }  # fmt: skip
    return Table(**(arguments | changes))


def test_years_that_agree() -> None:
    table = sound()
    assert cf.check(table, table).findings.empty
    assert cf.check(table, scaled(table, 3.0, 0.4)).findings.empty  # growth


def test_units_that_changed() -> None:
    table = sound()
    (finding,) = cf.check(scaled(table, gas=1e3), table).findings.itertuples()
    assert finding.check == "unit of a stressor"
    assert finding.message == "CO2: amounts are about 10^3 times those of the other table"
    assert (finding.size, finding.effect) == (1000.0, pytest.approx(-0.999))
    (finding,) = cf.check(table, scaled(table, gas=1e3)).findings.itertuples()
    assert (finding.severity, finding.effect) == ("warning", pytest.approx(999.0))
    (finding,) = cf.check(table, scaled(table, gas=1e3, stressor_units=["t"])).findings.itertuples()
    assert "in kt, in the other table in t; amounts are about 10^-3" in finding.message
    assert (finding.severity, finding.effect) == ("note", 0.0)
    (finding,) = cf.check(table, scaled(table, stressor_units=["t"])).findings.itertuples()
    assert finding.message == "CO2: in kt, in the other table in t"
    assert finding.severity == "warning"
    assert np.isnan(finding.effect)
    (finding,) = cf.check(scaled(table, money=1e6, row_units="EUR"), table).findings.itertuples()
    assert finding.check == "unit of rows"
    assert finding.message == (
        "10 rows in EUR, in the other table in M.EUR; outputs are about 10^6 times those of the "
        "other table"
    )
    assert finding.effect == 0.0


@pytest.mark.parametrize("times", [1e3, 1e-3])
def test_regions_that_emit_much_more_than_they_did(times: float) -> None:
    table = sound()
    F = table.F.to_numpy(copy=True)
    F[0, 4:6] *= times
    after = scaled(table, F=F)
    found = cf.check(after, scaled(table, gas=100.0)).findings
    (finding,) = found[found["check"] == "region of a stressor"].itertuples()
    assert (finding.severity, finding.region, finding.sector) == ("warning", "R2", "")
    assert finding.size == pytest.approx(times)
    assert f"of CO2, {times:,.6g} times what they do in the other table" in finding.message
    exact = consumption(table) / consumption(after) - 1
    assert finding.effect == pytest.approx(exact[abs(exact).idxmax()], rel=1e-9)
    assert finding.effect_region == abs(exact).idxmax()
    grown = table.F.to_numpy(copy=True)
    grown[0, 4:6] *= 90
    found = cf.check(scaled(table, F=grown), table).findings
    assert "region of a stressor" not in set(found["check"])


def test_outputs_that_jumped() -> None:
    table = sound()
    Z, Y = table.Z.toarray(), table.Y.to_numpy(copy=True)
    Z[5], Y[5] = Z[5] * 2e3, Y[5] * 2e3
    after = Table(Z=Z, Y=Y, F=table.F, demand=table.demand, stressor_units=["kt"],
                  row_units="M.EUR")  # fmt: skip
    found = cf.check(after, table).findings
    (finding,) = found[found["check"] == "output jump"].itertuples()
    assert (finding.region, finding.sector) == ("R2", "steel")
    assert finding.size == pytest.approx(2e3)
    back = cf.check(table, after).findings
    (finding,) = back[back["check"] == "output jump"].itertuples()
    assert finding.size == pytest.approx(1 / 2e3)
    m = table.S.loc["CO2"].to_numpy() @ np.linalg.inv(np.eye(10) - table.A.toarray())
    through = m[5] * np.linalg.solve(np.eye(10) - table.A.toarray(), table.Y.to_numpy())[5]
    assert finding.effect == pytest.approx(1999 * (through / consumption(table)).max())


def test_rows_that_the_other_table_lacks(tmp_path: Path) -> None:
    table = sound()
    fewer = table.aggregate(sectors={"food": "goods", "steel": "goods"})
    (finding,) = cf.check(table, fewer).findings.itertuples()
    assert finding.message == "no row has a label of the other table; nothing is compared"
    some = table.aggregate(regions={"R4": "R3"})
    found = cf.check(table, cf.save(some, tmp_path / "some")).findings
    assert found["check"].tolist() == ["regions of one table", "other table"]
    assert found["message"][0] == "regions only in this table: 'R4'"
    assert found["message"][1].startswith("2 rows of this table and 0 of the other have no like")
    unsolved = table.with_changes(A=np.full((10, 10), 0.5))
    assert "cannot be compared: " in str(cf.check(table, unsolved))
    (tmp_path / "none").mkdir()
    (finding,) = cf.check(table, tmp_path / "none").findings.itertuples()
    assert (finding.check, finding.severity) == ("reading", "error")
