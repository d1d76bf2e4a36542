"""Greenhouse gases by name, and the factors that weigh them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.worlds.small_table import SENTENCE

from carbonflows_fast.classification import (
    CHARACTERISATIONS,
    carbon_dioxide,
    characterisation,
    load,
    sums_in_equivalents,
)
from carbonflows_fast.errors import CarbonFlowsError, InputError, LabelError
from carbonflows_fast.readers import read
from carbonflows_fast.table._selection import select_stressor

GASES = load("ghg_stressors")
F_GASES = (
    "HFC-23", "HFC-32", "HFC-41", "HFC-43-10mee", "HFC-125", "HFC-134a", "HFC-143a", "HFC-152a",
    "HFC-227ea", "HFC-236fa", "HFC-245fa", "HFC-365mfc", "HCFC-141b", "HCFC-142b", "CF4", "C2F6",
    "C3F8", "c-C4F8", "C4F10", "C5F12", "C6F14",
)  # fmt: skip
AIR = GASES[GASES["stressor"].str.endswith(" - air")]  # EXIOBASE's own names


def test_gases_have_a_factor_in_every_report() -> None:
    factors = load("gwp100")
    assert list(factors.columns) == ["gas", "report", "gwp100", "source", "note"]
    assert not factors.duplicated(["gas", "report"]).any()
    assert (factors["source"] != "").all()
    assert tuple("GWP100_" + factors["report"].unique()) == CHARACTERISATIONS
    assert list(GASES.columns) == ["stressor", "unit", "gas", "note"]
    assert GASES["stressor"].is_unique
    assert len(AIR) == 25
    for _, of_report in factors.groupby("report"):
        assert set(of_report["gas"]) == set(factors["gas"])
        assert set(GASES["gas"]) <= set(of_report["gas"])


@pytest.mark.parametrize(
    ("name", "fossil", "biogenic", "unknown", "n2o", "sf6", "nf3"),
    [
        ("GWP100_AR4", 25, 25, 25, 298, 22800, 17200),
        ("GWP100_AR5", 30, 28, 28, 265, 23500, 16100),
        ("GWP100_AR6", 29.8, 27.0, 27.9, 273, 24300, 17400),
    ],
)
def test_published_factors(
    name: str, fossil: float, biogenic: float, unknown: float, n2o: float, sf6: float, nf3: float
) -> None:
    weights: dict[str, float] = {}
    flows = GASES["stressor"].str.contains("/emission/air/")
    exiobase = GASES["stressor"].str.endswith(" - air")
    plain = GASES["stressor"].isin(["CO2", "CH4", "N2O", "SF6", "NF3"])
    gloria = GASES["stressor"].str.startswith("'")
    oecd = GASES["stressor"] == "PROD_CO2"
    hybrid = GASES["stressor"].str.startswith("Carbon dioxide, ")
    assert (flows ^ exiobase ^ plain ^ gloria ^ oecd ^ hybrid).all()
    for part, gases in (
        (GASES[exiobase], ("CO2", "CH4", "N2O", "SF6", "HFC", "PFC")),
        (GASES[plain], ("CO2", "CH4", "N2O", "SF6", "NF3")),
        (GASES[gloria], ("CO2", "CH4", "N2O", "SF6", *F_GASES, "NF3")),
        (GASES[flows], ("CO2", "CH4", "N2O", "SF6", "NF3", "HFCs")),
        (GASES[hybrid], ("CO2",)),
    ):
        units = ["M.EUR", *(unit or "kg" for unit in part["unit"])]
        found = characterisation(name, ["Value added", *part["stressor"]], units)
        unit = f"{units[1]} CO2-eq"
        assert (found.name, found.unit, found.gases) == (name, unit, gases)
        assert list(found.weights) == list(part["stressor"])
        weights |= found.weights
    for stressor, weight in {
        "CO2 - combustion - air": 1,
        "CO2_bio - combustion - air": 0,
        "CO2 - waste - biogenic - air": 0,
        "CO2 - waste - fossil - air": 1,
        "CO2 - agriculture - peat decay - air": 1,
        "CH4 - non combustion - Mining of antracite - air": fossil,
        "CH4 - agriculture - air": biogenic,
        "CH4_bio - combustion - air": biogenic,
        "N2O - agriculture - air": n2o,
        "SF6 - air": sf6,
        "HFC - air": 1,
        "PFC - air": 1,
        "CO2": 1,
        "CH4": unknown,
        "NF3": nf3,
        "'ch4_total_EDGAR_consistent'": unknown,
        "'nf3_total_EDGAR_consistent'": nf3,
        "Methane/emission/air/kg": unknown,
        "Nitrous oxide/emission/air/kg": n2o,
        "HFCs and PFCs, unspecified/emission/air/kg CO2e": 1,
    }.items():
        assert weights[stressor] == weight, stressor


def test_units_are_converted_to_that_of_the_first_gas_counted() -> None:
    stressors = ["CO2_bio - combustion - air", "N2O", "CO2", "CH4"]
    found = characterisation("GWP100_AR6", stressors, ["anything", "t", "kt CO2", "Mt"])
    assert found.unit == "t CO2-eq"
    assert found.weights == {
        "CO2_bio - combustion - air": 0.0,
        "N2O": 273.0,
        "CO2": 1e3,
        "CH4": 27.9e6,
    }
    assert characterisation("GWP100_AR5", ["CO2", "CH4"], ["Gg", "t"]).weights["CH4"] == 0.028


@pytest.mark.parametrize(
    ("unit", "power"),
    [
        ("g", 0), ("kg", 3), ("t", 6), ("kt", 9), ("Mt", 12), ("Gt", 15), ("Gg", 9), ("Tg", 12),
        ("Pg", 15), ("kt CO2", 9), ("kt CO2-eq", 9), ("ktCO2eq", 9), ("Mt CO2e", 12),
        ("t CO₂", 6), ("tonnes", 6), ("kilotonnes CO2", 9), (" kg  CO2 equivalents ", 3),
    ],
)  # fmt: skip
def test_units_of_mass(unit: str, power: int) -> None:
    found = characterisation("GWP100_AR5", ["N2O", "CO2"], ["kg", unit])
    assert found.weights["CO2"] == pytest.approx(10.0 ** (power - 3), rel=1e-15)
    assert characterisation("GWP100_AR5", ["CO2"], [unit]).weights == {"CO2": 1.0}


def test_without_units_nothing_is_converted() -> None:
    found = characterisation("GWP100_AR4", ["CO2", "CH4"], ["", ""])
    assert (found.unit, found.weights) == ("", {"CO2": 1.0, "CH4": 25.0})


def test_gases_are_found_behind_an_extension_or_other_levels() -> None:
    stressors = ["air: CO2", "energy | N2O", "CH4 | air", "co2e", "CO2-eq"]
    found = characterisation("GWP100_AR6", stressors, ["kg"] * 5)
    assert list(found.weights) == ["air: CO2", "energy | N2O", "CH4 | air"]
    assert found.gases == ("CO2", "N2O", "CH4")


@pytest.mark.parametrize(
    ("name", "weight"),
    [
        ("CH4 - agriculture - air | air | kg", 27.0),  # 3rx: the compartment comes last
        ("air | CH4 - agriculture - air | kg", 27.0),
        ("emissions: air | 'n2o_total_EDGAR_consistent' | 7", 273.0),
        ('"N2O" | air', 273.0),
        ("N2O emissions | air", None),
        ("air | combustion", None),
    ],
)
def test_a_gas_is_known_by_any_part_of_its_name(name: str, weight: float | None) -> None:
    found = characterisation("GWP100_AR6", ["CO2", name], ["kg", "kg"])
    assert found.weights.get(name) == weight


def test_years_of_life_lost_to_a_gas_are_no_emissions() -> None:
    names = ["'ch4_total_EDGAR_consistent'", "ch4", "Emissions disease burden (EDGAR): 'cf4'"]
    found = characterisation("GWP100_AR6", names, ["kilotonnes", "DALY", "DALY"])
    assert found.weights == {names[0]: 27.9}


def test_a_name_with_two_gases_is_refused() -> None:
    with pytest.raises(InputError, match=r"'CO2 \| CH4', which has CH4 and CO2") as refused:
        characterisation("GWP100_AR6", ["N2O", "CO2 | CH4"], ["kg", "kg"])
    assert SENTENCE.match(str(refused.value))
    # The name in full goes before its parts.
    assert characterisation("GWP100_AR6", ["CO2 - waste - fossil - air | CO2"], ["kg"]).weights


def test_gloria_s_totals_are_gases_and_its_categories_are_not() -> None:
    heads = [f"Emissions (EDGAR) | '{gas}_EDGAR_consistent'" for gas in (
        "co2_excl_short_cycle_org_c_total", "co2_excl_short_cycle_org_c_1A5", "ch4_total",
        "co2_org_short_cycle_c_total", "n2o_total", "sf6_total", "GHG_total", "hfc_43_10_mee_total",
    )]  # fmt: skip
    heads += [f"Emissions (EDGAR): 'c6f14_total_EDGAR_consistent' | {at}" for at in (760, 833)]
    heads += ["Emissions (OECD) | 'ch4_total_OECD_consistent'"]  # an alternative, not added
    weights = [1.0, None, 27.9, 0.0, 273.0, 24300, None, 1600, 8620, 8620, None]
    found = characterisation("GWP100_AR6", heads, ["kilotonnes"] * len(heads))
    assert found.unit == "kilotonnes CO2-eq"
    assert found.gases == ("CO2", "CH4", "N2O", "SF6", "HFC-43-10mee", "C6F14")
    assert [found.weights.get(head) for head in heads] == weights
    unquoted = [head.replace("'", "") for head in heads]
    again = characterisation("GWP100_AR6", unquoted, ["kilotonnes"] * len(heads))
    assert [again.weights.get(head) for head in unquoted] == weights
    heads = heads[:8]
    bare = [head.rpartition(" | ")[2] for head in heads]
    short = characterisation("GWP100_AR6", bare, ["kt"] * 8).weights
    assert [short.get(head) for head in bare] == weights[:8]


def test_factors_of_ones_own() -> None:
    factors = load("gwp100")
    factors["gwp100"] = factors["gwp100"].astype(float)
    factors.loc[factors["gas"] == "CO2 biogenic", "gwp100"] = 1.0
    factors.loc[len(factors)] = {"gas": "SO2F2", "report": "AR6", "gwp100": 4630.0}
    stressors = ["CO2_bio - combustion - air", "SO2F2", "CH4 fossil"]
    found = characterisation("GWP100_AR6", stressors, ["kg", "kg SO2F2", "kg CH4"], factors)
    assert list(found.weights.values()) == [1.0, 4630.0, 29.8]
    assert found.gases == ("CO2", "SO2F2", "CH4")
    renamed = factors.assign(report=factors["report"].replace("AR6", "AR7"))
    assert characterisation("GWP100_AR7", ["N2O"], ["t"], renamed).weights == {"N2O": 273.0}


@pytest.mark.parametrize(
    ("units", "match"),
    [
        (["kt", "M.EUR"], r"a mass of CH4 .* for 'CH4', got 'M.EUR'; correct the table's"),
        (["kt", ""], r"for 'CH4', got ''"),
        (["", "kt"], r"for 'CO2', got ''"),
        (["TJ", "kt"], r"'CO2', got 'TJ'"),
        (["Mt C", "kt"], r"got 'Mt C'"),
        (["tons", "kt"], r"got 'tons'"),
        (["mt", "kt"], r"got 'mt'"),
        (["kt", "kt CO2"], r"got 'kt CO2'"),
        (
            ["kt CO2-eq", "kt CO2-eq"],
            r"for 'CH4', got 'kt CO2-eq', in which it is weighted already",
        ),
    ],
)
def test_units_refused(units: list[str], match: str) -> None:
    with pytest.raises(InputError, match=rf"^stressor_units: .*{match}") as caught:
        characterisation("GWP100_AR6", ["CO2", "CH4"], units)
    assert SENTENCE.match(str(caught.value)), str(caught.value)


def test_a_mass_of_hfc_is_refused() -> None:
    # The name stands for a mixture, of which a mass could not be weighted.
    with pytest.raises(InputError, match="'kg HFC'"):
        characterisation("GWP100_AR6", ["HFC - air"], ["kg HFC"])


def changed(**columns: Any) -> Any:
    return load("gwp100").assign(**columns)


@pytest.mark.parametrize(
    ("name", "stressors", "factors", "error", "match"),
    [
        ("GWP20_AR6", ["CO2"], None, LabelError, r"characterisation: .*AR4.*got 'GWP20_AR6'"),
        ("GWP100_AR6", ["water"], None, LabelError, r"stressor: .*GWP100_AR6 counts, .*'water'"),
        ("GWP100_AR6", [], None, LabelError, r"stressors none"),
        ("GWP100_AR6", ["CO2_bio - combustion - air"], None, LabelError, r"'CO2_bio"),
        ("GWP100_AR6", ["a: CO2", "b: CO2"], None, InputError, r"got 'a: CO2' and 'b: CO2';"),
        ("GWP100_AR6", ["CO2"], {"CO2": 1}, InputError, r"factors: .*got dict; edit"),
        ("GWP100_AR6", ["CO2"], changed(gwp100="x"), InputError, r"factors: .*'x' for 'CO2'"),
        ("GWP100_AR6", ["CO2"], changed(gwp100=np.nan), InputError, r"nan for 'CO2'"),
        ("GWP100_AR6", ["CO2"], changed(gas="CO2"), InputError, r"two for 'CO2'"),
        ("GWP100_AR6", ["N2O"], load("gwp100").query("gas != 'N2O'"), InputError,
         r"factors: .*none for 'N2O'; add its row"),
    ],
)  # fmt: skip
def test_characterisation_refused(
    name: str, stressors: list[str], factors: Any, error: type[CarbonFlowsError], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        characterisation(name, stressors, ["kg"] * len(stressors), factors)
    assert SENTENCE.match(str(caught.value)), str(caught.value)


def test_units_must_be_as_many_as_stressors() -> None:
    with pytest.raises(InputError, match=r"units: expected 2, one per stressor, got 1"):
        characterisation("GWP100_AR6", ["CO2", "CH4"], ["kg"])


@pytest.mark.parametrize(
    "names",
    [
        ["CO2", "CO2 - combustion - air"],
        ["CO2", "air: CO2"],
        ["total | CO2", "air | CO2"],
        ["air: CO2", "water: CO2"],
        ["CO2 | air", "CO2 | water"],
        ["'ch4_total_EDGAR_consistent'", "ch4_total_EDGAR_consistent"],
        ["PROD_CO2", "CO2"],
        ["CO2", "Carbon dioxide/emission/air/kg"],
        ["I-GHG-CO2 emissions (kt) | Rail", "I-GHG-CO2 emissions (kt) | Total"],
        ["I-GHG-CO2 emissions (kt) | Rail", "CO2"],
        ["CO2 - combustion - air", "I-GHG-CO2 emissions (kt)"],
    ],
)
def test_a_gas_and_its_total_are_not_added(names: list[str]) -> None:
    with pytest.raises(InputError, match="stressor: expected each greenhouse gas once"):
        characterisation("GWP100_AR6", names, ["kt", "kt"])


def test_carbon_dioxide_alone() -> None:
    combustion, biogenic = "CO2 - combustion - air", "CO2 - waste - biogenic - air"
    names = [combustion, biogenic, "SF6 - air", "CO2 - waste - fossil - air"]
    assert carbon_dioxide(names, ["kg", "kg", "?", "t"]) == {combustion: 1.0, names[3]: 1000.0}
    assert carbon_dioxide(["water", biogenic], ["m3", "kg"]) == {}
    with pytest.raises(InputError, match="each greenhouse gas once, in one piece or in parts"):
        carbon_dioxide(["CO2", combustion], ["kg", "kg"])
    with pytest.raises(InputError, match="a mass of CO2"):
        carbon_dioxide(["CO2"], ["barrels"])


def test_sources_of_eora_are_added_up() -> None:
    heads = {
        "I-GHG-CO2 emissions (Gg) | Rail": 1.0,
        "Q: I-GHG-CO2 emissions (Gg) | Transport, other": 1.0,
        "I-GHG-CH4 emissions (Gg) | Rail": 27.9,
        "I-GHG-CO2b emissions (Gg) | Rail": 0.0,
        "I-GHG-CO2 emissions (Gg) | Memo: International aviation": None,
        "I-GHG-HFC-134a emissions (Gg) | Total": 1530.0,
        "I-GHG-HFC-1234yf emissions (Gg) | Total": None,
        "PRIMAP|KYOTOGHGAR4|TOTAL|GgCO2eq": None,
    }
    units = ["Gg"] * 7 + ["GgCO2eq"]
    found = characterisation("GWP100_AR6", list(heads), units)
    assert {head: found.weights.get(head) for head in heads} == heads
    assert found.gases == ("CO2", "CH4", "HFC-134a")
    assert list(carbon_dioxide(list(heads), units)) == list(heads)[:2]
    assert carbon_dioxide(["I-GHG-CO2 emissions (kg) | emission_type1"], ["kg"])
    assert carbon_dioxide(["I-GHG-CO2 emissions (Gg) | Total"], ["Gg"])
    assert sums_in_equivalents(list(heads), units) == [list(heads)[-1]]


@pytest.mark.parametrize(
    ("sum_", "unit"),
    [("GHG", "kg CO2 eq"), ("PROD_GHG", "Mt CO2-eq"), ("GHG", ""), ("All | GWP100", "kg CO2 eq.")],
)
def test_sums_in_equivalents_are_no_gases(sum_: str, unit: str) -> None:
    with pytest.raises(LabelError, match="ask by name for what is in CO2-equivalents") as no:
        characterisation("GWP100_AR6", ["jobs", sum_], ["p", unit])
    assert str(no.value).endswith(f"already: {sum_!r}")
    assert SENTENCE.match(str(no.value))
    assert carbon_dioxide([sum_], [unit]) == {}
    both = characterisation("GWP100_AR6", ["PROD_CO2", sum_], ["Mt", unit])
    assert both.weights == {"PROD_CO2": 1.0}
    assert sums_in_equivalents(["PROD_CO2", "HFC - air", sum_], ["Mt", "kg CO2-eq", unit]) == [sum_]


def test_other_gases_are_not_counted_alone_where_carbon_dioxide_has_another_name() -> None:
    unknown = "Carbon dioxide (CO2) (Gg) from EDGAR | Total"
    with pytest.raises(LabelError, match="carbon dioxide by a name that is known") as refused:
        characterisation("GWP100_AR5", [unknown, "CH4"], ["Gg", "Gg"])
    assert repr(unknown) in str(refused.value)
    assert SENTENCE.match(str(refused.value))
    for beside, unit in (("CO2-eq", "kt"), ("CO2 price", "EUR"), ("CO2 from biomass", "kt")):
        found = characterisation("GWP100_AR5", [beside, "CH4"], [unit, "kt"])
        assert found.weights == {"CH4": 28.0}
    assert characterisation("GWP100_AR5", [unknown, "CO2"], ["Gg", "Gg"]).weights == {"CO2": 1.0}


@pytest.mark.real_data
def test_flows_of_a_model_weigh_what_its_makers_say(real_data: Path) -> None:
    table = read(real_data / "useeio" / "GAEEIOv1.0-s-20")
    weighted = select_stressor(table, "GWP100_AR4")
    assert weighted.unit == "kg CO2-eq"
    assert set(carbon_dioxide(table.stressors, table.stressor_units)) == {
        "Carbon dioxide/emission/air/kg"
    }
    # Single HFCs and PFCs are left out.
    assert 0.97 < weighted.F.sum() / table.F.loc["GHG"].sum() <= 1


@pytest.mark.real_data
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_gases_of_original_lists_are_known_in_any_order_of_levels(
    real_data: Path, order: tuple[int, ...]
) -> None:
    """EXIOBASE 3rx has name, compartment and unit as levels; 3.9 has the name alone."""
    text = (real_data / "originals" / "exiobase3rx" / "f.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(text.splitlines()))[1:]
    names = [" | ".join(filter(None, (row[at] for at in order))) for row in rows]
    found = characterisation("GWP100_AR6", names, [row[2] for row in rows])
    assert {rows[names.index(name)][0] for name in found.weights} == {
        row[0] for row in rows if row[0] in set(AIR["stressor"])
    }
    assert len(found.weights) == 22
    assert found.gases == ("CO2", "CH4", "N2O", "SF6", "HFC", "PFC")


@pytest.mark.real_data
def test_gases_of_the_original_list_of_3_9_are_known(real_data: Path) -> None:
    path = real_data / "originals" / "exiobase" / "exiobase39_stressors.csv"
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    found = characterisation(
        "GWP100_AR6", [row["stressor"] for row in rows], [row["unit"] for row in rows]
    )
    assert set(found.weights) <= set(AIR["stressor"])
    assert len(found.weights) == 23
