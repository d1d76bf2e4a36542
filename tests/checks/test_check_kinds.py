"""Labels that look alike, absurd intensities, patterns and pairs of years: and every remedy."""

from __future__ import annotations

import ast
import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.strategies import seeds

import carbonflows_fast as cf
from carbonflows_fast.checks._footprint_effects import effects_of
from carbonflows_fast.checks._label_findings import alike
from carbonflows_fast.errors import InputError
from carbonflows_fast.table import Table


def world(
    count: int = 6, size: int = 3, *, seed: int = 0, grown: float = 1.0, **changes: Any
) -> Table:
    """Return a table with nothing to report; `changes` are arguments, or functions of them."""
    rng, n = np.random.default_rng(seed), count * size
    names = [f"R{region}" for region in range(count)]
    arguments: dict[str, Any] = {
        "Z": rng.uniform(0.5, 1.5, (n, n)), "F": rng.uniform(5.0, 9.0, (1, n)),
        "Y": rng.uniform(0.5, 1.5, (n, 2 * count)), "F_Y": rng.uniform(1.0, 2.0, (1, 2 * count)),
        "regions": [name for name in names for _ in range(size)],
        "sectors": [f"sector {at}" for at in range(size)] * count,
        "demand": [(name, category) for name in names for category in ("homes", "state")],
        "stressors": ["CO2"], "stressor_units": ["kt"], "row_units": "M.EUR", "name": "world",
        "population": {name: 10.0 + at for at, name in enumerate(names)}, "year": 2010,
    }  # fmt: skip
    for region in range(count):
        rows = slice(region * size, (region + 1) * size)
        arguments["Y"][rows, 2 * region : 2 * region + 2] *= 40.0
    arguments["Z"], arguments["Y"] = grown * arguments["Z"], grown * arguments["Y"]
    for name, value in changes.items():
        arguments[name] = value(arguments[name]) if callable(value) else value
    return Table(**arguments)


def put(place: Any, value: Any) -> Any:
    """Return a function that sets part of an array."""

    def change(array: Any) -> Any:
        array = np.array(array)
        array[place] = value
        return array

    return change


def only(report: cf.CheckReport) -> Any:
    (finding,) = report.findings.itertuples()
    return finding


def kinds(table: Table, other: Table | None = None) -> dict[str, str]:
    found = cf.check(table, other).findings
    return dict(zip(found["check"], found["severity"], strict=True))


def test_the_world_is_sound() -> None:
    assert cf.check(world()).findings.empty
    assert cf.check(world(), world(grown=1.3, year=2009)).findings.empty
    assert cf.check(world(1, 8)).findings.empty


# --- labels ---------------------------------------------------------------------------------

ALIKE = {
    "blank": ("France", "France "),
    "case": ("France", "FRANCE"),
    "blank between": ("New Zealand", "NewZealand"),
    "no-break space": ("New Zealand", "New\u00a0Zealand"),
    "no width": ("France", "Fran\u200bce"),
    "composed": (unicodedata.normalize("NFC", "Réunion"), unicodedata.normalize("NFD", "Réunion")),
    "dash": ("Bosnia-Herzegovina", "Bosnia\u2013Herzegovina"),
    "minus": ("Bosnia-Herzegovina", "Bosnia\u2212Herzegovina"),
    "soft hyphen": ("Bosnia", "Bos\u00adnia"),
    "full width": ("AT", "\uff21\uff34"),
    "Cyrillic": ("CO", "\u0421\u041e"),
    "sharp s": ("Stra\u00dfe", "STRASSE"),
}


@pytest.mark.parametrize("case", ALIKE)
def test_labels_that_look_alike(case: str) -> None:
    pair = ALIKE[case]
    assert alike(["other", *pair, pair[0]]) == [list(pair)]
    finding = only(cf.check(world(2, 1, regions=list(pair), demand=[(r, c) for r in pair for c in
                                                                    ("homes", "state")],
                                  population=None)))  # fmt: skip
    assert (finding.check, finding.severity, finding.size) == ("labels alike", "warning", 2)
    shown = [text for text in finding.message.split("'") if text and text not in (", ", ": ")]
    assert shown[1] != shown[2] or shown[1] != shown[3]


