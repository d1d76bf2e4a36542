"""What errors about regions, sectors and gases advise is done, and works."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from support.advice import Case, advice_tests, named, python

import carbonflows_fast as cf
from carbonflows_fast import classification
from carbonflows_fast.classification import (
    characterisation,
    one_region,
    regions_in,
    sector_classes,
)  # fmt: skip
from carbonflows_fast.classification._sectors import study_sectors

COVERED = [f"classification/{name}" for name in (
    "_files", "_gas_names", "_gases", "_regions", "_sectors")]  # fmt: skip
"""Modules whose every piece of advice has a case."""

GWP = "GWP100_AR5"
FACTORS = classification.load("gwp100")
PRODUCTS = list(classification.load("exiobase3_pxp")["name"])
STEEL = list(study_sectors("steel", PRODUCTS)[0])


def shipped(code: str) -> pd.DataFrame:
    """The classification that a piece of code loads."""
    return python(code, classification=classification)


def weighed(stressors: list[str], units: list[str], **options: Any) -> Any:
    return characterisation(GWP, stressors, units, **options)


CASES = [
    Case(lambda: classification.load("wiod2015"), r"nearest are (.*)",
         lambda names: [classification.load(name) for name in named(names)]),
    # regions
    Case(lambda: regions_in(["DEU", "FRA"], "Germny"), r"nearest are (.*)",
         lambda names: regions_in(["DEU", "FRA"], named(names)[0])),
    Case(lambda: regions_in(["DEU", "FRA"], 3), r"give a name, e\.g\. (.*)",
         lambda names: regions_in(["DEU", "FRA"], named(names)[0])),
    Case(lambda: regions_in(["DEU", "FRA"], []), r"give e\.g\. (.*)",
         lambda name: regions_in(["DEU", "FRA"], python(name))),
    Case(lambda: one_region(["DEU", "FRA"], "EU27"), r"choose from (.*)",
         lambda names: [one_region(["DEU", "FRA"], name) for name in named(names)]),
    Case(lambda: regions_in(["DEU", "FRA"], "Namibia"), r"the table's regions are (.*)",
         lambda names: [regions_in(["DEU", "FRA"], name) for name in named(names)]),
    Case(lambda: regions_in(["COG", "COD"], "Congo"), r"write (.*)",
         lambda names: [regions_in(["COG", "COD"], name) for name in named(names)]),
    # sectors
    Case(lambda: sector_classes(["a", "b"]),
         r"give classes=\{sector: class\}, each one of (.*), or a DataFrame with the columns name "
         "and class",
         lambda classes: [
             [sector_classes(["a"], {"a": one}) for one in classes.split(", ")],
             sector_classes(["a"], pd.DataFrame({"name": ["a"], "class": ["energy"]}))]),
    Case(lambda: sector_classes(["19", "24"]), r"name the system that is meant, as classes=(.*)",
         lambda name: sector_classes(["19", "24"], python(name))),
    Case(lambda: sector_classes(["a"], {"a": "enrgy"}), "spell it so",
         lambda _: sector_classes(["a"], {"a": "energy"})),
    Case(lambda: sector_classes(["a"], {"a": "energy", "A": "product"}), "keep one of them",
         lambda _: sector_classes(["a"], {"A": "product"})),
    Case(lambda: sector_classes(["a"], "wiod2015"), r"the nearest is ('\w+'); or give a mapping",
         lambda name: [sector_classes(list(classification.load(python(name))["name"]),
                                      python(name)),
                       sector_classes(["a"], {"a": "energy"})]),
    Case(lambda: sector_classes(["my wheat"], 3), r"edit e\.g\. (classification\.load\(.*\))",
         lambda code: sector_classes(["my wheat"], pd.concat([
             shipped(code),
             pd.DataFrame({"name": ["my wheat"], "class": ["product"]})]))),
    # studies
    Case(lambda: study_sectors("bread", PRODUCTS), "choose one, or name the sectors themselves",
         lambda _: [study_sectors("steel", PRODUCTS), studied("a")]),
    Case(lambda: study_sectors("steel", ["a", "b"]), "name the sectors that are steel instead",
         lambda _: studied("a")),
    Case(lambda: study_sectors("steel", ["19", "24"]), "name the sectors that are steel instead",
         lambda _: studied("b")),
    Case(lambda: study_sectors("steel", STEEL[:1]), "name (.*) alone instead",
         lambda names: studied(*named(names), labels=[*STEEL[:1], "b"])),
    Case(lambda: study_sectors("steel", PRODUCTS[:3]), "name sectors that it has instead",
         lambda _: studied(PRODUCTS[0], labels=PRODUCTS[:3])),
    # gases
    Case(lambda: weighed(["CO2"], []), "give '' where a unit is unknown",
         lambda _: weighed(["CO2"], [""])),
    Case(lambda: weighed(["smoke"], ["kt"]),
         r"name them as (classification\.load\('ghg_stressors'\)) does, or give a mapping name → "
         "weight",
         lambda code: [weighed([shipped(code)["stressor"][0]], ["kt"]),
                       cf.accounts(toy("smoke"), {"smoke": 1})]),
    Case(lambda: weighed(["CH4", "Total CO2 (x)"], ["kt", "kt"]),
         r"name it as (classification\.load\('ghg_stressors'\)) does, or give a mapping name → "
         "weight with the gases that you mean",
         lambda code: [weighed(["CH4", shipped(code)["stressor"][0]],
                               ["kt", "kt"]),
                       cf.accounts(toy("CH4", "Total CO2 (x)"), {"CH4": 28, "Total CO2 (x)": 1})]),
    Case(lambda: weighed(["water", "GHG"], ["kt", "kt CO2-eq"]),
         r"ask by name for what is in CO2-equivalents already: (.*)",
         lambda names: cf.accounts(toy("water", "GHG"), named(names)[0])),
    Case(lambda: characterisation("GWP20", ["CO2"], ["kt"]),
         "choose one, or give a mapping stressor → weight",
         lambda _: [weighed(["CO2"], ["kt"]), cf.accounts(toy("CO2"), {"CO2": 1})]),
    Case(lambda: weighed(["CO2"], ["kt"], factors=3), r"edit (classification\.load\('gwp100'\))",
         lambda code: weighed(["CO2"], ["kt"],
                              factors=shipped(code))),
    Case(lambda: weighed(["CO2"], ["kt"], factors=FACTORS.assign(gwp100="x")),
         r"edit (classification\.load\('gwp100'\))",
         lambda _: weighed(["CO2"], ["kt"], factors=FACTORS.replace({"gwp100": {"x": "1"}}))),
    Case(lambda: weighed(["CO2", "CH4"], ["kt", "kt"], factors=FACTORS[FACTORS["gas"] != "CH4"]),
         "add its row; gwp100 0 leaves the gas out",
         lambda _: weighed(["CO2", "CH4"], ["kt", "kt"], factors=FACTORS.assign(
             gwp100=FACTORS["gwp100"].where(FACTORS["gas"] != "CH4", "0")))),
    Case(lambda: weighed(["CO2", "CH4"], ["kt", "m3"]),
         "correct the table's stressor_units, or give a mapping name → weight instead of",
         lambda _: [weighed(["CO2", "CH4"], ["kt", "kt"]),
                    cf.accounts(toy("CO2", "CH4"), {"CO2": 1, "CH4": 28})]),
    Case(lambda: weighed(["CO2", "CO2 - combustion - air"], ["kt", "kt"]),
         "give a mapping name → weight with those that you mean",
         lambda _: cf.accounts(toy("CO2", "CO2 - combustion - air"), {"CO2": 1})),
]  # fmt: skip


@cache
def toy(*stressors: str, labels: Sequence[str] = ("a", "b", "c")) -> cf.Table:
    """A table of one region with these labels."""
    n, names = len(labels), stressors or ("CO2",)
    return cf.Table(Z=np.eye(n), Y=np.ones(n), F=np.ones((len(names), n)), regions="DE",
                    sectors=list(labels), stressors=list(names), stressor_units="kt")  # fmt: skip


def studied(*sectors: str, labels: Sequence[str] = ("a", "b", "c")) -> cf.SectorStudy:
    return cf.sector_study(toy(labels=tuple(labels)), sectors=list(sectors))


test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
