"""Measure a ledger of a million purchases, and all factors, beside one LU factorisation.

    OMP_NUM_THREADS=1 CARBONFLOWS_NUM_THREADS=1 python benches/purchases.py

Each line starts from the prepared system, in both precisions, and makes everything else anew: the
ledger is read from a CSV file, with its categories, currencies, years and lines without a region.
What is found must be what factors and pandas say before its time counts. LU is LAPACK's of the
dense I − A, taken in turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.linalg

import carbonflows_fast as cf

RATES = {"EUR": 1.0, "GBP": 1.14}
PRICES = {2018: 97.0, 2019: 100.0, 2020: 101.5}
CATEGORIES = 400


def factored(dense: Any) -> None:
    """Factor the dense I − A, which was made outside the clock."""
    scipy.linalg.lu_factor(dense, check_finite=False)


def fresh(table: cf.Table) -> cf.Table:
    """Return the table with its prepared systems and nothing else that was solved before."""
    again = table.with_changes()
    cf.system(again)._proofs._kept.clear()
    return again


def ledger_of(table: cf.Table, lines: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a ledger in the words of a firm, and the two products that each word stands for."""
    rng, sectors = np.random.default_rng(0), np.array(table.content.sectors, dtype=object)
    words = np.array([f"category {at}" for at in range(CATEGORIES)], dtype=object)
    ledger = pd.DataFrame(
        {
            "category": words[rng.integers(0, CATEGORIES, lines)],
            "region": np.array(["", *table.regions], dtype=object)[
                rng.integers(0, len(table.regions) + 1, lines)
            ],
            "amount": np.round(rng.lognormal(3.0, 2.0, lines), 2),
            "currency": np.array(list(RATES))[rng.integers(0, len(RATES), lines)],
            "year": np.array(list(PRICES))[rng.integers(0, len(PRICES), lines)],
            "supplier": rng.integers(0, 5_000, lines),
        }
    )
    pairs = [rng.choice(len(sectors), 2, replace=False) for _ in words]
    mapping = pd.DataFrame(
        [(word, sectors[at], weight) for word, pair in zip(words, pairs)
         for at, weight in zip(pair, (0.7, 0.3))],
        columns=["category", "product", "weight"],
    )  # fmt: skip
    return ledger, mapping


def check(table: cf.Table, found: cf.Purchases, ledger: pd.DataFrame, mapping: Any) -> None:
    """Compare with what factors, and sums of pandas, say of the lines that name a region."""
    scale = ledger["currency"].map(RATES) * PRICES[2019] / ledger["year"].map(PRICES)
    paid = ledger.assign(amount=ledger["amount"] * scale)[ledger["region"] != ""]
    paid = paid.groupby(["category", "region"], as_index=False)["amount"].sum()
    parts = paid.merge(mapping, on="category")
    factors = cf.factors(table)["factor"]
    factor = factors.reindex(pd.MultiIndex.from_frame(parts[["region", "product"]])).to_numpy()
    expected = float((parts["amount"] * parts["weight"] * factor).sum()) / 1e6
    lines = found.lines
    assert len(found.unmatched) == 0
    assert abs(lines["emissions"][ledger["region"] != ""].sum() - expected) < 1e-8 * expected
    for parts_of_it in (lines, found.categories, found.emitters):
        assert abs(parts_of_it["emissions"].sum() - found.total) <= 2 * found.error_bound
    assert found.error_bound < 1e-8 * found.total


def bought(table: cf.Table, path: Path, mapping: Any) -> cf.Purchases:
    """All of a result: lines, categories, emitters, tiers."""
    found = cf.purchases(
        table, path, categories=mapping, buyer="DE", exchange={"GBP": RATES["GBP"]},
        price_index=PRICES,
    )  # fmt: skip
    assert min(map(len, (found.lines, found.categories, found.emitters))) > 0
    tiers = found.tiers
    gap = abs(tiers["cumulative"].iloc[-1] + tiers["remainder"].iloc[-1] - found.total)
    assert gap <= found.error_bound + tiers.attrs["error_bound"]
    return found


def factors(table: cf.Table) -> None:
    """The factors of all products, which times final demand are the footprint of the world."""
    found = cf.factors(table)["factor"].to_numpy()
    E = float(table.F.to_numpy()[0].sum())
    assert abs(found @ table.Y.sum(axis=1).to_numpy() - E) < 1e-6 * E


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Seconds of one run."""
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    table = cf.synthetic.world(arguments.regions, arguments.sectors)
    cf.system(table, dtype="float32")
    dense = -table.A.toarray(order="F")
    dense[np.diag_indices(table.n)] += 1.0
    ledger, mapping = ledger_of(table, arguments.lines)
    seconds: dict[str, list[float]] = {"LU": [], "purchases": [], "factors": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.csv"
        ledger.to_csv(path, index=False)
        check(table, bought(table, path, mapping), ledger, mapping)
        for _ in range(arguments.rounds):
            seconds["LU"].append(timed(factored, dense))
            seconds["purchases"].append(timed(bought, fresh(table), path, mapping))
            seconds["factors"].append(timed(factors, fresh(table)))
    lu = statistics.median(seconds["LU"])
    labels = {
        "purchases": f"a ledger of {arguments.lines:,} lines, from CSV to lines and tiers",
        "factors": f"factors of {table.n:,} products",
    }
    print(f"n = {table.n:,}; {cf.build_info()['instruction_set']}; LU {lu:.1f} s")  # noqa: T201
    print("| question | beside one LU |\n|---|---|")  # noqa: T201
    for name, label in labels.items():
        median = statistics.median(seconds[name])
        print(f"| {label} | 1/{lu / median:.1f} ({median:.2f} s) |")  # noqa: T201


if __name__ == "__main__":
    main()
