"""Make the speed tables of the docs: ratios to SciPy and LAPACK, alternated in one process.

    OPENBLAS_NUM_THREADS=2 CARBONFLOWS_NUM_THREADS=2 python benches/speed.py

Medians of several rounds; every answer is checked before its time counts. Takes a minute and
four gigabytes at full size; `--regions` and `--sectors` make it smaller. `--wiod FOLDER` takes
WIOD 2009, its sectors split up, in place of the synthetic world.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
import worlds
from scipy.sparse.linalg import LinearOperator, bicgstab, gmres

import carbonflows_fast as cf
from carbonflows_fast._core import Tiles


def alternate(rounds: int, **tasks: Callable[[], Any]) -> dict[str, float]:
    """Median seconds of each task, the tasks taking turns, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            begun = time.perf_counter()
            task()
            if turn:
                seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in seconds.items()}


def close(values: Any, expected: Any, tolerance: float) -> Any:
    """Return the values if they agree in L1, relative to the expected ones."""
    error = np.abs(values - expected).sum() / np.abs(expected).sum()
    assert error < tolerance, f"off by {error:.1e}"
    return values


def pass_times(system: cf.LeontiefSystem, threads: int) -> dict[str, float]:
    """A·x and A'·x beside a plain summing loop over the same buffers with the same threads."""
    from concurrent.futures import ThreadPoolExecutor

    x = np.ones((system.n, 1))
    tiles = system.tiles
    parts = np.array_split(tiles.core.values, threads)
    pool = ThreadPoolExecutor(threads)

    def summing() -> None:
        list(pool.map(np.sum, parts))

    return alternate(
        9,
        forward=lambda: tiles.product(x, adjoint=False, threads=threads),
        adjoint=lambda: tiles.product(x, adjoint=True, threads=threads),
        summing=summing,
    )


def rows(table: cf.Table, threads: int) -> list[tuple[str, str]]:
    """All lines of the table."""
    system, single = cf.system(table), cf.system(table, dtype="float32")
    A, n, x = table.A, table.n, table.x.to_numpy()
    transposed = sp.csr_array(A.T)
    y = np.ascontiguousarray(table.Y.to_numpy().sum(axis=1))
    s = table.S.to_numpy()[0]
    Y = table.Y.T.groupby(level="region", sort=False).sum().T.to_numpy()
    m = close(system.solve_adjoint(s).values @ y, table.F.to_numpy()[0].sum(), 1e-9)
    assert m > 0

    codes = table.content.region_codes
    sides = np.where(np.arange(Y.shape[1])[:, None] == codes, s, 0.0)

    def minus(matrix: Any) -> LinearOperator:
        return LinearOperator((n, n), matvec=lambda v: v - matrix @ v, dtype=float)

    def krylov(method: Any, matrix: Any, side: Any, **options: Any) -> Any:
        values, status = method(minus(matrix), side, rtol=1e-10, **options)
        assert status == 0
        return values

    one = alternate(
        5,
        forward=lambda: close(system.solve(y).values, x, 1e-9),
        adjoint=lambda: system.solve_adjoint(s),
        forward32=lambda: close(single.solve(y).values, x, 1e-9),
        adjoint32=lambda: single.solve_adjoint(s),
        gmres=lambda: close(krylov(gmres, A, y, restart=50), x, 1e-8),
        gmres_adjoint=lambda: krylov(gmres, transposed, s, restart=50),
        bicgstab=lambda: close(krylov(bicgstab, A, y), x, 1e-8),
    )
    many = alternate(
        3,
        double=lambda: system.solve(Y),
        adjoint=lambda: system.solve_adjoint(sides),
        single=lambda: single.solve(Y),
    )
    starts = system.tiles.starts

    narrow = A.indptr.astype(np.int32), A.indices.astype(np.int32)

    def prepare() -> None:
        core = Tiles.from_csr32(*narrow, A.data, False, starts, None, threads)
        core.factor(False, threads, cf.build_info()["instruction_set"])

    prepared = alternate(3, csr=prepare)
    dense = -A.toarray(order="F")
    dense[np.diag_indices(n)] += 1.0
    factors: list[Any] = []
    lu = alternate(1, lu=lambda: factors.append(scipy.linalg.lu_factor(dense, check_finite=False)))[
        "lu"
    ]
    close(scipy.linalg.lu_solve(factors[0], y, check_finite=False), x, 1e-9)
    inverting = alternate(1, inverse=lambda: scipy.linalg.lapack.dgetri(*factors[0]))["inverse"]
    with tempfile.TemporaryDirectory() as folder:
        path = cf.save(table, Path(folder) / "table")
        opened = alternate(5, open=lambda: cf.open(path))["open"]
    through = pass_times(system, threads)
    slower = max(one["forward"], one["adjoint"])
    slower32 = max(one["forward32"], one["adjoint32"])
    scipy_gmres = min(one["gmres"], one["gmres_adjoint"])
    report = system.solve_adjoint(s).report
    worst_pass = max(through["forward"], through["adjoint"])
    return [
        (
            "one solve, certified to 1e-10, the slower direction",
            f"{scipy_gmres / slower:.1f} × SciPy GMRES, {one['bicgstab'] / slower:.1f} × BiCGSTAB, "
            f"{lu / slower:.0f} × LU, {(lu + inverting) / slower:.0f} × inverse",
        ),
        (
            "the same on float32 tiles",
            f"{scipy_gmres / slower32:.1f} × SciPy GMRES, {lu / slower32:.0f} × LU",
        ),
        (
            "passes over A, the certificate's included",
            f"{max(report.passes, system.solve(y).report.passes)}",
        ),
        (
            "a pass beside a loop that only sums its values",
            f"{worst_pass / through['summing']:.2f} × its time",
        ),
        ("preparing from CSR", f"1/{lu / prepared['csr']:.0f} of LU"),
        (
            f"all {Y.shape[1]} consuming regions",
            f"{lu / many['double']:.1f} × LU, their adjoint {lu / many['adjoint']:.1f} ×; float32 "
            f"tiles {lu / many['single']:.1f} ×; {system.solve(Y).report.passes} passes",
        ),
        ("opening a saved table", f"{1000 * opened:.0f} ms"),
    ]


def main() -> None:
    """Build the world, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--sectors", type=int, default=200)
    parser.add_argument("--wiod", metavar="FOLDER", help="with wiod2013_2009.zip in it")
    arguments = parser.parse_args()
    info = cf.build_info()
    if arguments.wiod:
        table = worlds.split_wiod(arguments.wiod)
    else:
        table = cf.synthetic.world(arguments.regions, arguments.sectors)
    lines = rows(table, info["threads"])
    blas = os.environ.get("OPENBLAS_NUM_THREADS", "not pinned")
    print(  # noqa: T201
        f"n = {table.n:,}, {cf.system(table).tiles.nnz:,} nonzeros, {info['threads']} threads, "
        f"{info['instruction_set']}, BLAS threads {blas}\n\n| measure | result |\n|---|---|"
    )
    for measure, result in lines:
        print(f"| {measure} | {result} |")  # noqa: T201


if __name__ == "__main__":
    main()
