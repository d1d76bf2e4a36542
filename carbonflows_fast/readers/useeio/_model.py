"""What a model becomes as a table, in whichever layout it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock, read_stressors
from carbonflows_fast.table import Table

__all__ = ["Model", "model_table", "sector_labels"]

UNIT = "USD"
CONSUMPTION, PRODUCTION = "Consumption", "Production"
REST = f"{PRODUCTION} - {CONSUMPTION}"


@dataclass(frozen=True)
class Model:
    """A model's parts, its matrices in the order of its sectors.

    Attributes
    ----------
    where : str
        How errors call it.
    demands : str
        How errors call its list of demands.
    sectors : sequence of dict
        Texts by "id", "name", "code" and "location".
    A, x : arrays (n, n), (n,)
    listed : sequence of dict
        Vectors of demand: texts by "id", "type", "system" and "location", and the "year".
    vector : callable
        Takes an id in `listed`, and returns its amounts by sector.
    blocks : sequence of StressorBlock
    """

    where: str
    demands: str
    sectors: Sequence[dict[str, Any]]
    A: FloatArray
    x: FloatArray
    listed: Sequence[dict[str, Any]]
    vector: Callable[[str], FloatArray]
    blocks: Sequence[StressorBlock]


def model_table(
    model: Model, *, stressors: Sequence[str] | None, year: int | None, name: str
) -> Table:
    """Return the table of a model.

    Raises
    ------
    FormatError
        If a vector of demand is missing or wrong, or a label is.
    LabelError
        If a wanted stressor does not exist.
    """
    demand, Y = _demand(model)
    emissions = read_stressors(model.blocks, stressors, Y.shape, "S")
    return table_from(
        model.where,
        A=model.A,
        x=model.x,
        Y=Y,
        regions=[sector["location"] for sector in model.sectors],
        sectors=sector_labels(model.sectors),
        demand=demand,
        row_units=UNIT,
        year=year,
        name=name,
        **emissions,
    )


def sector_labels(sectors: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of sectors, or their codes where a location has one name twice."""
    alike = len({(sector["location"], sector["name"]) for sector in sectors}) < len(sectors)
    return [sector["code" if alike else "name"] for sector in sectors]


def _demand(model: Model) -> tuple[list[tuple[str, str]], FloatArray]:
    """Return the columns of Y and their numbers."""
    years = {entry["year"] for entry in model.listed}
    if len(years) > 1:
        raise FormatError.about(
            model.demands,
            expected="demand of one year, as q is",
            got=shorten(sorted(years)),
            remedy="keep the entries of the model's year",
        )
    pairs: list[tuple[str, str]] = []
    columns: list[FloatArray] = []
    for location in dict.fromkeys(sector["location"] for sector in model.sectors):
        vectors = {}
        for kind in (CONSUMPTION, PRODUCTION):
            found = [
                entry["id"]
                for entry in model.listed
                if (entry["location"], entry["type"], entry["system"])
                == (location, kind, "Complete")
            ]
            if len(found) != 1:
                raise FormatError.about(
                    model.demands,
                    got=shorten(found) or "none",
                    expected=f"one vector of type {kind}, system Complete, for {location}",
                    remedy="restore the entry, or keep one of them",
                )
            vectors[kind] = model.vector(found[0])
        pairs += [(location, CONSUMPTION), (location, REST)]
        columns += [vectors[CONSUMPTION], vectors[PRODUCTION] - vectors[CONSUMPTION]]
    return pairs, np.stack(columns, axis=1)
