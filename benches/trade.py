"""Measure flows by product, bilateral trade and sector studies beside one LU factorisation.

    OPENBLAS_NUM_THREADS=2 CARBONFLOWS_NUM_THREADS=2 python benches/trade.py

Each line starts from the prepared system, in both precisions, and makes everything else anew; what
is found must add up before its time counts. LU is LAPACK's of the dense I − A, taken in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

import carbonflows_fast as cf
from carbonflows_fast.accounting._region_flows import REGION_FLOWS
from carbonflows_fast.accounting._solves import SOURCE_MULTIPLIERS
from carbonflows_fast.paths._network import CHAINS


def factored(dense: Any) -> None:
    """Factor the dense I − A, which was made outside the clock."""
    scipy.linalg.lu_factor(dense, check_finite=False)


def fresh(table: cf.Table) -> cf.Table:
    """Return the table with its prepared systems and nothing else that was solved before."""
    again = table.with_changes()
    for key in (REGION_FLOWS, SOURCE_MULTIPLIERS, CHAINS):
        again.kept.forget(key)
    cf.system(again)._proofs._kept.clear()
    return again


def flows_with_products(table: cf.Table) -> None:
    """All regions: the matrix, by product bought, by product traded, and the split."""
    flows = cf.flows(table)
    split, E = flows.split(), flows.matrix.to_numpy()
    assert abs(split["by_final_product"].sum() - (E.sum() - np.trace(E))) < 1e-9 * flows.total
    assert abs(flows.by_product().to_numpy().sum() - flows.total) < 1e-9 * flows.total


def study(table: cf.Table, sectors: Any) -> None:
    """A full study: flow, borders, products and tiers."""
    found = cf.sector_study(table, sectors=sectors)
    limit = 1e-9 * found.total
    assert abs(found.flow["value"].sum() - found.total) < limit
    assert abs(found.products.to_numpy().sum() - found.total) < limit
    tiers = found.tiers
    assert abs(tiers["cumulative"].iloc[-1] + tiers["remainder"].iloc[-1] - found.total) < limit
    assert found.border_shares["any"] > 0


def timed(work: Callable[..., None], *arguments: Any) -> float:
    """Seconds of one run."""
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    table = cf.synthetic.world(arguments.regions, arguments.sectors)
    cf.system(table, dtype="float32")
    dense = -table.A.toarray(order="F")
    dense[np.diag_indices(table.n)] += 1.0
    names = list(dict.fromkeys(table.rows.get_level_values("sector")))
    steel = [name for name in names if "steel" in name] or names[:1]
    seconds: dict[str, list[float]] = {"LU": [], "flows": [], "study": [], "next": []}
    for turn in range(arguments.rounds + 1):  # the first loads compiled loops
        once = {"LU": timed(factored, dense)}
        again = fresh(table)
        once["flows"] = timed(flows_with_products, again)
        once["next"] = timed(study, again, steel)
        once["study"] = timed(study, fresh(table), steel)
        if turn:
            for name, value in once.items():
                seconds[name].append(value)
    lu = statistics.median(seconds["LU"])
    labels = {
        "flows": "flows of all regions, by product bought and traded, by class",
        "study": f"a full study of steel, {len(steel)} sectors",
        "next": "the same after those flows",
    }
    print(f"n = {table.n:,}; {cf.build_info()['instruction_set']}; LU {lu:.1f} s")  # noqa: T201
    print("| question | beside one LU |\n|---|---|")  # noqa: T201
    for name, label in labels.items():
        median = statistics.median(seconds[name])
        print(f"| {label} | 1/{lu / median:.1f} ({median:.2f} s) |")  # noqa: T201


if __name__ == "__main__":
    main()
