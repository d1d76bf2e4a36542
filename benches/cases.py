"""The questions whose cost the regression suite watches.

A case starts from what `prepare` returns, made anew each time and outside the clock, so that
nothing is kept from one run to the next; `run` is what is counted and timed. Public functions only:
the same cases run on older commits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import carbonflows_fast as cf

SIZES = {"small": (20, 100), "full": (49, 200)}
READ = (12, 80)  # of the table that is read from text, whatever the size of the others


class World:
    """Invented tables of one size, each made when first asked for; files go into `folder`.

    Only copies of them are solved, since a copy would share what its table has solved.
    """

    def __init__(self, regions: int, sectors: int, folder: Path) -> None:
        self.size, self.folder = (regions, sectors), folder

    @cached_property
    def table(self) -> cf.Table:
        return cf.synthetic.world(*self.size)

    @cached_property
    def before(self) -> cf.Table:
        return cf.synthetic.world(*self.size, year=2010)

    @cached_property
    def saved(self) -> Path:
        return cf.save(self.table.with_changes(), self.folder / "saved")

    @cached_property
    def written(self) -> Path:
        path = self.folder / "IOT_2019_pxp"
        cf.write_exiobase(cf.synthetic.world(*READ), path)
        return path


@dataclass(frozen=True)
class Case:
    """How a question is prepared and asked, what its answer says of the work, and what must hold.

    `gap` is how far an answer is from what is known of it, relative to its size.
    """

    prepare: Callable[[World], Any]
    run: Callable[[Any], Any]
    counts: Callable[[Any], dict[str, int]] = lambda answer: {}
    gap: Callable[[World, Any], float] = lambda world, answer: 0.0


def ready(table: cf.Table, dtype: str = "float64") -> cf.Table:
    """The table with its prepared system, and with nothing that was solved before."""
    again = table.with_changes()
    cf.system(again, dtype=dtype)
    return again


def solve(table: cf.Table, dtype: str = "float64") -> Any:
    return cf.system(table, dtype=dtype).solve(table.Y.sum(axis=1))


def study(table: cf.Table) -> Any:
    """All parts of a study of one sector in every region."""
    found = cf.sector_study(table, sectors=table.rows[0][1])
    return found.flow, found.products, found.tiers, found.border_shares


def nodes(answer: Any) -> dict[str, int]:
    return {"nodes": answer.nodes}


def off(value: float, known: float) -> float:
    return abs(float(value) / float(known) - 1.0)


def from_output(world: World, answer: Any) -> float:
    """Output is known."""
    x = world.table.x.to_numpy()
    return float(abs(answer.values - x).sum() / x.sum())


def from_emissions(world: World, values: Any) -> float:
    """Multipliers of all final demand, and flows, add up to what industries emit."""
    return off(values, float(world.table.F.to_numpy()[0].sum()))


def listed(world: World, answer: Any) -> float:
    """Chains and what is not listed add up to all that industries emit."""
    return from_emissions(world, answer.value.sum() + answer.remainder)


CASES = {
    "prepare": Case(
        lambda world: world.table.with_changes(),
        cf.system,
        lambda system: {"tile_bytes": system.tiles.nbytes},
    ),
    "solve": Case(lambda world: ready(world.table), solve, gap=from_output),
    "solve_adjoint": Case(
        lambda world: ready(world.table),
        lambda table: cf.system(table).solve_adjoint(table.S.to_numpy()),
        gap=lambda world, answer: from_emissions(
            world, answer.values[0] @ world.table.Y.to_numpy().sum(axis=1)
        ),
    ),
    "solve_float32": Case(
        lambda world: ready(world.table, "float32"),
        lambda table: solve(table, "float32"),
        gap=from_output,
    ),
    "accounts": Case(
        lambda world: ready(world.table),
        cf.accounts,
        gap=lambda world, answer: from_emissions(
            world, (answer.consumption - answer.households).sum()
        ),
    ),
    "flows": Case(
        lambda world: ready(world.table),
        lambda table: cf.flows(table).by_product(),
        gap=lambda world, answer: from_emissions(world, answer.to_numpy().sum()),
    ),
    "sector_study": Case(
        lambda world: ready(world.table),
        study,
        gap=lambda world, answer: off(
            answer[0]["value"].sum(),
            cf.sector_study(world.table, sectors=world.table.rows[0][1]).total,
        ),
    ),
    "paths": Case(
        lambda world: ready(world.table),
        lambda table: cf.structural_paths(table, min_share=1e-7),
        nodes,
        listed,
    ),
    "top_paths": Case(
        lambda world: ready(world.table),
        lambda table: cf.structural_paths(table, top=100_000),
        nodes,
        listed,
    ),
    "path_changes": Case(
        lambda world: (ready(world.before), ready(world.table)),
        lambda pair: cf.structural_path_decomposition(*pair, top=10_000),
        nodes,
    ),
    "changes": Case(
        lambda world: (ready(world.before), ready(world.table)),
        lambda pair: cf.structural_decomposition(*pair),
        gap=lambda world, answer: off(answer.to_frame().effect.sum(), answer.total),
    ),
    "read": Case(lambda world: world.written, lambda path: cf.read(path, progress=False)),
    "open": Case(lambda world: world.saved, cf.open),
}
