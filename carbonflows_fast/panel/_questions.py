"""The questions that a panel can ask, and the frames that answer them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from carbonflows_fast.accounting import accounts
from carbonflows_fast.decomposition import structural_decomposition, structural_path_decomposition
from carbonflows_fast.paths import structural_paths
from carbonflows_fast.sectors import sector_study
from carbonflows_fast.trade import flows
from carbonflows_fast.uncertainties import difference, uncertainty
from carbonflows_fast.uncertainties._some_draws import some_draws, tidy

__all__ = ["COMPILED", "FUNCTIONS", "QUESTIONS"]


def _flows(table: Any, **options: Any) -> pd.DataFrame:
    return flows(table, **options).to_frame()


def _paths(table: Any, **options: Any) -> pd.DataFrame:
    return structural_paths(table, **options).to_frame()


def _study(table: Any, **options: Any) -> pd.DataFrame:
    return sector_study(table, **options).flow


def _changes(before: Any, after: Any, **options: Any) -> pd.DataFrame:
    return structural_path_decomposition(before, after, **options).to_frame()


def _effects(before: Any, after: Any, **options: Any) -> pd.DataFrame:
    return structural_decomposition(before, after, **options).to_frame()


# --- uncertainty: the first order here, draws in tasks of their own -----------------------------


def _uncertainty(
    table: Any,
    stressor: Any = None,
    *,
    errors: Any,
    of: str,
    draws: int | None = None,
    seed: int = 0,
    correlation: float = 0.0,
    rtol: float = 1e-10,
) -> pd.DataFrame:
    """Draws are put in afterwards."""
    asked: Any = of
    found = uncertainty(table, stressor, errors, of=asked, rtol=rtol)
    cells = {"value": found.value.to_numpy(), "sd": found.sd.to_numpy()}
    frame = tidy(of, found.value.index, found.value.columns, **cells)
    frame.attrs = dict(found.value.attrs)
    return frame


def _difference(
    before: Any,
    after: Any,
    stressor: Any = None,
    *,
    errors: Any,
    of: str,
    draws: int | None = None,
    seed: int = 0,
    correlation: float = 0.0,
    rtol: float = 1e-10,
) -> pd.DataFrame:
    asked: Any = of
    found = difference(
        *(uncertainty(one, stressor, errors, of=asked, rtol=rtol) for one in (before, after)),
        correlation=correlation,
    )
    cells = {"value": found.value, "sd": found.sd, "fell": found.probability(below=0.0)}
    arrays = {name: frame.to_numpy() for name, frame in cells.items()}
    frame = tidy(of, found.value.index, found.value.columns, **arrays)
    frame.attrs = dict(found.value.attrs)
    return frame


def _draws(
    table: Any, stressor: Any = None, *, errors: Any, rtol: float = 1e-10, **options: Any
) -> pd.DataFrame:
    return some_draws(table, stressor, errors, rtol=rtol, **options)


COMPILED = ("structural_path_decomposition", "structural_decomposition")
"""Questions that need compiled loops."""

QUESTIONS: dict[str, Callable[..., pd.DataFrame]] = {
    "accounts": accounts,
    "flows": _flows,
    "structural_paths": _paths,
    "sector_study": _study,
    "structural_path_decomposition": _changes,
    "structural_decomposition": _effects,
    "uncertainty": _uncertainty,
    "difference": _difference,
    "draws": _draws,
}

FUNCTIONS: dict[str, Callable[..., Any]] = QUESTIONS | {
    "flows": flows,
    "structural_paths": structural_paths,
    "sector_study": sector_study,
    "structural_path_decomposition": structural_path_decomposition,
    "structural_decomposition": structural_decomposition,
}
"""What each question's options are the options of."""
