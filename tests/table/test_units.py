"""Units of a table: what converts numbers, and what only names them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonflows_fast as cf
from carbonflows_fast import Table
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.table._units import FAMILIES, power_between, scaled_by_ten


def table(unit: Any = ("t", "kg CO2-eq"), kind: str = "F", **changed: Any) -> Table:
    emissions = np.array([[40.0, 25.0], [7.0, 0.1]])
    return Table(**{
        "Z": [[5.0, 2.0], [1.0, 6.0]], "Y": [[20.0, 3.0], [2.0, 30.0]], kind: emissions,
        "F_Y": [[3.0, 4.0], [0.3, 0.0]], "regions": ["NO", "SE"], "sectors": ["all", "all"],
        "stressors": ["CO2", "GHG"], "stressor_units": list(unit), "row_units": "M.NOK",
        "population": [5.0, 10.0], "year": 2018, "name": "own", **changed,
    })  # fmt: skip


@given(st.floats(-1e200, 1e200), st.integers(-15, 18))
def test_a_power_of_ten_is_rounded_once(value: float, power: int) -> None:
    exact = Fraction(value) * Fraction(10) ** power
    assert scaled_by_ten(value, power) == float(exact)


def test_known_units_convert_to_those_of_their_kind_alone() -> None:
    for family in FAMILIES:
        for one in family:
            for other in (unit for kind in FAMILIES for unit in kind):
                if other in family:
                    assert power_between("unit", one, other) == family[one] - family[other]
                else:
                    with pytest.raises(InputError, match="unit: expected a unit that '"):
                        power_between("unit", one, other)


@pytest.mark.parametrize("kind", ["F", "S"])
def test_unit_converts_and_keeps_the_answer(kind: str) -> None:
    before = table(kind=kind)
    prepared = cf.system(before)
    after = before.with_changes(unit={"CO2": "kt", "GHG": "Mt CO2-eq"})
    assert after.stressor_units.tolist() == ["kt", "Mt CO2-eq"]
    for matrix in ("F", "S", "F_Y"):
        expected = getattr(before, matrix).to_numpy() / np.array([[1e3], [1e9]])
        np.testing.assert_allclose(getattr(after, matrix), expected, rtol=1e-15)
    np.testing.assert_allclose(
        cf.accounts(after, "CO2")["consumption"], cf.accounts(before, "CO2")["consumption"] / 1e3
    )
    assert after.with_changes(unit={"CO2": "t"}).stressor_units.tolist() == ["t", "Mt CO2-eq"]
    assert cf.system(after).tiles is prepared.tiles  # nothing is prepared anew


def test_stressor_units_only_rename() -> None:
    after = table().with_changes(S=table().S / 1000, stressor_units={"CO2": "kt"})
    assert after.stressor_units.tolist() == ["kt", "kg CO2-eq"]
    np.testing.assert_array_equal(after.S, table().S / 1000)
    np.testing.assert_array_equal(after.F_Y, table().F_Y)


def test_what_else_can_be_changed() -> None:
    before = table()
    after = before.with_changes(
        F=before.F * 2, stressors={"CO2": "gas"}, row_units=["M.NOK", "M.SEK"], name="new",
        population={"SE": 11.0}, year=2019,
    )  # fmt: skip
    assert after.stressors == ("gas", "GHG")
    np.testing.assert_array_equal(after.F, before.F.to_numpy() * 2)
    assert after.row_units.tolist() == ["M.NOK", "M.SEK"]
    assert (after.name, after.year) == ("new", 2019)
    assert after.population.isna().tolist() == [True, False]
    assert list(after.F.index) == ["gas", "GHG"]
    assert (before.name, before.year, before.stressors[0]) == ("own", 2018, "CO2")
    assert before.with_changes().equals(before)
    assert before.with_changes(stressors=["a", "b"]).stressors == ("a", "b")


def test_F_stays_F_where_A_changes() -> None:
    before = table()
    changed = before.with_changes(A=before.A * 0.5, F=before.F)
    np.testing.assert_array_equal(changed.F, before.F)
    assert not np.allclose(changed.S, before.S)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"unit": "USD"}, InputError, "unit: expected a unit that 't' can be converted to, got"),
        ({"unit": {"GHG": "t"}}, InputError, "a unit that 'kg CO2-eq' can be converted to"),
        ({"unit": {"CO": "kt"}}, LabelError, "unit: expected stressors .* got 'CO'; nearest are"),
        ({"unit": {"CO2": "kt"}, "stressor_units": "t"}, InputError, "no other change of emissio"),
        ({"S": [[1, 2], [3, 4]], "F": [[1, 2], [3, 4]]}, InputError, "F, S: expected one of the"),
        ({"stressors": ["a", "a"]}, LabelError, "stressors: expected every stressor once"),
        ({"stressors": {"CO2": "GHG"}}, LabelError, "stressors: expected every stressor once"),
        ({"stressors": ["a"]}, LabelError, "stressors: expected 2 labels"),
        ({"stressor_units": ["a"]}, InputError, "stressor_units: expected one text, or 2"),
        ({"row_units": ["a"]}, InputError, "row_units: expected one text, or 2"),
        ({"year": "2019"}, InputError, "year: expected a whole number"),
        ({"name": 1}, InputError, "name: expected a text"),
        ({"population": [1.0]}, InputError, "population: expected 2 numbers"),
        ({"F": [[1.0, 2.0]]}, InputError, r"F: expected shape \(2, 2\)"),
    ],
)
def test_refusals(given: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        table().with_changes(**given)


def test_numbers_that_would_be_infinite_are_refused() -> None:
    large = table(F=[[1e95, 1.0], [0.0, 0.0]], unit=("Gt", "kg"))
    with pytest.raises(
        InputError, match=r"unit: expected a unit in which numbers are at most 1e\+100"
    ):
        large.with_changes(unit={"CO2": "g"})
    large.with_changes(unit={"CO2": "Gt"})


def test_two_units_are_refused_with_what_helps() -> None:
    """Each remedy that the sentence names is tried."""
    before = table(unit=("kt", "kg CO2-eq"))
    after = table(F=[[40e3, 25e3], [7.0, 0.1]], F_Y=[[3e3, 4e3], [0.3, 0.0]])
    ask = cf.structural_decomposition
    with pytest.raises(InputError, match=r"table\.with_changes\(unit=\{'CO2': 'kt'\}\), or, where"):
        ask(before, after, "CO2")
    assert abs(ask(before, after.with_changes(unit={"CO2": "kt"}), "CO2").total) < 1e-12
    same = before.with_changes(stressor_units={"CO2": "t"})
    assert ask(before, same.with_changes(stressor_units={"CO2": "kt"}), "CO2").total == 0
    unknown = before.with_changes(stressor_units={"CO2": ""})
    with pytest.raises(InputError, match=r"table\.with_changes\(stressor_units=\{'CO2': 'kt'\}\)"):
        ask(before, unknown, "CO2")
    assert ask(before, unknown.with_changes(stressor_units={"CO2": "kt"}), "CO2").total == 0
