"""What is to be said of a supply and use table: what does not add up, and what a model does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import shorten
from carbonflows_fast.supply_use._given import SupplyUse, added, gap_between
from carbonflows_fast.supply_use._models import MODELS
from carbonflows_fast.table import Table

__all__ = ["how_made", "oddities"]

BALANCE = 1e-6
"""What outputs may differ by, as a share of all of them; published numbers have a few digits."""
PRIMARY = ("primary inputs", "factor_inputs")
"""The extensions whose stressors are primary inputs, as `cf.check` has them."""


def how_made(model: str | None, *, renamed: bool) -> str:
    """Say how the table was made."""
    if model is not None:
        rows = "products" if model in ("A", "B") else "industries"
        return (
            f"The supply and use table was made into a table of {rows} by model {model} "
            f"({MODELS[model]})."
        )
    names = ", whose names say which they are" if renamed else ""
    return (
        f"The supply and use table is solved as it is: its rows are industries and products{names}."
    )


def oddities(given: SupplyUse, table: Table, model: str | None, unit: str) -> Iterator[str]:
    """Yield a sentence about each thing that does not add up, or is lost or negative."""
    money = f" {unit}" if unit else ""
    yield from _imbalance(
        "product",
        "what is made and what is used of them",
        given.q,
        given.sold,
        given.products.texts,
        money,
    )
    paid = _primary_inputs(given, table, unit)
    if paid is not None:
        yield from _imbalance(
            "industry",
            "what they make and what they pay for",
            given.g,
            added(given.U.T) + paid,
            given.industries.texts,
            money,
        )
    if model is not None:
        yield from _lost(given, table, model, money)
    if model in ("A", "C"):
        yield from _negatives(given, table, str(model), money)


def _imbalance(
    what: str,
    compared: str,
    one: FloatArray,
    other: FloatArray,
    names: Sequence[str],
    money: str,
) -> Iterator[str]:
    share = gap_between(one, other)
    if share <= BALANCE:
        return
    gap = np.abs(one - other)
    most = int(gap.argmax())
    many = {"product": "Products", "industry": "Industries"}[what]
    yield (
        f"{many} do not balance: {compared} differ by {gap.sum():.6g}{money} in all "
        f"({share:.2g} of all output), most at {names[most]} "
        f"({one[most]:.6g} and {other[most]:.6g})."
    )


def _primary_inputs(given: SupplyUse, table: Table, unit: str) -> FloatArray | None:
    """Return the primary inputs of each industry, where F has them in the unit of the table."""
    if given.by_product:
        return None
    rows = [
        at
        for at, (extension, own) in enumerate(
            zip(table.extensions, table.content.stressor_units, strict=True)
        )
        if extension in PRIMARY and own == unit
    ]
    return given.F[rows].sum(axis=0) if rows else None


def _lost(given: SupplyUse, table: Table, model: str, money: str) -> Iterator[str]:
    """Say what has no output and is left out by a model that shares by it, if it is not zero.

    Models of products lose what such industries buy and emit, models of industries what is bought
    of such products, and emitted to make them.
    """
    of_products = model in ("A", "B")
    idle = np.flatnonzero((given.g if of_products else given.q) == 0.0)
    if of_products:
        bought = float(np.abs(given.U[:, idle].data).sum())
    else:
        bought = float(np.abs(given.U[idle].data).sum() + np.abs(given.Y[idle]).sum())
    emitted = np.zeros(len(given.F))
    if of_products != given.by_product:
        emitted = np.abs(given.F[:, idle]).sum(axis=1)
    units = table.content.stressor_units
    who = "buy" if of_products else "are bought for"
    what = [f"{who} {bought:.6g}{money}"] if bought else []
    what += [
        f"emit {emitted[k]:.6g} {units[k]} of {table.stressors[k]}".replace("  ", " ")
        for k in np.flatnonzero(emitted)
    ]
    if what:
        one, other = ("Industries", "product") if of_products else ("Products", "industry")
        yield f"{one} without output {shorten(what, 3)}, which no {other} has."


def _negatives(given: SupplyUse, table: Table, model: str, money: str) -> Iterator[str]:
    """Say how many negative numbers the inverse of V made; all of them are kept."""
    counted = [
        _counted("Z", table.content.matrix.data, money),
        _counted("Y", table.content.Y, money) if model == "C" else "",
        _counted("F", table.content.emissions, "") if model == "A" else "",
    ]
    found = [text for text in counted if text]
    if found:
        yield f"Model {model} has negative numbers, which are kept: {', '.join(found)}."


def _counted(name: str, values: Any, unit: str) -> str:
    below = values[values < 0.0]
    return f"{below.size:,} in {name} (sum {below.sum():.6g}{unit})" if below.size else ""
