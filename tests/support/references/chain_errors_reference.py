"""How sure chains and effects are, the slow way: answers of a perturbed table, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from support.references.uncertainty_reference import UncertaintyReference

Array = npt.NDArray[np.float64]

__all__ = ["PathErrorsReference", "perturbed"]


def perturbed(slow: UncertaintyReference, changes: dict[str, Any]) -> dict[str, Any]:
    """A, s, Y of a table with changed cells; output follows Z and Y."""
    kept, cells = slow.kept, slow.cells | changes
    after = kept.x + (cells["Z"].sum(axis=1) + cells["Y"].sum(axis=1) - kept.delivered)
    over_x = np.array([1.0 / a if b != 0 else 0.0 for a, b in zip(after, kept.x, strict=True)])
    A, s = cells["Z"] * over_x, (kept.weights @ cells["F"]) * over_x
    idle = kept.x == 0  # without output, coefficients are as they are given
    A = np.where(idle, kept.A, A)
    return {"A": A, "s": np.where(idle, kept.weights @ kept.S, s), "Y": cells["Y"]}


@dataclass
class PathErrorsReference(UncertaintyReference):
    """Values of chains, each a list of rows from the final product to the emitter."""

    chains: list[list[int]] = field(default_factory=list)
    columns: Any = None
    """Of Y, which are asked about; or a demand of one's own, (n,)."""

    @classmethod
    def of_chains(
        cls, slow: UncertaintyReference, chains: list[list[int]], columns: Any
    ) -> PathErrorsReference:
        given = {one.name: getattr(slow, one.name) for one in fields(UncertaintyReference)}
        return cls(**given, chains=chains, columns=columns)

    def answers(self, **changes: Any) -> Any:
        of = perturbed(self, changes)
        own = np.asarray(self.columns)
        y = of["Y"][:, own].sum(axis=1) if own.dtype == bool else own.astype(of["Y"].dtype)
        found = []
        for chain in self.chains:
            value = y[chain[0]]
            for buyer, seller in pairwise(chain):
                value = value * of["A"][seller, buyer]
            found.append(value * of["s"][chain[-1]])
        return np.array(found)
