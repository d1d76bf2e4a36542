"""Results of a small world, and every figure of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pandas as pd
from matplotlib.axes import Axes

import carbonflows_fast as cf

figures = cf.figures


class World:
    """Results of one small world, each asked for once."""

    def __init__(self, regions: int, sectors: int) -> None:
        self.table = cf.synthetic.world(regions, sectors, seed=3)
        self.later = cf.synthetic.world(regions, sectors, seed=3, year=2025)
        self.flows = cf.flows(self.table)
        self.accounts = cf.accounts(self.table)
        self.study = cf.sector_study(self.table, sectors=self.table.sectors[0])
        self.paths = cf.structural_paths(self.table, top=40)
        self.layers = cf.production_layers(self.table, layers=6)
        self.change = cf.structural_decomposition(self.table, self.later)
        years = {2019: self.accounts, 2025: cf.accounts(self.later)}
        self.years = pd.concat(years, names=["year"])
        self.years.attrs = self.accounts.attrs


DRAWN: dict[str, Callable[[World, Axes | None], Axes]] = {
    "net_imports": lambda w, ax: figures.net_imports(w.flows, ax=ax),
    "heat_map": lambda w, ax: figures.heat_map(w.flows, ax=ax),
    "sankey": lambda w, ax: figures.sankey(w.flows, ax=ax),
    "sector_flow": lambda w, ax: figures.sector_flow(w.study, ax=ax),
    "path_tree": lambda w, ax: figures.path_tree(w.paths, ax=ax),
    "stage_profile": lambda w, ax: figures.stage_profile(w.paths, ax=ax),
    "waterfall": lambda w, ax: figures.waterfall(w.change, ax=ax),
    "time_series": lambda w, ax: figures.time_series(w.years, ax=ax),
}


@cache
def world_of(regions: int, sectors: int) -> World:
    """Return the world of this size, the same one for all tests."""
    return World(regions, sectors)
