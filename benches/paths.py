"""Measure structural path analysis beside one LU factorisation, and pyspa where it can run.

    OPENBLAS_NUM_THREADS=2 CARBONFLOWS_NUM_THREADS=2 python benches/paths.py

Each search starts from a prepared system and makes everything else anew: multipliers, potentials,
lists. What is found must add up with its remainder to the total. pyspa is called as its own
documentation does, on a table of `--small` sectors, since it takes days on full ones; classic
pruning by total multipliers is counted on the same small table
(`tests/support/references/path_reference.py`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg

import carbonflows_fast as cf
from carbonflows_fast.paths._network import CHAINS

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def factored(table: cf.Table) -> float:
    """Seconds of LAPACK's LU of the dense I − A."""
    dense = -table.A.toarray(order="F")
    dense[np.diag_indices(table.n)] += 1.0
    begun = time.perf_counter()
    scipy.linalg.lu_factor(dense, check_finite=False, overwrite_a=True)
    return time.perf_counter() - begun


def checked(paths: cf.Paths) -> cf.Paths:
    """Return the paths if they and their remainder are the total."""
    gap = abs(paths.value.sum() + paths.remainder - paths.total)
    assert gap <= 1e-9 * paths.total, f"off by {gap:.1e}"
    return paths


def fresh(table: cf.Table) -> None:
    """Forget what searches share, but not the prepared system."""
    table.kept.forget(CHAINS)


def timed(work: Callable[[], Any], rounds: int = 3) -> tuple[float, Any]:
    """Median seconds, and the last result."""
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds), result


def full(table: cf.Table) -> list[tuple[str, str]]:
    """The searches that the ratios are about."""
    total = float(table.F.to_numpy()[0].sum())

    def anew(**wanted: Any) -> Callable[[], cf.Paths]:
        def search() -> cf.Paths:
            fresh(table)
            return checked(cf.structural_paths(table, **wanted))

        return search

    def every_region() -> list[cf.Paths]:
        fresh(table)
        return [
            checked(cf.structural_paths(table, demand=region, top=1000)) for region in table.regions
        ]

    lines = []
    for what, wanted in (
        ("every path ≥ 1e-8 of the world total", {"threshold": 1e-8 * total}),
        ("the exact top 1,000,000", {"top": 1_000_000}),
    ):
        lu = factored(table)
        seconds, paths = timed(anew(**wanted))
        needed = len(paths.tree())
        lines.append(
            (
                what,
                f"{len(paths):,} paths, {paths.coverage:.1%}, 1/{lu / seconds:.1f} of LU "
                f"({seconds:.2f} / {lu:.2f} s), {paths.nodes / needed:.3f} × the fewest prefixes",
            )
        )
    lu = factored(table)
    seconds, _ = timed(every_region)
    lines.append(
        (
            f"the top 1,000 of each of {len(table.regions)} regions",
            f"1/{lu / seconds:.1f} of LU altogether ({seconds:.2f} / {lu:.2f} s)",
        )
    )
    return lines


def beside_pyspa(table: cf.Table, share: float) -> list[tuple[str, str]]:
    """All paths of at least a share of the total, here and there."""
    from support.references.path_reference import classic_nodes

    A, s = table.A.toarray(), table.S.to_numpy()[0]
    y = table.Y.to_numpy().sum(axis=1)
    start = int(np.argmax(y))
    demand = np.zeros(table.n)
    demand[start] = 1.0
    total = float(s @ np.linalg.solve(np.eye(table.n) - A, demand))
    threshold = share * total

    def ours() -> cf.Paths:
        fresh(table)
        return checked(cf.structural_paths(table, demand=demand, threshold=threshold))

    seconds, paths = timed(ours)
    classic = classic_nodes(A, demand, s, threshold=threshold)
    lines = [
        (
            f"prefixes expanded, {table.n} sectors, {share:g} of one product's total",
            f"{paths.nodes:,}, by total multipliers {classic:,} ({classic / paths.nodes:.1f} ×)",
        )
    ]
    try:
        import pyspa
    except ImportError:
        return [*lines, ("pyspa", "not installed: pip install pyspa")]
    begun = time.perf_counter()
    found = with_pyspa(pyspa, table, A, s, start, share)
    theirs = time.perf_counter() - begun
    lines.append((f"pyspa, the same, {found:,} paths found", f"{theirs / seconds:.0f} × our time"))
    return lines


def with_pyspa(pyspa: Any, table: cf.Table, A: Any, s: Any, start: int, share: float) -> int:
    """Run pyspa and return how many paths it finds; it wants the total multipliers as input."""
    import contextlib
    import io

    import pandas as pd

    total = s @ np.linalg.inv(np.eye(table.n) - A)
    sheet = pd.DataFrame(
        {
            "Sector ID": np.arange(1, table.n + 1),
            "Name": [f"{region} {sector}" for region, sector in table.rows],
            "Unit": "M.EUR",
            "Region": table.rows.get_level_values("region"),
            "DR_CO2_(kt)": s,
            "TR_CO2_(kt)": total,
        }
    )
    with contextlib.redirect_stdout(io.StringIO()):
        chain = pyspa.get_spa(
            target_ID=start + 1, max_stage=30, a_matrix=A, infosheet=sheet,
            thresholds={"CO2": share * float(total[start])}, breakdown_remainder=False,
        )  # fmt: skip
    return int(chain.get_number_of("pathways"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--small", type=int, default=114, help="sectors of the table for pyspa")
    parser.add_argument("--share", type=float, default=1e-4)
    arguments = parser.parse_args()
    info = cf.build_info()
    print(  # noqa: T201
        f"{info['threads']} threads, {info['instruction_set']}\n\n| measure | result |\n|---|---|"
    )
    table = cf.synthetic.world(arguments.regions, arguments.sectors)
    cf.system(table)
    for measure, result in full(table):
        print(f"| {measure} | {result} |")  # noqa: T201
    for measure, result in beside_pyspa(cf.synthetic.world(1, arguments.small), arguments.share):
        print(f"| {measure} | {result} |")  # noqa: T201


if __name__ == "__main__":
    main()
