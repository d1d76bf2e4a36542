"""Which totals can be denominators: those whose parts do not cancel.

With sinks, or with final purchases below zero, a total may be close to nothing while its parts are
not. A part of it is then 558 % or −40,000 % of it, which says nothing. Such shares are "n/a".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast.accounting import accounts
from carbonflows_fast.figures._axes import one_sign
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_stressor
from carbonflows_fast.trade import Flows

__all__ = ["cancels", "checked_accounts", "growth", "part"]

NOTHING = 1e-9  # of the largest is none: what rounding leaves


def part(value: float, *whole: Any) -> float:
    """Return a value as a share of the sum of others; NaN where these cancel, or there are none.

    >>> part(1.0, [2.0, 2.0]), part(1.0, [5.0, -4.9]), part(1.0, [])
    (0.25, nan, nan)
    """
    parts = np.concatenate([np.ravel(np.asarray(one, dtype=np.float64)) for one in whole])
    return value / float(parts.sum()) if one_sign(parts) else float("nan")


def cancels(table: Table, stressor: Any, found: Flows) -> bool:
    """Tell whether emissions of industries, or flows between regions, cancel each other."""
    chosen = select_stressor(table, stressor)
    everything = (np.concatenate([chosen.F, chosen.F_Y]), found.matrix.to_numpy())
    return any(bool(values.any()) and not one_sign(values) for values in everything)


def checked_accounts(table: Table, stressor: Any) -> pd.DataFrame:
    """Return the accounts, `net_share` only of regions whose emissions do not cancel."""
    frame = accounts(table, stressor)
    chosen = select_stressor(table, stressor)
    values = np.concatenate([chosen.F, chosen.F_Y])
    regions = [*table.rows.get_level_values("region"), *(region for region, _ in table.demand)]
    emitted = pd.Series(values).groupby(regions)
    alike = emitted.agg(one_sign).reindex(frame.index, fill_value=False)
    known = frame["production"] > NOTHING * frame["production"].abs().max()
    about = frame.attrs
    frame = frame.assign(net_share=frame["net_share"].where(alike & known))
    frame.attrs = about
    return frame


def growth(before: pd.Series, after: pd.Series) -> pd.Series:
    """Return the growth of what was more than nothing before, NaN elsewhere."""
    known = before > NOTHING * max(before.abs().max(), after.abs().max())
    return after / before.where(known) - 1
