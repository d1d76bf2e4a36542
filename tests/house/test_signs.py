"""Shares where sinks and sources cancel: every one is of sizes, and none is beyond 100 %."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.worlds.strategies import random_productive, seeds

import carbonflows_fast as cf
from carbonflows_fast.cli import main

REGIONS, SECTORS = ["DE", "FR", "US"], ["farm", "wood"]


def signed(rng: np.random.Generator, one_sign: bool = False) -> cf.Table:
    """A table with sinks: emissions, final demand, households and A of both signs."""
    n, m = 6, 3
    A = random_productive(rng, n, negatives=not one_sign)
    S, F_Y = rng.normal(size=(1, n)), rng.normal(size=(1, m))
    Y = rng.random((n, m)) * np.where(rng.random((n, m)) < 0.2, -1, 1)
    if one_sign:
        A, S, F_Y, Y = map(np.abs, (A, S, F_Y, Y))
    return cf.Table(
        A=A, S=S, Y=Y, F_Y=F_Y, x=np.ones(n), regions=np.repeat(REGIONS, 2),
        sectors=SECTORS * 3, demand=[(r, "all") for r in REGIONS], stressors="CO2",
        stressor_units="kt", year=2009,
    )  # fmt: skip


def slow_flows(table: cf.Table) -> Any:
    """E_rq, cell by cell."""
    L = np.linalg.inv(np.eye(6) - table.A.toarray())
    s, Y = table.S.to_numpy()[0], table.Y.to_numpy()
    E = np.zeros((3, 3))
    for q in range(3):
        x = L @ Y[:, q]
        for i in range(6):
            E[i // 2, q] += s[i] * x[i]
    return E


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seeds(), st.booleans())
def test_flows_and_accounts(rng: np.random.Generator, one_sign: bool) -> None:
    table = signed(rng, one_sign)
    E, own = slow_flows(table), table.F_Y.to_numpy()[0]
    found, gross, crossing = cf.flows(table), 0.0, 0.0
    for r in range(3):
        for q in range(3):
            gross += abs(E[r, q])
            crossing += abs(E[r, q]) * (r != q)
    close(found.gross, gross)
    close(found.traded_share, crossing / gross)
    close(found.traded_share_all, crossing / (gross + sum(map(abs, own))))
    frame = found.to_frame()
    close(frame.share, E.ravel() / gross)
    sizes = found.top(6).value.abs()
    assert sizes.is_monotonic_decreasing
    assert 0 <= found.traded_share <= 1
    accounts, balance = cf.accounts(table), found.balance
    for r, region in enumerate(REGIONS):
        made = sum(abs(E[r, q]) for q in range(3)) + abs(own[r])
        net = E[:, r].sum() - E[r].sum()
        close(accounts.net_share[region], net / made)
        close(balance.net_share[region], net / made)
        close(balance.export_share[region], sum(abs(E[r, q]) for q in range(3) if q != r) / made)
        close(balance.import_share[region], sum(abs(E[p, r]) for p in range(3) if p != r) / made)
    if one_sign:
        close(found.gross, found.total)
        close(accounts.net_share, accounts.net_imports / accounts.production)


@settings(max_examples=40, deadline=None)
@given(seeds(), st.booleans())
def test_studies_and_layers(rng: np.random.Generator, one_sign: bool) -> None:
    table = signed(rng, one_sign)
    study = cf.sector_study(table, sectors="wood")
    rows = study.flow.to_dict("records")
    gross = sum(abs(row["value"]) for row in rows)
    borders = {
        "emitted → made": lambda r: r["emitted"] != r["made"],
        "made → consumed": lambda r: r["made"] != r["consumed"],
        "emitted → consumed": lambda r: r["emitted"] != r["consumed"],
        "any": lambda r: len({r["emitted"], r["made"], r["consumed"]}) > 1,
    }
    for name, crosses in borders.items():
        close(study.border_shares[name], sum(abs(r["value"]) for r in rows if crosses(r)) / gross)
    priced = sum(abs(r["value"]) for r in rows if r["emitted"] != "US")
    close(study.price_coverage(["DE", "FR"]), priced / gross)
    assert 0 <= study.price_coverage("EU") <= 1
    for layers in (cf.production_layers(table, layers=4), study.tiers):
        parts = [*layers.emissions, layers.remainder.iloc[-1]]
        close(layers.share, layers.emissions / sum(map(abs, parts)))
        close(layers.cumulative_share, layers.emissions.cumsum() / sum(map(abs, parts)))
        assert (layers.share.abs() <= 1).all()


@settings(max_examples=40, deadline=None)
@given(seeds(), st.floats(0.1, 0.9))
def test_paths_cover_what_was_asked(rng: np.random.Generator, share: float) -> None:
    table = signed(rng)
    sizes = np.abs(table.A.toarray()), np.abs(table.S.to_numpy()[0])
    y = np.abs(table.Y.to_numpy().sum(axis=1))
    gross = float(sizes[1] @ np.linalg.solve(np.eye(6) - sizes[0], y))
    found = cf.structural_paths(table, coverage=share, max_paths=100_000)
    close(found.gross, gross)
    assert found.coverage <= 1.0 + 1e-9
    if len(found) < 100_000:
        assert found.coverage >= share * (1 - 1e-9)
        without_last = np.abs(found.value[:-1]).sum() / gross
        assert without_last <= share * (1 + 1e-9)
    least = cf.structural_paths(table, min_share=0.01)
    assert (np.abs(least.share) >= 0.01 * (1 - 1e-9)).all()


@pytest.mark.parametrize("seed", range(4))
def test_no_percentage_of_the_command_line_is_beyond_100(
    seed: int, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(cf.save(signed(np.random.default_rng(seed)), tmp_path / "t"))
    classes = tmp_path / "classes.csv"
    classes.write_text("name,class\nfarm,commodity\nwood,product\n")
    for command in (
        ["flows", path, "--classes", str(classes)],
        ["sector", path, "wood", "--price", "EU"],
        ["paths", path, "--coverage", "0.5", "--max-paths", "50"],
    ):
        assert main(command) == 0
        shown = capsys.readouterr().out
        # Imports over what a region produces are no share of it.
        lines = [line for line in shown.splitlines() if "net" not in line]
        if command[0] == "flows":
            lines = lines[: next(i for i, line in enumerate(lines) if "commodity :" in line)]
        shares = [float(one) for one in re.findall(r"(-?[\d.]+) %", "\n".join(lines))]
        assert shares
        assert max(map(abs, shares)) <= 100.0, shown
