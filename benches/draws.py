"""What a draw costs beside the dense LU that every draw of others takes, and how much memory.

    CARBONFLOWS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benches/draws.py

49 × 200 = 9,800 rows. Processor time, in turns, the mean of a few; ratios are what counts. Linux
only, for the peak, which includes the first order's.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import time

import numpy as np
from peer_pymrio import peak
from scipy.linalg import lu_factor

import carbonflows_fast as cf

FEW, MANY = 2, 14


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    table = cf.synthetic.world(arguments.regions, arguments.sectors)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = peak(reset=True)
    for of in ("accounts", "flows"):
        seconds(lambda of=of: drawn(table, of, FEW))
    memory, tiles = peak() - before, cf.system(table).tiles
    times: dict[str, list[float]] = {"accounts": [], "flows": [], "LU": []}
    for _ in range(arguments.rounds):
        for of in ("accounts", "flows"):
            few, many = (seconds(lambda k=k, of=of: drawn(table, of, k)) for k in (FEW, MANY))
            times[of].append((many - few) / (MANY - FEW))
        times["LU"].append(factored(table))
    mean = {name: sum(each) / len(each) for name, each in times.items()}
    print(f"n = {table.n:,}, {tiles.nnz:,} nonzeros, LU {mean['LU']:.1f} s")  # noqa: T201
    for of in ("accounts", "flows"):
        print(f"{of}: {mean[of]:.2f} s a draw, 1/{mean['LU'] / mean[of]:.0f} of an LU")  # noqa: T201
    print(f"peak beyond the table: {memory / tiles.nbytes:.2f} × the tiles")  # noqa: T201


def drawn(table: cf.Table, of: str, draws: int) -> None:
    """Draw, with errors of 10 % in all cells."""
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1)
    cf.uncertainty(table, table.stressors[0], errors, of=of, draws=draws)  # type: ignore[arg-type]


def factored(table: cf.Table) -> float:
    """Seconds of one dense LU of I − A."""
    dense = np.asfortranarray(np.eye(table.n) - table.A.toarray())
    return seconds(lambda: lu_factor(dense, overwrite_a=True, check_finite=False))


def seconds(work: object) -> float:
    """Processor time of a call."""
    begun = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - begun


if __name__ == "__main__":
    main()
