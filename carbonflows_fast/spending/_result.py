"""The result of a ledger of purchases: by line, category, emitter and tier, and supply chains."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.files import given_path, replacing
from carbonflows_fast._base.markup import Shown
from carbonflows_fast._base.wording import count, scale_for
from carbonflows_fast._base.workbook import check_workbook, write_workbook
from carbonflows_fast.classification import regions_in
from carbonflows_fast.errors import InputError
from carbonflows_fast.spending._given import Given

if TYPE_CHECKING:
    from carbonflows_fast.paths import Paths

__all__ = ["Purchases"]

CHAINS = 100
"""Supply chains in a workbook."""


@dataclass(frozen=True, eq=False, repr=False)
class Purchases(Shown):
    """The emissions that purchases cause, in all supply chains behind them.

    Attributes
    ----------
    stressor, unit : str
        Of a characterisation, the stressor says which gases it adds up.
    currency : str
        Of the table: what `spent` is in, at prices of the table's year.
    valuation : str
        "basic" or "purchaser": what the amounts are.
    total : float
        Of all matched lines, in `unit`.
    spent : float
        On them, in `currency` and prices of the table's year.
    error_bound : float
        Proved bound, in `unit`, on the error of `total` and of any sum of emissions here.
    notes : tuple of str
        What was taken for granted, and what is not in the result.
    demand : Series, index (region, sector)
        What was bought of each row of the table, in its unit, at basic prices.

    Examples
    --------
    >>> import pandas as pd
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=2, sectors=3)
    >>> bought = pd.DataFrame({"product": ["Wheat", "Paddy rice"], "amount": [1000.0, -100.0]})
    >>> found = cf.purchases(table, bought, buyer="AT")
    >>> found.categories.spent.to_dict()
    {'Wheat': 1000.0, 'Paddy rice': -100.0}
    >>> bool(abs(found.emitters.emissions.sum() - found.total) < found.error_bound)
    True
    """

    stressor: str
    unit: str
    currency: str
    valuation: str
    total: float
    spent: float
    error_bound: float
    notes: tuple[str, ...]
    demand: pd.Series
    _given: Given
    _emissions: FloatArray  # (k,), NaN where unmatched
    _spent: FloatArray
    _findings: tuple[npt.NDArray[np.int64], tuple[str, ...]]
    _groups: list[str]
    _lines: npt.NDArray[np.int64]
    _money: FloatArray  # (groups,)
    _by_emitter: FloatArray  # (groups, R)
    _parts: FloatArray  # (groups, 2): direct, tier 1
    _regions: tuple[str, ...]
    _year: int | None
    _tiers: Callable[[int], pd.DataFrame]
    _paths: Callable[..., Paths]

    def _main_frame(self) -> pd.DataFrame:
        return self.categories

    def __repr__(self) -> str:
        lost = int(np.isnan(self._emissions).sum())
        kept = len(self._emissions) - lost
        return (
            f"Purchases({self.stressor!r}: {self._amount(self.total)} for "
            f"{f'{self.spent:,.2f}'.removesuffix('.00')} {self.currency}; "
            f"{count(kept, 'line')}, {lost:,} unmatched)"
        )

    def _amount(self, value: float) -> str:
        scale = scale_for([value], self.unit)
        return f"{value / scale.factor:.6g} {scale.unit}".rstrip()

    @property
    def lines(self) -> pd.DataFrame:
        """The ledger with four more columns: line, spent, emissions and finding.

        `line` is where it stands in the file, whose names are line 1; of a frame its row, counted
        from 1. A line that matches no product has a finding, and no emissions.
        """
        keys, findings = self._findings
        frame = self._given.frame.copy()
        frame.insert(0, "line", self._given.lines)
        frame["spent"], frame["emissions"] = self._spent, self._emissions
        codes, texts = pd.factorize(np.array(findings, dtype=object))
        frame["finding"] = pd.Categorical.from_codes(codes[keys], texts)
        frame.attrs = self._attrs
        return frame

    @property
    def unmatched(self) -> pd.DataFrame:
        """The lines that match no product, with all columns of `lines`; `finding` says why."""
        lines = self.lines
        return lines[np.isnan(self._emissions)].drop(columns=["spent", "emissions"])

    @property
    def categories(self) -> pd.DataFrame:
        """Emissions by category of the ledger, or by product where a line has none.

        Columns lines, spent, emissions, share (of sizes, if some are below zero), and the parts
        direct, tier_1 and rest; the largest first.
        """
        emissions = self._by_emitter.sum(axis=1)
        frame = pd.DataFrame(
            {
                "lines": self._lines,
                "spent": self._money,
                "emissions": emissions,
                "share": _shares(emissions),
                "direct": self._parts[:, 0],
                "tier_1": self._parts[:, 1],
                "rest": emissions - self._parts.sum(axis=1),
            },
            index=pd.Index(self._groups, name="category", dtype=object),
        )
        return self._sorted(frame)

    @property
    def emitters(self) -> pd.DataFrame:
        """Emissions by the region where they occur; columns emissions and share, largest first."""
        emissions = self._by_emitter.sum(axis=0)
        frame = pd.DataFrame(
            {"emissions": emissions, "share": _shares(emissions)},
            index=pd.Index(self._regions, name="region"),
        )
        return self._sorted(frame)

    @property
    def by_emitter(self) -> pd.DataFrame:
        """Emissions by category (rows) and by the region where they occur (columns)."""
        rows = pd.Index(self._groups, name="category", dtype=object)
        frame = pd.DataFrame(self._by_emitter, rows, pd.Index(self._regions, name="region"))
        frame.attrs = self._attrs
        return frame

    @property
    def tiers(self) -> pd.DataFrame:
        """Emissions by the number of purchases behind the firm's own; see `production_layers`.

        Index tier: 0 is emitted by the makers of what was bought, 1 by their suppliers, up to 10;
        `remainder` is everything beyond.
        """
        return self._kept_tiers.copy()

    @cached_property
    def _kept_tiers(self) -> pd.DataFrame:
        return self._tiers(10)

    def paths(self, **options: Any) -> Paths:
        """Return the largest supply chains: `structural_paths` of what was bought.

        Parameters
        ----------
        **options
            top, threshold, min_share, coverage, max_paths, max_stage, start, through, end, rtol,
            threads.

        Raises
        ------
        InputError
            If `demand` is given, which is what was bought, or an option is wrong.
        """
        if "demand" in options:
            raise InputError.about(
                "demand",
                expected="what was bought",
                got=repr(options["demand"])[:60],
                remedy="leave it out, or ask cf.structural_paths",
            )
        return self._paths(**options)

    def price_coverage(self, regions: Any) -> float:
        """Return the share of these emissions that occur in regions with a carbon price.

        Parameters
        ----------
        regions : str or list
            Regions with a price: regions of the table, countries, or groups, such as
            "EU ETS 2009"; "EU" is the membership of the table's year.

        Returns
        -------
        float
            Of all emissions, by size where some are below zero. NaN if nothing is emitted.

        Raises
        ------
        LabelError
            If a region is unknown.
        """
        if isinstance(regions, np.ndarray | pd.Series | pd.Index):
            regions = regions.tolist()
        priced = np.array(regions_in(self._regions, regions, "regions", year=self._year))
        sizes = np.abs(self._by_emitter.sum(axis=0))
        everywhere = float(sizes.sum())
        return float(sizes[priced].sum()) / everywhere if everywhere else float("nan")

    def summary(self) -> pd.DataFrame:
        """Return the main numbers in words, as a frame of name and value.

        Returns
        -------
        DataFrame, columns name, value
        """
        lost = int(np.isnan(self._emissions).sum())
        facts: dict[str, Any] = {
            "stressor": self.stressor,
            "unit": self.unit,
            "emissions": self.total,
            "error bound": self.error_bound,
            "spent": self.spent,
            "currency": self.currency,
            "valuation": self.valuation,
            "lines": len(self._emissions),
            "unmatched lines": lost,
        }
        facts |= {f"note {at}": note for at, note in enumerate(self.notes, 1)}
        return pd.DataFrame({"name": list(facts), "value": pd.Series(facts.values(), dtype=object)})

    def save(self, path: str | os.PathLike[str], *, top: int = CHAINS) -> Path:
        """Write everything as one workbook, which appears complete or not at all.

        Parameters
        ----------
        path : path
            Ends in .xlsx. Sheets: summary, lines, categories, emitters, tiers, chains, unmatched.
        top : int
            Supply chains in it.

        Returns
        -------
        Path

        Raises
        ------
        InputError
            If the name ends otherwise, openpyxl is not installed, the file cannot be written, or
            there are more lines than a sheet has.
        """
        target = given_path("path", path)
        top = whole("top", top, remedy=f"leave it out for {CHAINS}")
        check_workbook(target, "path", len(self._emissions))
        sheets = {
            "summary": self.summary(),
            "lines": self.lines,
            "categories": self.categories.reset_index(),
            "emitters": self.emitters.reset_index(),
            "tiers": self.tiers.reset_index(),
            "chains": self.paths(top=top).to_frame(),
            "unmatched": self.unmatched,
        }
        with replacing(target, "path") as fresh:
            write_workbook(sheets, fresh)
        return target

    @property
    def _attrs(self) -> dict[str, Any]:
        return {"stressor": self.stressor, "unit": self.unit, "error_bound": self.error_bound}

    def _sorted(self, frame: pd.DataFrame) -> pd.DataFrame:
        order = np.argsort(-np.abs(frame["emissions"].to_numpy()), kind="stable")
        found = frame.iloc[order]
        found.attrs = self._attrs
        return found


def _shares(values: FloatArray) -> FloatArray:
    gross = float(np.abs(values).sum())
    return values / gross if gross else np.full(values.shape, np.nan)
