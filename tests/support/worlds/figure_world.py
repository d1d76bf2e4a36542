"""Results of a small world, and every figure of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

import carbonflows_fast as cf

figures = cf.figures


class World:
    """Results of one small world and its later self, each asked for once."""

    def __init__(self, table: cf.Table, later: cf.Table) -> None:
        self.table, self.later = table, later
        self.flows = cf.flows(self.table)
        self.accounts = cf.accounts(self.table)
        self.study = cf.sector_study(self.table, sectors=self.table.sectors[0])
        self.paths = cf.structural_paths(self.table, top=40)
        self.layers = cf.production_layers(self.table, layers=6)
        self.change = cf.structural_decomposition(self.table, self.later)
        years = {2019: self.accounts, 2025: cf.accounts(self.later)}
        errors = cf.Errors(Z=0.3, Y=0.3, F=0.2)
        self.sure = cf.uncertainty(self.table, errors=errors)
        self.sure_flows = cf.uncertainty(self.table, errors=errors, of="flows")
        products = [*self.table.content.sectors] * 2
        ledger = {"product": products, "amount": np.arange(1.0, 1.0 + len(products)) * 1e6}
        paid = self.table.with_changes(row_units="M.EUR")
        self.purchases = cf.purchases(paid, pd.DataFrame(ledger))
        self.sure_share = cf.uncertainty(self.table, errors=errors, of="traded_share")
        priced = list(self.table.regions[::2])
        self.price = cf.carbon_price(self.table, None, 1.0, regions=priced, per="unit")
        self.told = cf.responsibility(self.table)
        self.lost = cf.extraction(self.table, self.table.sectors[0])
        self.years = pd.concat(years, names=["year"])
        self.years.attrs = self.accounts.attrs


DRAWN: dict[str, Callable[[World, Axes | None], Axes]] = {
    "net_imports": lambda w, ax: figures.net_imports(w.flows, ax=ax),
    "heat_map": lambda w, ax: figures.heat_map(w.flows, ax=ax),
    "sankey": lambda w, ax: figures.sankey(w.flows, ax=ax),
    "sector_flow": lambda w, ax: figures.sector_flow(w.study, ax=ax),
    "path_tree": lambda w, ax: figures.path_tree(w.paths, ax=ax),
    "purchases": lambda w, ax: figures.purchases(w.purchases, ax=ax),
    "stage_profile": lambda w, ax: figures.stage_profile(w.paths, ax=ax),
    "waterfall": lambda w, ax: figures.waterfall(w.change, ax=ax),
    "time_series": lambda w, ax: figures.time_series(w.years, ax=ax),
    "ranking": lambda w, ax: figures.ranking(w.sure, ax=ax),
    "payers": lambda w, ax: figures.payers(w.price, ax=ax),
    "responsibility": lambda w, ax: figures.responsibility(w.told, ax=ax),
    "extraction": lambda w, ax: figures.extraction(w.lost, ax=ax),
}


@cache
def world_of(regions: int, sectors: int) -> World:
    """Return the world of this size, the same one for all tests."""
    now, later = (cf.synthetic.world(regions, sectors, seed=3, year=y) for y in (2019, 2025))
    return World(now, later)


LONG = (
    "Rest of the world: Asia and the Pacific, without Japan, Korea and Taiwan (province of)",
    "Rest of the world: Asia and the Pacific, all of those that are not named",
    "Bundesrepublik Deutschland (einschließlich Ausschließliche Wirtschaftszone)",
)
SCRIPTS = ("中华人民共和国", "المملكة العربية السعودية", "ישראל", "A$x^2$", r"\frac{1}{2}$")
ODD = {
    "no flows": {"emissions": 0.0},
    "tiny": {"emissions": 1e-14, "unit": "M.EUR"},
    "a wide range": {"spread": 24.0},
    "long": {"regions": LONG, "sector": LONG[0], "stressor": LONG[0], "unit": "t", "signs": -1.0},
    "scripts": {"regions": SCRIPTS, "sector": "钢 $", "stressor": "二氧化碳", "unit": "m$^3_x$"},
}


@cache
def odd_world(name: str) -> World:
    """Return the world of a few regions with this oddity."""
    return World(*(_odd(seed, **ODD[name]) for seed in (0, 1)))  # type: ignore[arg-type]


def _odd(
    seed: int, *, regions: tuple[str, ...] = ("AT", "BE", "CH"), sector: str = "a",
    stressor: str = "CO2", unit: str = "kt", emissions: float = 1.0, signs: float = 1.0,
    spread: float = 0.0,
) -> cf.Table:  # fmt: skip
    rng = np.random.default_rng(seed)
    count = 2 * len(regions)
    A = rng.random((count, count))
    A *= 0.5 / A.sum(axis=0)
    Y = 100 * rng.random((count, len(regions)))
    Y[0, 1] *= signs
    S = emissions * rng.random((1, count)) * 10 ** np.linspace(-spread / 2, spread / 2, count)
    return cf.Table(
        A=A, Y=Y, S=S, x=np.linalg.solve(np.eye(count) - A, Y.sum(axis=1)),
        regions=[name for name in regions for _ in range(2)], sectors=[sector, "b"] * len(regions),
        stressors=[stressor], stressor_units=[unit], year=2019 + seed,
    )  # fmt: skip
