"""What `repair` changes, and that its ledger says so: number by number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.odd_table import ODDITIES, odd_table
from support.worlds.small_table import SENTENCE
from support.worlds.strategies import seeds

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.table import Table

HOW: dict[str, Any] = {
    "duplicates": True,
    "balance": True,
    "negative_output": True,
    "purchases_without_output": "spread",
    "emissions_without_output": "food",
    "implausible_intensities": "spread",
    "column_sums": 0.9,
    "negatives": 1e-8,
}
FINDINGS = {
    "duplicates": {"duplicate row", "duplicate demand column"},
    "balance": {"balance", "balance of the table"},
    "negative_output": {"negative output"},
    "purchases_without_output": {"purchases without output"},
    "emissions_without_output": {"emissions without output"},
    "implausible_intensities": {"implausible intensity"},
    "column_sums": {"column sum"},
    "negatives": {"negative A", "negative Y", "negative F", "negative F_Y"},
}


def replayed(table: Table, ledger: Any) -> dict[str, Any]:
    """Enter a ledger in a table, the slow and obvious way."""
    if (ledger["repair"] == "duplicates").any():
        table = table.aggregate()
    books = {name: getattr(table, name).to_numpy(copy=True) for name in ("Y", "x", "F", "F_Y")}
    books["Z"] = table.Z.toarray()
    rows, columns = list(table.rows), list(table.demand)
    for entry in ledger[ledger["repair"] != "duplicates"].itertuples():
        row, buyer = (entry.region, entry.sector), (entry.buyer_region, entry.buyer)
        place: Any = {
            "Z": lambda row=row, buyer=buyer: (rows.index(row), rows.index(buyer)),
            "Y": lambda row=row, buyer=buyer: (rows.index(row), columns.index(buyer)),
            "x": lambda row=row: rows.index(row),
            "F": lambda e=entry, row=row: (table.stressors.index(e.stressor), rows.index(row)),
            "F_Y": lambda e=entry, b=buyer: (table.stressors.index(e.stressor), columns.index(b)),
        }[entry.what]()
        assert books[entry.what][place] == entry.before != entry.after
        books[entry.what][place] = entry.after
    return books


def assert_holds(table: Table, books: dict[str, Any]) -> None:
    assert np.array_equal(table.Z.toarray(), books["Z"])
    for name in ("Y", "x", "F", "F_Y"):
        assert np.array_equal(getattr(table, name).to_numpy(), books[name]), name


@given(
    rng=seeds(),
    odd=st.sets(st.sampled_from(ODDITIES)),
    named=st.sets(st.sampled_from(ODDITIES), min_size=1),
    form=st.sampled_from(["Z", "A"]),
    regions=st.integers(1, 3),
)
def test_the_ledger_is_the_difference(
    rng: np.random.Generator, odd: set[str], named: set[str], form: str, regions: int
) -> None:
    if "duplicates" not in named:
        odd = odd - {"duplicates"}  # a ledger cannot tell rows of one label apart
    table = odd_table(rng, odd, regions=regions, form=form)
    kept = {name: getattr(table, name).copy() for name in ("x", "Y", "F", "F_Y")}
    Z = table.Z.toarray()
    repaired, ledger = cf.repair(table, **{name: HOW[name] for name in named})
    assert_holds(repaired, replayed(table, ledger))
    assert set(ledger["repair"]) <= named

    # The given table is as it was, and what is emitted where is too.
    assert np.array_equal(table.Z.toarray(), Z)
    assert all(getattr(table, name).equals(frame) for name, frame in kept.items())
    if "negatives" not in named:
        for name in ("F", "F_Y"):
            sums = [getattr(one, name).T.groupby(level="region").sum() for one in (table, repaired)]
            np.testing.assert_allclose(sums[1], sums[0], rtol=1e-12, atol=1e-15)
    # No finding that was to be mended is left, and there is nothing more to do.
    found = set(cf.check(repaired).findings["check"])
    if "negative_output" in odd:
        found -= FINDINGS["negatives"]  # larger ones are meant to stay
    assert not found & set().union(*(FINDINGS[name] for name in named))
    again, nothing = cf.repair(repaired, **{name: HOW[name] for name in named})
    assert again is repaired
    assert nothing.empty
    assert list(nothing.columns) == list(ledger.columns)


@pytest.mark.parametrize("name", ODDITIES)
def test_each_oddity_is_there_and_is_mended_alone(name: str) -> None:
    table = odd_table(np.random.default_rng(5), {name})
    assert set(cf.check(table).findings["check"]) & FINDINGS[name]
    repaired, ledger = cf.repair(table, **{name: HOW[name]})
    assert not set(cf.check(repaired).findings["check"]) & FINDINGS[name]
    assert set(ledger["repair"]) == {name}
    others = {other: HOW[other] for other in ODDITIES if other != name}
    if name != "negative_output":  # its negative demand is not tiny, but nothing else is odd
        untouched, nothing = cf.repair(table, **others)
        assert untouched is table
        assert nothing.empty


def made(**changes: Any) -> Table:
    arguments: dict[str, Any] = {
        "Z": [[1.0, 2.0, 3.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]],
        "Y": [[14.0], [8.0], [0.0]],
        "F": [[4.0, 1.0, 6.0]],
        "x": [20.0, 10.0, 0.0],
        "regions": "DE",
        "sectors": ["food", "steel", "none"],
        "demand": [("DE", "all")],
        "stressors": ["CO2"],
        "stressor_units": ["kt"],
        "row_units": "M.EUR",
    }
    return Table(**(arguments | changes))


def test_what_goes_where() -> None:
    repaired, ledger = cf.repair(
        made(), purchases_without_output="steel", emissions_without_output="spread"
    )
    assert repaired.Z.toarray().tolist() == [[1, 5, 0], [0, 2, 0], [0, 0, 0]]
    assert repaired.F.loc["CO2"].tolist() == [8.0, 3.0, 0.0]
    assert ledger["before"].tolist() == [2, 3, 1, 1, 4, 1, 6]
    assert ledger["after"].tolist() == [5, 0, 2, 0, 8, 3, 0]
    assert ledger.iloc[0].tolist() == [
        "purchases_without_output", "Z", "DE", "food", "DE", "steel", "", 2.0, 5.0, "M.EUR",
    ]  # fmt: skip
    assert ledger.iloc[4].tolist() == [
        "emissions_without_output", "F", "DE", "food", "", "", "CO2", 4.0, 8.0, "kt",
    ]  # fmt: skip


def test_inputs_above_the_limit_go_where_there_is_room() -> None:
    Z = [[0.0, 8.0, 0.0], [2.0, 4.0, 3.0], [0.0, 0.0, 0.0]]
    table = made(Z=Z, Y=[[12.0], [1.0], [6.0]], x=[20.0, 10.0, 6.0])
    repaired, ledger = cf.repair(table, column_sums=0.9)
    # Of 12 bought, 9 may stay; the others have room for 16 and 2.4.
    expected = np.array([[2 * 16 / 18.4, 6, 2 * 2.4 / 18.4], [2 + 16 / 18.4, 3, 3 + 2.4 / 18.4]])
    np.testing.assert_allclose(repaired.Z.toarray()[:2], expected, rtol=1e-14)
    assert repaired.x.tolist() == [20.0, 10.0, 6.0]
    assert len(ledger) == 6
    with pytest.raises(InputError, match=r"room for 7 more inputs in DE, below 0\.5 of"):
        cf.repair(made(Z=Z, Y=[[12.0], [1.0], [0.0]], x=[8.0, 10.0, 0.0]), column_sums=0.5)


def test_output_that_cancels_is_no_imbalance() -> None:
    # The row adds up to 0.1 + 0.2 − 0.3, which is 5.6e-17 and not 0.
    table = made(Z=[[0.0, 0.1, 0.0], [1.0, 0.0, 0.0], [0.0] * 3], Y=[[0.2 - 0.3], [9.0], [0.0]],
                 F=[[0.0, 1.0, 0.0]], x=[5.0, 10.0, 0.0])  # fmt: skip
    repaired, ledger = cf.repair(table, balance=True)
    assert repaired.x.tolist() == [0.0, 10.0, 0.0]
    assert ledger["what"].tolist() == ["x"]
    assert "balance" not in set(cf.check(repaired).findings["check"])


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no repair": ({}, {}, "choose from duplicates, balance, negative_output, purchases_without_"),
    "not a switch": ({}, {"balance": 1}, "balance: expected True or False, got 1"),
    "no sector": (
        {}, {"purchases_without_output": "stele"},
        "a sector of the table, or 'spread', got 'stele'; nearest are 'steel'",
    ),
    "nearly spread": (
        {}, {"implausible_intensities": "spred"},
        "a sector of the table, or 'spread', got 'spred'; nearest are 'spread'",
    ),
    "no name": ({}, {"emissions_without_output": True}, "the name of a sector, got True"),
    "limit": ({}, {"column_sums": 1.0}, "expected a number above 0 and below 1, got 1.0"),
    "tolerance": ({}, {"negatives": True}, "negatives: expected a number above 0 and below 1"),
    "receiver without output": (
        {}, {"emissions_without_output": "none"},
        "expected 'none' with output in DE, and one unit, to take what 'none' has, got none",
    ),
    "nobody has output": (
        {"Z": np.zeros((3, 3)), "Y": np.zeros((3, 1)), "x": np.zeros(3)},
        {"emissions_without_output": "spread"},
        "a sector with output in DE, and one unit, to take what 'food' has, got none",
    ),
    "units of outputs": (
        {"row_units": ["t", "M.EUR", "M.EUR"]}, {"emissions_without_output": "spread"},
        "got the units t, M.EUR",
    ),
    "units of inputs": (
        {"row_units": ["t", "M.EUR", "t"]}, {"column_sums": 0.9}, "got the units t, M.EUR",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(case: str) -> None:
    changes, options, message = WRONG[case]
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        cf.repair(made(**changes), **options)
    assert SENTENCE.match(str(caught.value))
    assert isinstance(caught.value, LabelError) == (case in ("no sector", "nearly spread"))


@pytest.mark.real_data
def test_wiod_is_mended(real_data: Any) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip")
    repaired, ledger = cf.repair(table, negative_output=True, column_sums=0.99)
    assert_holds(repaired, replayed(table, ledger))
    report = cf.check(repaired)
    assert set(report.findings["severity"]) == {"note"}
    before, after = cf.accounts(table)["consumption"], cf.accounts(repaired)["consumption"]
    assert abs(after.sum() / before.sum() - 1) < 1e-9
    assert 0 < abs(after / before - 1).max() < 1e-4


def test_a_path_is_as_good_as_a_table(tmp_path: Path) -> None:
    table = odd_table(np.random.default_rng(5), {"balance"})
    expected, ledger = cf.repair(table, balance=True)
    path = cf.save(table, tmp_path / "saved")
    for given_path in (path, str(path)):
        repaired, same = cf.repair(given_path, balance=True)
        assert repaired.equals(expected)
        assert same.equals(ledger)
    for wrong in (None, 5):
        with pytest.raises(InputError, match="table: expected a Table or a path, got ") as caught:
            cf.repair(wrong, balance=True)  # type: ignore[arg-type]
        assert SENTENCE.match(str(caught.value))
    with pytest.raises(InputError, match=r"table: expected a table, .* which does not exist"):
        cf.repair(tmp_path / "none", balance=True)
