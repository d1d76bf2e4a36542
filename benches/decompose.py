"""Measure structural path decomposition beside one LU factorisation, in turns.

    OPENBLAS_NUM_THREADS=2 CARBONFLOWS_NUM_THREADS=2 python benches/decompose.py

Two years of the synthetic world, or two tables by path. Each search starts from the prepared
systems and makes everything else anew; what is reported and what is not must add up to the whole
change before its time counts.
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
from carbonflows_fast.paths._network import CHAINS


def timed(work: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[float, Any]:
    """Seconds of one run, and what it gave."""
    begun = time.perf_counter()
    result = work(*arguments, **options)
    return time.perf_counter() - begun, result


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("tables", nargs="*", help="two tables to read instead, e.g. of WIOD")
    arguments = parser.parse_args()
    tables = [cf.read(path) for path in arguments.tables[:2]] or [
        cf.synthetic.world(arguments.regions, arguments.sectors, year=year) for year in (2010, 2019)
    ]
    for table in tables:
        cf.system(table)
    dense = -tables[0].A.toarray(order="F")
    dense[np.diag_indices(len(dense))] += 1.0
    print(f"n = {len(dense):,}; {cf.build_info()['instruction_set']}")  # noqa: T201
    print("| search | nodes | beside one LU |\n|---|---|---|")  # noqa: T201
    for top in (1_000, 100_000, 1_000_000):
        seconds: dict[str, list[float]] = {"LU": [], "changes": []}
        for turn in range(arguments.rounds + 1):  # the first loads compiled loops
            once, _ = timed(scipy.linalg.lu_factor, dense, check_finite=False)
            for table in tables:
                table.kept.forget(CHAINS)
                cf.system(table)._proofs._kept.clear()
            taken, found = timed(cf.structural_path_decomposition, *tables, top=top)
            gap = found.explained["change"] + found.pruned.sum() - found.total
            assert abs(gap) < 1e-9 * abs(found.total), f"off by {gap:.1e}"
            if turn:
                seconds["LU"].append(once)
                seconds["changes"].append(taken)
        lu, mine = (statistics.median(seconds[name]) for name in ("LU", "changes"))
        share = f"1/{lu / mine:.1f} ({mine:.2f} s)"
        print(f"| top {top:,} with effects | {found.nodes:,} | {share} |")  # noqa: T201


if __name__ == "__main__":
    main()
