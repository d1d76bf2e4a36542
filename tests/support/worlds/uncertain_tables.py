"""Tables with errors in every form, and the same errors for every single cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from hypothesis import strategies as st
from support.references.uncertainty_reference import UncertaintyReference
from support.worlds.strategies import table_arguments

import carbonflows_fast as cf

__all__ = ["SOURCES", "allowed", "dense_of", "labels_of", "questions"]

Array = npt.NDArray[np.float64]
SOURCES = ("Z", "Y", "F", "F_Y")


def shape_of(table: cf.Table, source: str) -> tuple[int, int]:
    found: tuple[int, int] = getattr(table, source).shape
    return found


def labels_of(table: cf.Table, source: str) -> list[Array]:
    """The region of each row and column of Z or Y."""
    seller = np.array(table.rows.get_level_values("region"))
    buyer = seller if source == "Z" else np.array(table.demand.get_level_values("region"))
    return [seller, buyer]


def labels_by_kind(table: cf.Table, source: str) -> dict[str, Array]:
    """Every label that each cell has, in the shape of the source."""
    shape = shape_of(table, source)
    columns = table.rows if source in ("Z", "F") else table.demand
    found = {}
    for name, level in zip(("region", "sector" if source in ("Z", "F") else "category"), (0, 1),
                           strict=True):  # fmt: skip
        found[name] = np.broadcast_to(np.array(columns.get_level_values(level)), shape)
    if source in ("Z", "Y"):
        seller = np.array(table.rows.get_level_values("region"))
        found |= {"seller": np.broadcast_to(seller[:, None], shape), "buyer": found["region"]}
    else:
        rows = np.array(table.stressors)
        found["stressor"] = np.broadcast_to(rows[:, None], shape)
    return found


KINDS = {
    "Z": [("seller", "buyer")],
    "Y": [("category",), ("seller", "buyer"), ("region", "category")],
    "F": [("stressor",), ("region",), ("sector",), ("stressor", "sector"), ("stressor", "region"),
          ("region", "sector")],
    "F_Y": [("stressor",), ("region",), ("category",), ("stressor", "category"),
            ("stressor", "region"), ("region", "category")],
}  # fmt: skip


@st.composite
def by_label(draw: Any, table: cf.Table, source: str, number: Any) -> tuple[Any, Array]:
    """Numbers, or laws of size, by labels of one kind, and the same for every cell."""
    labels, kinds = labels_by_kind(table, source), draw(st.sampled_from(KINDS[source]))
    every = list(zip(*(labels[kind].ravel() for kind in kinds), strict=True))
    named = draw(st.lists(st.sampled_from(every), min_size=1, max_size=4, unique=True))
    if kinds == ("seller", "buyer") and draw(st.booleans()):
        named = [(one, None) for one in dict.fromkeys(pair[0] for pair in named)]
    cells, out, given = np.abs(dense_of(table, source)), np.zeros(shape_of(table, source)), {}
    for label in named:
        here = np.ones(out.shape, dtype=bool)
        for kind, one in zip(kinds, label, strict=True):
            here &= True if one is None else labels[kind] == one
        value = number()
        if draw(st.booleans()):
            law, value = by_size(draw, cells[here])
            given[label if len(label) > 1 else label[0]] = law
        else:
            given[label if len(label) > 1 else label[0]] = value
        out[here] = value
    plain = not any(isinstance(law, cf.BySize) for law in given.values())
    return pd.Series(given) if plain and draw(st.booleans()) else given, out


def by_size(draw: Any, cells: Array) -> tuple[cf.BySize, Array]:
    """A law of size, and what it comes to, written out."""
    a, b = draw(st.floats(0.0, 0.3)), draw(st.sampled_from([-0.5, -0.2, 0.0, 0.1]))
    found = np.array([a * abs(x) ** b if x else 0.0 for x in cells.ravel()]).reshape(cells.shape)
    return cf.BySize(a, b, at_most=0.4), np.minimum(found, 0.4)


def dense_of(table: cf.Table, source: str) -> Array:
    cells = getattr(table, source)
    return cells.toarray() if source == "Z" else cells.to_numpy()  # type: ignore[no-any-return]


@st.composite
def sizes(draw: Any, table: cf.Table, source: str, signed: bool = False) -> tuple[Any, Array]:
    """Deviations in one of the forms that are taken, and the same for every cell."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape, least = shape_of(table, source), -0.3 if signed else 0.0

    def number() -> float:
        return float(rng.uniform(least, 0.3))

    forms = ["number", "array", "sparse", "frame", "label", "label", "label", "size"]
    forms += ["block"] * (source in ("Z", "Y"))
    form = draw(st.sampled_from(forms))
    dense = rng.uniform(least, 0.3, shape)
    if form == "number":
        one = number()
        return one, np.full(shape, one)
    if form == "label":
        return draw(by_label(table, source, number))  # type: ignore[no-any-return]
    if form == "size":
        return by_size(draw, dense_of(table, source))
    if form == "block":
        inside, between = number(), number()
        given: dict[str, float] = {"domestic": inside, "trade": between}
        if draw(st.booleans()):
            del given["trade"]
            between = 0.0
        seller, buyer = labels_of(table, source)
        return given, np.where(seller[:, None] == buyer, inside, between)
    if form == "sparse":
        dense = np.where(rng.random(shape) < 0.5, dense, 0.0)
        return draw(st.sampled_from([sp.csr_array, sp.csc_matrix, sp.coo_array]))(dense), dense
    if form == "frame" and source != "Z":
        like = getattr(table, source)
        return pd.DataFrame(dense, like.index, like.columns), dense
    if form == "frame":
        return pd.DataFrame(dense, table.rows, table.rows), dense
    return dense, dense


