"""What questions are asked of: a random table with a stressor, a demand and a source of chance.

A question is a function of a `Case` that yields claims: what was answered, how wrong it is, and how
wrong it may be by its own bound. `exact_run` asks them, and counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, arb_mat
from support.exact.exact_tables import Recipe, recipe
from support.references.exact_reference import Exact, exact

import carbonflows_fast as cf
from carbonflows_fast.table._selection import select_stressor

QUESTIONS: dict[str, Callable[[Case], Iterator[Claim]]] = {}
RARE: set[str] = set()
"""Questions that take much longer than the others, and are asked less often."""


@dataclass(frozen=True)
class Claim:
    """An answer is wrong by `error`, and says that it is by `bound` at most."""

    what: str
    error: arb
    bound: float | arb


def question(function: Any = None, *, rare: bool = False) -> Any:
    def kept(asked: Any) -> Any:
        QUESTIONS[asked.__name__] = asked
        if rare:
            RARE.add(asked.__name__)
        return asked

    return kept if function is None else kept(function)


class Case:
    """A table with a stressor, a demand and a source of chance."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.recipe: Recipe = recipe(rng)

    def one_of(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    @cached_property
    def table(self) -> cf.Table:
        return self.recipe.table()

    @cached_property
    def other(self) -> cf.Table:
        """Another table of the same labels."""
        return recipe(self.rng, self.recipe).table()

    @cached_property
    def true(self) -> Exact:
        return Exact(self.table)

    @cached_property
    def stressor(self) -> Any:
        names = self.table.stressors
        if len(names) > 1 and self.rng.random() < 0.2:
            return {names[0]: 1.0, names[1]: self.one_of(28.0, 0.5, -1.0)}
        return self.one_of(*names)

    @cached_property
    def s(self) -> Any:
        """Intensities as float64, a weighted sum rounded as it is made."""
        S = self.table.S
        if isinstance(self.stressor, str):
            return S.loc[self.stressor].to_numpy()
        return select_stressor(self.table, self.stressor).s

    @cached_property
    def selected(self) -> Any:
        """A demand by region or category, or all of it."""
        table = self.table
        region, category = table.demand[int(self.rng.integers(len(table.demand)))]
        return self.one_of(None, None, None, region, (region, category), (None, category),
                           [region, (None, category)])  # fmt: skip

    @cached_property
    def columns(self) -> Any:
        """Which columns of Y are selected."""
        chosen = np.zeros(len(self.table.demand), bool)
        items = self.selected if isinstance(self.selected, list) else [self.selected]
        for item in items:
            pair = item if isinstance(item, tuple) else (item, None)
            chosen |= [
                all(want is None or want == got for want, got in zip(pair, column))
                for column in self.table.demand
            ]
        return chosen

    @cached_property
    def some_rows(self) -> Any:
        rows = self.rng.random(self.table.n) < self.one_of(0.1, 0.4)
        rows[self.rng.integers(self.table.n)] = True
        return rows

    def accuracy(self) -> dict[str, float]:
        """Return how accurate an answer is asked for: as by default, or another one each time."""
        return {} if self.rng.random() < 0.4 else {"rtol": 10.0 ** self.rng.uniform(-12, -0.5)}

    def demand_of_one(self) -> tuple[Any, arb_mat]:
        """Return a demand, perhaps an array, and its sum (n, 1)."""
        if self.rng.random() < 0.2:
            y = self.table.Y.to_numpy().sum(axis=1) * self.rng.random(self.table.n)
            return y, exact(y)
        every = exact(np.ones(len(self.table.regions)))
        return self.selected, self.true.demand(self.columns) * every
