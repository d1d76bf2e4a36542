"""Accounts beside a table: what matches is put there, and what does not is told."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._into_table._separate_accounts import Account, add_account
from carbonflows_fast.table import Table

SECTORS = [("DE", "coal"), ("DE", "steel"), ("FR", "coal"), ("FR", "steel")]


@pytest.fixture
def table() -> Table:
    return Table(
        Z=np.eye(4), Y=np.ones((4, 2)), F=[[1.0, 2, 3, 4]], x=[10.0, 20, 30, 40],
        regions=[r for r, _ in SECTORS], sectors=[s for _, s in SECTORS],
        demand=[("DE", "C"), ("FR", "C")], stressors="tax", extensions="primary inputs",
    )  # fmt: skip


def account(**changes: object) -> Account:
    parts = {"sectors": dict(zip(SECTORS, [5.0, 6, 7, 8])), **changes}
    return Account("file.csv", "CO2", "kt", **parts)  # type: ignore[arg-type]


def test_an_account_is_the_last_stressor(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    before = table.F.copy()
    made = add_account(table, account(demand={("FR", "C"): 2.5}), extension="air")
    assert made.stressors == ("tax", "CO2")
    assert (list(made.stressor_units), list(made.extensions)) == (
        ["", "kt"],
        ["primary inputs", "air"],
    )
    assert made.F.to_numpy().tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert made.F_Y.to_numpy().tolist() == [[0, 0], [0, 2.5]]
    np.testing.assert_allclose(made.S.loc["CO2"], [0.5, 0.3, 7 / 30, 0.2])
    assert table.F.equals(before)
    assert not caplog.records
    again = add_account(made, Account("b.csv", "CH4", "t", {SECTORS[0]: 1.0}))
    assert again.stressors == ("tax", "CO2", "CH4")
    assert again.F_Y.loc["CO2"].tolist() == [0, 2.5]


def test_a_table_of_intensities() -> None:
    table = Table(A=np.zeros((1, 1)), x=[10.0], Y=[10.0], S=[0.5], regions="DE", sectors=["coal"],
                  stressors="tax")  # fmt: skip
    made = add_account(table, account(sectors={("DE", "coal"): 3.0}))
    assert made.F.to_numpy().tolist() == [[5], [3]]
    assert made.S.to_numpy().tolist() == [[0.5], [0.3]]


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ([0], r"no CO2 of 1 of 4 sectors \(10 % of output\), they count as zero: DE coal$"),
        ([0, 1], r"no CO2 of 2 of 4 sectors \(30 % of output\).*: all of DE$"),
        ([1, 3], r"no CO2 of 2 of 4 sectors \(60 % of output\).*: steel everywhere$"),
        ([0, 1, 2], r"3 of 4 sectors \(60 % of output\).*: all of DE, coal everywhere$"),
    ],
)
def test_what_lacks_is_told(
    table: Table, caplog: pytest.LogCaptureFixture, lacking: list[int], message: str
) -> None:
    values = {pair: 1.0 for at, pair in enumerate(SECTORS) if at not in lacking}
    made = add_account(table, account(sectors=values, demand={("DE", "C"): 1.0}))
    assert made.F.loc["CO2"].tolist() == [float(at not in lacking) for at in range(4)]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert re.search(message, record.getMessage())


def test_an_account_without_households_is_told(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    assert not add_account(table, account()).F_Y.to_numpy().any()
    assert caplog.messages == ["file.csv: no CO2 of households, their own emissions count as zero"]


@pytest.mark.parametrize(
    ("totals", "warnings"),
    [
        ({"DE": 11.0, "FR": 15.1}, []),
        ({"DE": 13.0, "FR": 15.0}, []),  # with final users
        ({"DE": 11.0}, ["left out"]),  # of one region nothing is known
        ({"DE": 12.0, "FR": 15.0}, ["of 1 of 2 regions: DE 11 of 12 kt", "left out"]),
    ],
)
def test_sums_are_compared_with_the_totals(
    table: Table, caplog: pytest.LogCaptureFixture, totals: dict[str, float], warnings: list[str]
) -> None:
    sums = {("DE", "total"): 11.0, ("EU", "coal"): 12.0}
    values = {**account().sectors, **sums}
    users = {("DE", "C"): 2.0}
    with caplog.at_level(logging.INFO):
        add_account(table, account(sectors=values, demand=users, totals=totals))
    told = "CO2 of no sector of the table is left out, in all 23 kt: EU; total"
    assert told in caplog.text
    messages = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(messages) == len(warnings)
    assert all(part in message for part, message in zip(warnings, messages, strict=True))


def test_users_that_the_table_lacks_are_told(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    made = add_account(table, account(demand={("DE", "G"): 2.0}))
    assert not made.F_Y.loc["CO2"].any()
    assert "CO2 of no column of final demand of the table is left out, in all 2 kt: G" in (
        caplog.text
    )


def test_refusals(table: Table) -> None:
    with pytest.raises(FormatError, match=r"file.csv: expected CO2 of sectors like \('DE', 'coa"):
        add_account(table, account(sectors={("XX", "coal"): 1.0}))
    with pytest.raises(FormatError, match="expected one account of each stressor, got 'CO2' ag"):
        add_account(add_account(table, account()), account())