@st.composite
def errors_of(draw: Any, table: cf.Table) -> tuple[cf.Errors, dict[str, Any], list[Any]]:
    """Errors in any form, and the same for every cell."""
    usable = SOURCES if table.content.F_Y is not None else SOURCES[:3]
    chosen = draw(st.lists(st.sampled_from(usable), unique=True))
    own = {source: draw(sizes(table, source)) for source in chosen}
    shared = []
    for name in ("one", "two")[: draw(st.integers(0, 2))]:
        moved = draw(st.lists(st.sampled_from(usable), min_size=1, unique=True))
        loadings = {source: draw(sizes(table, source, signed=True)) for source in moved}
        shared.append((name, draw(st.floats(0.0, 0.5)), loadings))
    errors = cf.Errors(
        **{source: form for source, (form, _) in own.items()},
        shared=[
            cf.SharedError(name, sd, **{source: form for source, (form, _) in loadings.items()})
            for name, sd, loadings in shared
        ],
    )
    dense = [(sd, {s: cells for s, (_, cells) in one.items()}) for _, sd, one in shared]
    return errors, {source: cells for source, (_, cells) in own.items()}, dense


@st.composite
def questions(
    draw: Any, balanced: bool | None = None
) -> tuple[cf.Table, Any, cf.Errors, UncertaintyReference]:
    """A table, a stressor, errors, and what they come to the slow way."""
    given = draw(table_arguments())
    if not (draw(st.booleans()) if balanced is None else balanced):
        x = cf.Table(**given).x.to_numpy()  # less is delivered than produced
        given["x"] = x * (1.0 + 0.3 * np.random.default_rng(len(x)).random(len(x)))
    table = cf.Table(**given)
    names = [draw(st.sampled_from(table.stressors))]
    weights, stressor = {names[0]: 1.0}, names[0]
    if len(table.stressors) > 1 and draw(st.booleans()):
        stressor = weights = dict(zip(table.stressors, (1.0, 25.0, -0.5), strict=False))
    errors, own, shared = draw(errors_of(table))
    of = draw(st.sampled_from(["accounts", "flows"]))
    return table, stressor, errors, UncertaintyReference(table, weights, of, own, shared)


def allowed(reference: UncertaintyReference, table: cf.Table) -> float:
    """What counts as nothing: beside all that is emitted."""
    weights = np.array([reference.weights.get(name, 0.0) for name in table.stressors])
    everything = np.abs(weights) @ np.abs(table.F.to_numpy()).sum(axis=1)
    everything += np.abs(weights) @ np.abs(table.F_Y.to_numpy()).sum(axis=1)
    return float(1e-8 * everything + 1e-12)