@given(st.lists(st.text("aA \u00a0-\u2013\u00e9e\u0301", max_size=4), unique=True, max_size=6))
def test_groups_are_of_labels_that_look_the_same(labels: list[str]) -> None:
    def look(label: str) -> str:
        text = unicodedata.normalize("NFC", label).replace("\u2013", "-").casefold()
        return unicodedata.normalize("NFC", "".join(text.split()))

    expected = [[label for label in labels if look(label) == seen]
                for seen in dict.fromkeys(map(look, labels))]  # fmt: skip
    assert alike(labels) == [group for group in expected if len(group) > 1]


@pytest.mark.parametrize("labels", [("m2", "m3"), ("CO2", "CO2e"), ("\u00b5g", "mg"), ("DE", "DK")])
def test_labels_that_differ(labels: tuple[str, str]) -> None:
    assert alike(labels) == []


def test_the_remedies_of_labels() -> None:
    """What a finding says is done, and the finding is gone."""
    table = world(2, 2, regions=["France"] * 2 + ["france "] * 2,
                  demand=[(r, c) for r in ("France", "france ") for c in ("homes", "state")],
                  population=None)  # fmt: skip
    remedy = only(cf.check(table)).message.split("table.aggregate(regions=")[1].split(")")[0]
    merged = table.aggregate(regions=ast.literal_eval(remedy))
    assert cf.check(merged).findings.empty
    assert merged.regions == ("France",)

    table = world(2, 2, sectors=["food", "steel", "food", "Steel"])
    remedy = only(cf.check(table)).message.split("table.aggregate(sectors=")[1].split(")")[0]
    assert cf.check(table.aggregate(sectors=ast.literal_eval(remedy))).findings.empty

    table = world(F=lambda F: np.vstack([F, 2 * F]), stressors=["CO2", "co2"],
                  stressor_units=["kt", "kt"], F_Y=None)  # fmt: skip
    message = cf.check(table).findings["message"].iloc[0]
    weights = ast.literal_eval(message.split("stressor=")[1].split(" adds")[0])
    summed = cf.accounts(table, weights)["production"]
    np.testing.assert_allclose(summed, 3 * cf.accounts(table, "CO2")["production"], rtol=1e-12)

    table = world(2, 2, demand=[("R0", "homes"), ("R0", "state"), ("R1", "Homes"), ("R1", "state")])
    finding = only(cf.check(table))
    assert finding.message == (
        "categories 'homes', 'Homes' differ by blanks or letter case alone; write them alike, as "
        "'homes', where the table comes from"
    )
    extensions = world(F=lambda F: np.vstack([F, 2 * F]), stressors=["CO2", "CH4"], F_Y=None,
                       stressor_units=["kt", "kt"], extensions=["air", "air "])  # fmt: skip
    assert "extensions 'air', 'air '" in only(cf.check(extensions)).message


# --- intensities ----------------------------------------------------------------------------


def with_a_tiny_sector(regions: int, output: float, emitted: float) -> Table:
    """The first sector of the first region has this output, and emits as much."""

    def tiny(Z: Any) -> Any:
        return put((slice(None), 0), 0.0)(put(0, 0.0)(Z))

    return world(regions, 4, Z=tiny, Y=lambda Y: put((0, 0), output)(put(0, 0.0)(Y)),
                 F=put((0, 0), emitted))  # fmt: skip


