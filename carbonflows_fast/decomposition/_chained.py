"""Decomposition over several years: year by year with the sum, or end to end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast.decomposition._whole import structural_decomposition
from carbonflows_fast.errors import InputError, Phrase

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["decompose_years"]


def decompose_years(
    tables: Sequence[Table],
    stressor: Any = None,
    *,
    pairs: Literal["chained", "ends"] = "chained",
    **options: Any,
) -> pd.DataFrame:
    """Return what the change over several years is due to.

    Parameters
    ----------
    tables : sequence of Table
        Two or more, in order of time.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    pairs : {"chained", "ends"}
        Each year against the one before and their sum, or the last year against the first. The
        effects differ, because chained effects follow the years in between.
    **options
        demand, method and by, as for :func:`structural_decomposition`.

    Returns
    -------
    DataFrame, effects (rows) × pairs (columns)
        Columns "2000 → 2005", "2005 → 2009", …, and with "chained" their sum, "chained 2000 →
        2009". `attrs` has prices, unit and note. The level of demand is per head, with population
        as a separate factor, only if all tables have population; the note says which do not.

    Raises
    ------
    InputError
        If there are fewer than two tables, or `pairs` is something else.

    Notes
    -----
    ΔE = Σ_t ΔE_t, effect by effect, with ΔE_t as in :func:`structural_decomposition`; in the unit
    of the stressor. Source: Dietzenbacher & Los (1998), Economic Systems Research 10.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> tables = [cf.synthetic.world(2, 3, year=year) for year in (2000, 2005, 2009)]
    >>> decompose_years(tables).columns.tolist()
    ['2000 → 2005', '2005 → 2009', 'chained 2000 → 2009']
    """
    one_of("pairs", pairs, ("chained", "ends"))
    if not isinstance(tables, list | tuple) or len(tables) < 2:
        got = f"{len(tables)}" if isinstance(tables, list | tuple) else type(tables).__name__
        raise InputError.about(
            "tables", expected="a list of two or more", got=got, remedy="give them in order of time"
        )
    chosen = [(tables[0], tables[-1])] if pairs == "ends" else list(pairwise(tables))
    for name in options:
        if name not in ("demand", "method", "by") or str(options[name]) == "coefficient":
            raise InputError.about(
                name,
                expected="demand, method, or by='region' or 'product'",
                got=repr(options[name]),
                remedy="ask structural_decomposition for each pair of years",
            )
    found = [structural_decomposition(*two, stressor, **options) for two in chosen]
    labels = [one.label for one in found]
    if len(set(labels)) < len(labels):
        raise InputError.about(
            "tables",
            expected="tables of different years or names",
            got=repr(labels),
            remedy=Phrase.in_python("tell them apart by table.with_changes(year=...)"),
        )
    effects = {one.label: one.to_frame()["effect"] for one in found}
    known = ["population" in one.index.get_level_values("factor") for one in effects.values()]
    if any(known) and not all(known):
        effects = {label: _of_all_heads(one) for label, one in effects.items()}
    notes = [f"{one.label}: {one.note}" for one in found if one.note]
    frame = pd.DataFrame(effects)
    if pairs == "chained":
        first, last = found[0].label.split(" → ")[0], found[-1].label.split(" → ")[-1]
        frame[f"chained {first} → {last}"] = frame.sum(axis=1)
    frame.attrs = {"prices": found[0].prices, "unit": found[0].unit, "note": "; ".join(notes)}
    return frame


def _of_all_heads(effects: pd.Series) -> pd.Series:
    """Count population as a part of the level, as where it is not known."""
    factors = effects.index.get_level_values("factor")
    if "population" not in factors:
        return effects
    kept = effects[factors != "population"].copy()
    level = kept.index.get_level_values("factor") == "demand level"
    kept[level] += effects[factors == "population"].to_numpy()
    return kept
