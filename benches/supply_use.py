"""A supply and use table solved as a pair, against the square tables that models D and B make.

    CARBONFLOWS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benches/supply_use.py

49 × (163 industries + 200 products), EXIOBASE's shape, of invented numbers. From the sparse V and U
to the accounts of all regions, in turns: processor time, and the peak of memory beyond V, U, Y and
F (Linux only). "accounts" is without making the table. Ratios are what counts.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import statistics
import time
from typing import Any

import numpy as np
import scipy.sparse as sp
from peer_pymrio import peak

import carbonflows_fast as cf

MODELS = ("D", "B", None)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--regions", type=int, default=49)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--industries", type=int, default=163)
    parser.add_argument("--density", type=float, default=0.2, help="of the products' square table")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    given = supply_use(
        arguments.regions, arguments.products, arguments.industries, arguments.density
    )
    cells = np.prod(given["U"].shape)
    print(f"U: {given['U'].nnz:,} nonzeros ({given['U'].nnz / cells:.0%}), V: {given['V'].nnz:,}")  # noqa: T201
    measured(given, None)  # what is loaded on first use is nobody's
    found: dict[Any, list[dict[str, Any]]] = {model: [] for model in MODELS}
    for _ in range(arguments.rounds):
        for model in MODELS:
            found[model].append(measured(given, model))
    expected = found["D"][0]["consumption"]
    for model in MODELS:
        one, mean = found[model][0], {}
        for what in ("all", "accounts", "peak"):
            mean[what] = statistics.mean(each[what] for each in found[model])
            mean[what] /= statistics.mean(each[what] for each in found[None])
        off = float(np.abs(one["consumption"] / expected - 1).max())
        print(  # noqa: T201
            f"model {model}: {one['rows']:,} rows, {one['nonzeros']:,} nonzeros, {one['passes']} "
            f"passes; × the pair: {mean['all']:.2f} in all, {mean['accounts']:.2f} accounts, "
            f"{mean['peak']:.2f} memory ({one['peak'] / 1e6:,.0f} MB, tiles "
            f"{one['tiles'] / 1e6:,.0f} MB); accounts differ from D's by {off:.0e}"
        )


def supply_use(R: int, P: int, I: int, density: float) -> dict[str, Any]:  # noqa: E741
    """Return arguments of `cf.from_supply_use`.

    Industries use what the products of a synthetic world need. Each makes a hundredth of three
    products of others, out of twenty that many make: so that the square tables have about as many
    nonzeros as EXIOBASE's, 38 million by industry and 30 million by product.
    """
    world = cf.synthetic.world(R, P, density=density)
    rng = np.random.default_rng(0)
    x, each = world.arrays.x, np.arange(R)[:, None]
    own = np.sort(np.concatenate([np.arange(I), rng.integers(0, I, P - I)]))
    main = (each * I + own).ravel()
    makers = sp.csr_array((np.ones(R * P), (np.arange(R * P), main)), shape=(R * P, R * I))
    common = rng.choice(P, 20, replace=False)
    beside = np.array([rng.choice(common, 3, replace=False) for _ in range(I)]).ravel()
    made = np.zeros((I, P))
    np.add.at(made, (np.repeat(np.arange(I), 3), beside), 0.01)
    np.add.at(made, (own, np.arange(P)), 1.0 - made.sum(axis=0))
    made = sp.csr_array(made)
    V = sp.block_diag([made * x[r * P : (r + 1) * P] for r in range(R)], format="csr")
    U = (world.Z @ makers).tocsr()
    U.indptr, U.indices = U.indptr.astype(np.int32), U.indices.astype(np.int32)
    U.sort_indices()
    return {
        "V": V,
        "U": U,
        "Y": world.content.Y,
        "F": (makers.T @ world.arrays.F.T).T,
        "demand": world.demand,
        "stressors": world.stressors,
        "regions": world.regions,
        "industries": [f"industry {at}" for at in range(I)],
        "products": [f"product {at}" for at in range(P)],
    }


def measured(given: dict[str, Any], model: str | None) -> dict[str, Any]:
    """Make a table and its accounts; what they took, and what they are."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = peak(reset=True)
    begun = time.process_time()
    table = cf.from_supply_use(**given, model=model)
    made = time.process_time()
    accounts = cf.accounts(table, table.stressors[0])
    ended, most = time.process_time(), peak() - before
    system = cf.system(table)
    y = table.content.Y
    by_region = np.stack(
        [y[:, table.content.demand_codes == r].sum(axis=1) for r in range(len(table.regions))],
        axis=1,
    )
    return {
        "all": ended - begun,
        "accounts": ended - made,
        "peak": most,
        "rows": table.n,
        "nonzeros": system.tiles.nnz,
        "tiles": system.tiles.nbytes,
        "passes": system.solve(by_region).report.passes,
        "consumption": accounts["consumption"].to_numpy(),
    }


if __name__ == "__main__":
    main()
