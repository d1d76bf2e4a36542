"""Where variances come from, against the part of every single cell."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.references.uncertainty_reference import ACCOUNTS, UncertaintyReference
from support.running.solving import iterated
from support.worlds.uncertain_tables import SOURCES, allowed, dense_of, questions

import carbonflows_fast as cf
from carbonflows_fast.uncertainties._error_model._cells import Cells


def grouped(slow: UncertaintyReference, level: str) -> pd.DataFrame:
    """Parts of the variances by label of the seller, emitter or final user: (answers, labels)."""
    table, found = slow.table, {}
    names = [*(table.regions if level == "region" else table.content.sectors)]
    of_rows = np.array(table.rows.get_level_values(level))
    of_users = np.array(["(final users)"] * len(table.demand))
    if level == "region":
        of_users = np.array(table.demand.get_level_values("region"))
    else:
        names.append("(final users)")
    for name in names:
        found[name] = (
            slow.parts["Z"][:, of_rows == name].sum(axis=(1, 2))
            + slow.parts["Y"][:, of_rows == name].sum(axis=(1, 2))
            + slow.parts["F"][:, :, of_rows == name].sum(axis=(1, 2))
            + slow.parts["F_Y"][:, :, of_users == name].sum(axis=(1, 2))
        )
    shared = [np.diag(part) for part in slow.covariances[len(SOURCES) :]]
    found["(shared)"] = np.sum([*shared, np.zeros(len(slow.answers()))], axis=0)
    return pd.DataFrame(found)


@given(questions())
def test_shares_by_region_and_sector_are_sums_over_cells(question: Any) -> None:
    table, stressor, errors, slow = question
    found = cf.uncertainty(table, stressor, errors, of=slow.of)
    near = {"rtol": 1e-6, "atol": allowed(slow, table)}
    sd = found.sd.to_numpy().ravel()
    for level, shares in (("region", found.by_region), ("sector", found.by_sector)):
        expected = grouped(slow, level)
        assert list(shares.columns) == list(expected.columns)
        assert list(shares.index) == list(found.by_source.index)
        got = np.sqrt(shares.fillna(0.0).to_numpy()) * sd[:, None]
        np.testing.assert_allclose(got, np.sqrt(expected), **near, err_msg=level)
        sure = found.by_source.isna().all(axis=1)
        np.testing.assert_allclose(shares[~sure].sum(axis=1), 1.0)
        assert shares[sure].isna().all(axis=None)


def place_of(table: cf.Table, cell: Any) -> tuple[int, int]:
    """Return row and column of a cell in its source."""
    if cell.source == "F":
        return table.stressors.index(cell.stressor), list(table.rows).index(
            (cell.region, cell.sector)
        )
    buyer = (cell.buyer_region, cell.buyer)
    if cell.source == "F_Y":
        return table.stressors.index(cell.stressor), list(table.demand).index(buyer)
    columns = table.rows if cell.source == "Z" else table.demand
    return list(table.rows).index((cell.region, cell.sector)), list(columns).index(buyer)


@given(questions(), st.data(), st.booleans())
def test_top_cells_are_the_largest_of_all(question: Any, data: Any, by_region: bool) -> None:
    table, stressor, errors, slow = question
    assume(not table.demand.has_duplicates)
    with iterated() if by_region else nullcontext():
        found = cf.uncertainty(table, stressor, errors, of=slow.of)
    row = data.draw(st.integers(0, len(table.regions) - 1))
    column = data.draw(st.integers(0, found.sd.shape[1] - 1))
    count = data.draw(st.integers(1, 30))
    asked: Any = {"account" if slow.of == "accounts" else "consumer": found.sd.columns[column]}
    cells = found.top_cells(table.regions[row], **asked, count=count)
    sd, at = float(found.sd.iloc[row, column]), row * found.sd.shape[1] + column
    nothing = allowed(slow, table)
    every = np.sort(np.concatenate([slow.parts[name][at].ravel() for name in SOURCES]))[::-1]
    got = np.sqrt(cells["share"].to_numpy()) * sd
    assert (np.diff(got) <= 0.0).all()
    assert len(got) <= count
    padded = np.zeros(min(count, len(every)))
    padded[: len(got)] = got
    near = {"rtol": 1e-6, "atol": nothing}
    np.testing.assert_allclose(padded, np.sqrt(every[: len(padded)]), **near)
    for cell, part in zip(cells.itertuples(), got, strict=True):
        place = place_of(table, cell)
        np.testing.assert_allclose(part, np.sqrt(slow.parts[cell.source][at][place]), **near)
        np.testing.assert_allclose(cell.value, dense_of(table, cell.source)[place], rtol=1e-9)
        if part > nothing:
            given = np.broadcast_to(slow.sizes[cell.source], slow.cells[cell.source].shape)
            np.testing.assert_allclose(cell.deviation, given[place], rtol=1e-6)
        left = np.sqrt(max(sd**2 - 0.75 * part**2, 0.0))
        np.testing.assert_allclose(cell.sd_if_halved, left, rtol=1e-7, atol=nothing)


@pytest.mark.parametrize("account", ACCOUNTS[:5])
@pytest.mark.parametrize("source", ["Z", "Y"])
def test_cells_of_output_that_is_not_all_delivered(account: str, source: str) -> None:
    plain = cf.synthetic.world(3, 4)
    table = cf.Table(
        Z=plain.Z, Y=plain.Y.to_numpy(), F=plain.F.to_numpy(),
        x=plain.x.to_numpy() * np.linspace(1.0, 1.4, 12), stressors="CO2",
        regions=plain.rows.get_level_values(0), sectors=plain.rows.get_level_values(1),
        demand=list(plain.demand),
    )  # fmt: skip
    cells = {source: np.full(getattr(table, source).shape, 0.2)}
    slow = UncertaintyReference(table, {"CO2": 1.0}, "accounts", cells, [])
    found = cf.uncertainty(table, errors=cf.Errors(**cells))
    for row, region in enumerate(table.regions):
        parts = slow.parts[source][6 * row + ACCOUNTS.index(account)]
        expected = np.sort(parts.ravel())[::-1][:5]
        assert expected[0] > 1.0
        shares = found.top_cells(region, account, count=5)["share"]
        got = shares * found.sd.loc[region, account] ** 2
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_halving_a_cell_gains_what_is_said() -> None:
    table = cf.synthetic.world(3, 5)
    sizes = {
        "Z": np.full((15, 15), 0.3),
        "Y": np.full(table.Y.shape, 0.3),
        "F": np.full((1, 15), 0.1),
    }
    shared = cf.SharedError("a", 0.001, F=1.0)
    found = cf.uncertainty(table, errors=cf.Errors(**sizes, shared=shared))
    cells = found.top_cells(table.regions[1], "imports", count=8)
    assert set(cells.source) >= {"Z", "F"}
    for cell in cells.itertuples():
        fewer = {name: one.copy() for name, one in sizes.items()}
        fewer[cell.source][place_of(table, cell)] /= 2.0
        again = cf.uncertainty(table, errors=cf.Errors(**fewer, shared=shared))
        sd = again.sd.loc[table.regions[1], "imports"]
        assert sd < found.sd.loc[table.regions[1], "imports"]
        np.testing.assert_allclose(cell.sd_if_halved, sd, rtol=1e-9)


def test_few_rows_are_read_where_few_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    table = cf.synthetic.world(8, 120)
    found = cf.uncertainty(table, errors=cf.Errors(Z=0.1))
    read, times = [], Cells.times

    def counted(self: Cells, X: Any, *, adjoint: bool = False) -> Any:
        read.append(X.shape[1])
        return times(self, X, adjoint=adjoint)

    monkeypatch.setattr(Cells, "times", counted)
    cells = found.top_cells(table.regions[0])
    assert len(cells) == 10
    assert 0 < sum(read) < table.n / 2
    every = found.top_cells(table.regions[0], count=5000)
    pd.testing.assert_frame_equal(every.head(10), cells)


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_same_bits_for_any_number_of_threads(of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []
    for threads in ("1", "2"):
        monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", threads)
        table = cf.synthetic.world(4, 30)
        errors = cf.Errors(Z=cf.BySize(0.4, -0.2, at_most=1.0), Y=0.1, F=0.1, F_Y=0.1)
        found = cf.uncertainty(table, "CO2", errors, of=of)
        which = {"consumer": "BE"} if of == "flows" else {}
        answers.append([found.by_region, found.by_sector, found.top_cells("AT", **which)])
    for one, two in zip(*answers, strict=True):
        pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_what_is_wrong_is_said() -> None:
    table = cf.synthetic.world(2, 2)
    errors = cf.Errors(F=0.1)
    found = {of: cf.uncertainty(table, errors=errors, of=of) for of in ("accounts", "flows")}  # type: ignore[arg-type]
    for of, asked, said in (
        ("accounts", ("XX",), "region: expected a region of the table, got 'XX'"),
        ("accounts", ("AT", "import"), "account: expected 'production', "),
        ("accounts", ("AT", ["imports"]), "account: expected 'production', "),
        ("flows", ("AT", "imports"), "account: expected None for flows, got 'imports'"),
        ("flows", ("AT",), "consumer: expected the region that consumes"),
    ):
        with pytest.raises(cf.InputError, match=f"^{said}"):
            found[of].top_cells(*asked)
    with pytest.raises(cf.InputError, match="consumer: expected None for accounts, got 'AT'"):
        found["accounts"].top_cells("AT", consumer="AT")
    with pytest.raises(cf.InputError, match="count: expected a whole number from 1 to 100,000"):
        found["accounts"].top_cells("AT", count=0)
    assert found["accounts"].top_cells("AT", "net_imports", count=3).shape == (3, 10)
    assert len(cf.uncertainty(table, errors=cf.Errors()).top_cells("AT")) == 0


def test_accounts_are_in_the_order_that_parts_are() -> None:
    assert list(cf.uncertainty(cf.synthetic.world(2, 2), errors=cf.Errors()).sd) == ACCOUNTS


def test_production_is_sure_where_only_sales_are_wrong() -> None:
    """Rounding of solves is no source, though it is all that there is."""
    shared = cf.SharedError("trade statistics", 0.1, Z={"trade": 1.0}, Y={"trade": 1.0})
    found = cf.uncertainty(cf.synthetic.world(4, 30), errors=cf.Errors(Z=0.1, Y=0.1, shared=shared))
    assert (found.sd["production"] == 0.0).all()
    for shares in (found.by_source, found.by_region, found.by_sector):
        assert shares.xs("production", level="account").isna().all(axis=None)
        assert shares.xs("consumption", level="account").notna().all(axis=None)