@pytest.mark.parametrize("regions", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize(("output", "emitted"), [(1e-7, 0.009), (2.8e-6, 330.0)])
def test_next_to_no_output_that_emits(regions: int, output: float, emitted: float) -> None:
    table = with_a_tiny_sector(regions, output, emitted)
    finding = only(cf.check(table))
    certain = regions >= 5 and emitted > 1
    assert finding.check == "implausible intensity"
    assert finding.severity == ("warning" if certain else "note")
    assert (finding.region, finding.sector) == ("R0", "sector 0")
    S = table.S.loc["CO2"]
    same = np.sort(S.xs("sector 0", level="sector"))
    usual = np.median(same) if regions >= 5 else same[-2] if regions > 1 else np.sort(S)[-2]
    assert finding.size == pytest.approx(S.iloc[0] / usual)
    assert ("; output " in finding.message) == (not certain)
    repaired, ledger = cf.repair(table, implausible_intensities="spread")
    assert cf.check(repaired).findings.empty
    assert repaired.S.loc["CO2"].iloc[0] == pytest.approx(usual)
    assert repaired.F.loc["CO2", "R0"].sum() == pytest.approx(table.F.loc["CO2", "R0"].sum())
    assert set(ledger["what"]) == {"F"}
    named, _ = cf.repair(table, implausible_intensities="sector 2")
    assert named.F.loc["CO2", ("R0", "sector 1")] == table.F.loc["CO2", ("R0", "sector 1")]


def test_limits_of_implausible_intensities() -> None:
    assert cf.check(with_a_tiny_sector(4, 2.8e-2, 15.0)).findings.empty
    assert cf.check(with_a_tiny_sector(6, 1e-4, 0.009)).findings.empty
    nobody = with_a_tiny_sector(6, 1e-7, 0.009)
    with pytest.raises(InputError, match="none whose own intensity stays plausible"):
        cf.repair(nobody, implausible_intensities="sector 0")
    with pytest.raises(InputError, match="implausible_intensities: expected a sector of"):
        cf.repair(nobody, implausible_intensities="sector 9")


# --- patterns -------------------------------------------------------------------------------


def with_total_rows(table: Table) -> Table:
    """Return a table in which the last of the sectors of R0 is the sum of the others."""
    Z, Y = table.Z.toarray(), table.Y.to_numpy(copy=True)
    Z[3], Y[3] = Z[:3].sum(axis=0), Y[:3].sum(axis=0)
    return Table(Z=Z, Y=Y, F=table.F, F_Y=table.F_Y, demand=table.demand, stressor_units="kt")


def test_totals_among_the_parts() -> None:
    finding = only(cf.check(with_total_rows(world(6, 4))))
    assert (finding.check, finding.region, finding.sector) == (
        "total among sectors", "R0", "sector 3",
    )  # fmt: skip
    table = world(5, 3)
    Z, Y = table.Z.toarray(), table.Y.to_numpy(copy=True)
    for at in range(3):
        Z[at], Y[at] = Z[3 + at :: 3].sum(axis=0), Y[3 + at :: 3].sum(axis=0)
    whole = Table(Z=Z, Y=Y, F=table.F, F_Y=table.F_Y, demand=table.demand, stressor_units="kt")
    assert "total among regions" in kinds(whole)
    # As the finding says: left out, the rest is sound.
    kept = table.rows[3:]
    demand = table.demand[2:]
    rest = Table(Z=pd.DataFrame(Z, table.rows, table.rows).loc[kept, kept],
                 Y=pd.DataFrame(Y, table.rows, table.demand).loc[kept, demand],
                 F=table.F.loc[:, kept], F_Y=table.F_Y.loc[:, demand],
                 stressor_units="kt")  # fmt: skip
    assert cf.check(rest).findings.empty


@pytest.mark.parametrize("categories", [2, 3])
def test_a_total_among_categories(categories: int) -> None:
    table = world(2, 3)
    Y = np.hstack([np.column_stack([part, part.sum(axis=1)])
                   for part in np.hsplit(table.Y.to_numpy(), 2)])  # fmt: skip
    demand = [(r, c) for r in ("R0", "R1") for c in ("homes", "state", "all")]
    if categories == 2:
        Y, demand = Y[:, [1, 2, 4, 5]], [one for one in demand if one[1] != "homes"]
    made = Table(Z=table.Z, Y=Y, F=table.F, demand=demand, stressor_units="kt")
    if categories == 2:  # two columns may well be equal
        assert cf.check(made).findings.empty
    else:
        finding = only(cf.check(made))
        assert finding.message.startswith("all (R0 and 1 more): the sum of the other categories")


def test_copies() -> None:
    table = world(2, 10)
    Z, Y = table.Z.toarray(), table.Y.to_numpy(copy=True)
    Z[3], Y[3] = Z[2], Y[2]
    finding = only(cf.check(Table(Z=Z, Y=Y, F=table.F, F_Y=table.F_Y, demand=table.demand,
                                  stressor_units="kt")))  # fmt: skip
    assert (finding.check, finding.sector) == ("copied row", "sector 3")
    finding = only(cf.check(world(2, 10, F=lambda F: np.tile(F[:, :10], 2))))
    assert (finding.check, finding.region) == ("copied emissions", "R1")
    assert cf.check(world(2, 7, F=lambda F: np.tile(F[:, :7], 2))).findings.empty


@pytest.mark.parametrize(("times", "noticed"), [(200.0, True), (1 / 200, True), (50.0, False)])
def test_the_level_of_a_region(times: float, noticed: bool) -> None:
    table = world(6, 12, F=lambda F: np.where(np.arange(72) < 12, times, 1.0) * F)
    found = kinds(table)
    assert ("level of a region" in found) == noticed
    if noticed:
        found_frame = cf.check(table).findings
        (finding,) = found_frame[found_frame["check"] == "level of a region"].itertuples()
        assert finding.region == "R0"
        assert finding.size == pytest.approx(times, rel=0.5)


@pytest.mark.parametrize("by", [-2, -1, 1, 2, 3])
def test_emissions_that_are_shifted(by: int) -> None:
    profile = np.random.default_rng(1).permutation(10.0 ** np.linspace(-1, 1, 40))
    shifted = np.concatenate([np.roll(profile, by), np.tile(profile, 5)])
    found = cf.check(world(6, 40, F=lambda F: F * shifted)).findings
    if abs(by) > 2:
        assert found.empty
    else:
        (finding,) = found.itertuples()
        assert (finding.check, finding.region, finding.size) == ("shifted emissions", "R0", by)
        assert f"{abs(by)} {'above' if by > 0 else 'below'}" in finding.message


def test_final_demand_of_others() -> None:
    assert kinds(world(Y=lambda Y: Y[:, [2, 3, 0, 1, *range(4, 12)]])) == {
        "bought abroad": "warning"
    }
    table = world(Y=lambda Y: np.where(np.arange(12) == 1, -0.5, 1.0) * Y)
    found = kinds(table)
    assert found["negative demand"] == "warning"
    assert set(found) <= {"negative demand", "negative Y", "column sum", "negative A",
                          "negative output", "no inputs"}  # fmt: skip


def test_households_and_heads_of_one_region() -> None:
    assert kinds(world(F_Y=put((0, slice(0, 2)), 0.0))) == {"no household emissions": "note"}
    assert cf.check(world(F_Y=put((0, slice(0, 4)), 0.0))).findings.empty  # two of six: a choice
    heads = {f"R{at}": 10.0 + at for at in range(6)}
    assert kinds(world(population=heads | {"R3": 13e3})) == {"population": "warning"}
    assert cf.check(world(population=heads)).findings.empty


# --- two tables -----------------------------------------------------------------------------


def test_what_only_one_table_has() -> None:
    two = world(F=lambda F: np.vstack([F, F]), F_Y=None, stressors=["CO2", "CH4"],
                stressor_units=["kt", "kt"])  # fmt: skip
    found = cf.check(world(F_Y=None), two).findings
    assert found["message"].tolist() == [
        "stressors only in the other: 'CH4'; a sum over them, such as GWP100_AR6, is not the same "
        "sum in both tables"
    ]
    assert found["severity"].tolist() == ["warning"]
    assert "stressors only in this table: 'CH4'" in str(cf.check(two, world(F_Y=None)))
    near = cf.check(world(stressors=["co2"]), world()).findings
    assert near["message"].iloc[0] == (
        "stressors only in this table: 'co2'; only in the other: 'CO2'; 'co2', 'CO2' look alike"
    )
    other = world(demand=lambda demand: [(r, c.replace("state", "gov")) for r, c in demand])
    assert kinds(world(), other) == {"categories of one table": "note"}
    fewer = world().aggregate(regions={"R5": "R4"})
    assert kinds(world(), fewer)["regions of one table"] == "note"


@pytest.mark.parametrize("power", [-3, -1, 1, 3, 6])
@pytest.mark.parametrize("regions", [1, 2, 6])
def test_heads_in_another_unit(power: int, regions: int) -> None:
    heads = {f"R{at}": (11.0 + at) * 10.0**power for at in range(regions)}
    after = world(regions, population=heads)
    finding = only(cf.check(after, world(regions)))
    assert (finding.check, finding.size) == ("unit of population", 10.0**power)
    same = world(regions, population={name: n / 10.0**power for name, n in heads.items()})
    assert cf.check(same, world(regions)).findings.empty
    if regions == 6 and power > 0:
        one = world(
            population={f"R{at}": (10.0 + at) * (10.0**power if at == 2 else 1) for at in range(6)}
        )
        assert kinds(one, world())["population jump"] == "warning"


SALES = {"final demand jump": "warning", "intermediate sales jump": "note", "exports jump": "note"}


@pytest.mark.parametrize("kind", SALES)
@pytest.mark.parametrize("everywhere", [False, True])
def test_sales_that_collapse_beside_output(kind: str, everywhere: bool) -> None:
    table = world()
    Z, Y, n, m = table.Z.toarray(), table.Y.to_numpy(copy=True), 18, 12
    for row in range(0, n, 3) if everywhere else (0,):
        own, mine = slice(row, row + 3), slice(2 * (row // 3), 2 * (row // 3) + 2)
        x = Z[row].sum() + Y[row].sum()
        if kind == "final demand jump":
            Z[row], Y[row] = Z[row] * x / Z[row].sum(), 0.0
        elif kind == "intermediate sales jump":
            Z[row], Y[row] = 0.0, Y[row] * x / Y[row].sum()
        else:
            abroad = ~np.isin(np.arange(n), np.arange(row, row + 3))
            foreign = ~np.isin(np.arange(m), np.arange(mine.start, mine.stop))
            Z[row, abroad], Y[row, foreign] = 0.0, 0.0
            rest = Z[row, own].sum() + Y[row, mine].sum()
            Z[row, own], Y[row, mine] = Z[row, own] * x / rest, Y[row, mine] * x / rest
    after = Table(Z=Z, Y=Y, F=table.F, F_Y=table.F_Y, demand=table.demand, stressor_units="kt",
                  row_units="M.EUR")  # fmt: skip
    np.testing.assert_allclose(after.x, table.x)
    for one, other in ((after, table), (table, after)):
        found = cf.check(one, other).findings
        (finding,) = found[found["check"] == kind].itertuples()
        assert finding.severity == SALES[kind]
        assert (finding.region, finding.sector) == ("" if everywhere else "R0", "sector 0")


def test_the_effect_of_final_demand_as_it_was() -> None:
    before = world()
    after = world(Y=put(4, 1e-3))
    found = cf.check(after, before).findings
    (finding,) = found[found["check"] == "final demand jump"].itertuples()
    m = cf.multipliers(after).loc["CO2"].to_numpy()[4]
    Y = before.Y.to_numpy()[4] * (after.x.iloc[4] / before.x.iloc[4]) - after.Y.to_numpy()[4]
    change = m * Y.reshape(6, 2).sum(axis=1) / cf.accounts(after)["consumption"].to_numpy()
    assert finding.effect == pytest.approx(change[np.argmax(abs(change))], rel=1e-6)


def test_categories_and_households_that_move() -> None:
    found = kinds(world(), world(Y=lambda Y: np.where(np.arange(12) == 1, 1e-3, 1.0) * Y))
    assert found["category jump"] == "warning"
    turned = kinds(world(), world(Y=lambda Y: np.where(np.arange(12) == 1, -0.9, 1.0) * Y))
    assert turned["category jump"] == "warning"
    found = kinds(world(), world(F_Y=put((0, slice(0, 2)), 1e-4)))
    assert found == {"households jump": "warning"}
    assert kinds(world(), world(F_Y=None)) == {"level of households": "warning"}
    assert kinds(world(F_Y=lambda F_Y: 2 * F_Y), world()) == {"level of households": "warning"}
    fewer = world(Y=lambda Y: 0.1 * Y)
    assert kinds(world(Y=lambda Y: 0.2 * Y), fewer) == {"level of final demand": "warning"}


def test_emissions_that_move() -> None:
    assert kinds(world(F=put((0, 4), 0.01)), world()) == {"emissions jump": "note"}
    found = cf.check(world(F=put((0, slice(3, 6)), 0.0)), world()).findings
    assert found["check"].tolist() == ["no emissions", "region of a stressor"]
    assert "in the other table" in found["message"].iloc[1]
    few = world(F=lambda F: np.vstack([F, put((0, slice(2, 18)), 0.0)(F)]), F_Y=None,
                stressors=["CO2", "SF6"], stressor_units=["kt", "t"])  # fmt: skip
    none = few.with_changes(S=few.S.mul([1.0, 0.0], axis=0))
    assert kinds(few, none)["stressor jump"] == "warning"
    assert "SF6: 0 t in all, in the other table" in str(cf.check(none, few))


def test_numbers_of_the_other_year() -> None:
    before = world(6, 30, year=2009)
    F = before.F.to_numpy()
    copies = {
        "emissions of CO2: those of 2009": world(6, 30, seed=1, F=F),
        "emissions of CO2 in R2: those": world(
            6, 30, seed=1, F=put((0, slice(60, 90)), F[0, 60:90])
        ),
        "transactions Z: those": world(6, 30, seed=1, Z=before.Z.toarray()),
        "final demand Y: those": world(6, 30, seed=1, Y=before.Y.to_numpy()),
    }
    for text, table in copies.items():
        assert only(cf.check(table, before)).message.startswith(text)
        assert cf.check(table, world(6, 30)).findings.empty  # of one year: two scenarios
    assert cf.check(before, world(6, 30)).findings.empty  # outputs are the same as well


# --- effects --------------------------------------------------------------------------------


@given(rng=seeds())
def test_effects_are_relative_to_what_does_not_cancel(rng: np.random.Generator) -> None:
    """A household's sink of nearly its footprint makes no percentages of thousands."""
    table = world(F_Y=None)
    footprint = cf.accounts(table)["consumption"].to_numpy()
    sinks = np.zeros((1, 12))
    sinks[0, ::2] = -footprint * (1 - 1e-6 * rng.uniform(size=6))
    sink = Table(Z=table.Z, Y=table.Y, F=table.F, F_Y=sinks, demand=table.demand,
                 stressor_units="kt")  # fmt: skip
    np.testing.assert_allclose(effects_of(sink).sizes, footprint - sinks[0, ::2], rtol=1e-9)
    np.testing.assert_allclose(effects_of(table).sizes, footprint, rtol=1e-9)
    (finding,) = cf.check(sink).findings.itertuples()
    assert finding.check == "negative F_Y"
    assert 0 < finding.effect < 1
