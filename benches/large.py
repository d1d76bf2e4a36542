"""Prepare and solve a table of GLORIA's size; what memory that takes beyond the caller's table.

    CARBONFLOWS_NUM_THREADS=2 python benches/large.py

164 × 240 = 39,360 rows at 10 % density. Making the world takes a few minutes and most of the
memory; `--regions` and `--sectors` make it smaller. Linux only, for the peak.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import itertools
import time

from peer_pymrio import peak

import carbonflows_fast as cf


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=164)
    parser.add_argument("--sectors", type=int, default=240)
    arguments = parser.parse_args()
    table = cf.synthetic.world(arguments.regions, arguments.sectors, density=0.1)
    y, s = table.Y.to_numpy().sum(axis=1), table.S.to_numpy()[0].copy()
    x, emitted = table.x.to_numpy(), float(table.F.to_numpy()[0].sum())
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = peak(reset=True)
    times = [time.perf_counter()]
    system = cf.system(table)
    times.append(time.perf_counter())
    forward = system.solve(y)
    times.append(time.perf_counter())
    adjoint = system.solve_adjoint(s)
    times.append(time.perf_counter())
    assert abs(forward.values - x).sum() <= 1e-9 * x.sum()
    assert abs(adjoint.values @ y / emitted - 1) <= 1e-9
    prepare, solve, solve_adjoint = (b - a for a, b in itertools.pairwise(times))
    tiles = system.tiles.nbytes
    print(  # noqa: T201
        f"n = {table.n:,}, {system.tiles.nnz:,} nonzeros, tiles {tiles / 1e9:.2f} GB\n"
        f"prepare {prepare:.2f} s, solve {solve:.2f} s in {forward.report.passes} passes, "
        f"adjoint {solve_adjoint:.2f} s in {adjoint.report.passes} passes\n"
        f"peak {peak() / 1e9:.2f} GB, of which the caller's {before / 1e9:.2f} GB: "
        f"{(peak() - before) / tiles:.2f} × the tiles beyond it"
    )


if __name__ == "__main__":
    main()
