"""The result of a sector study: three steps, borders between them, products, tiers and prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.markup import Shown
from carbonflows_fast._base.wording import count
from carbonflows_fast.accounting._region_flows import unknown_consumers
from carbonflows_fast.classification import regions_in
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.sectors._study_errors import WHOLE, StudyDeviations

if TYPE_CHECKING:
    from carbonflows_fast.paths import Paths

__all__ = ["SectorStudy"]

STEPS = ("emitted", "made", "consumed")


@dataclass(frozen=True, eq=False, repr=False)
class SectorStudy(Shown):
    """The supply chains that pass through some sectors, each counted once.

    Attributes
    ----------
    name : str
        The study, or the sectors that were named.
    stressor, unit : str
    sectors : tuple of str
        Distinct labels of the rows studied, the target T.
    notes : tuple of str
        If a table cannot separate the subject of a study: the other products in its rows.
    total : float
        E_T, emissions of all supply chains that pass through T at least once, in `unit`.
    direct, upstream : float
        The part emitted by T itself, and by its suppliers; they add up to `total`.
    error_bound : float
        Absolute bound, in `unit`, on the error of `total`, `direct`, `upstream`, of any entry of
        `flow` and of any sum of entries.
    sd : Series or None
        Standard deviations of total, direct and upstream, in `unit`, if it was asked with errors.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> study = cf.sector_study(cf.synthetic.world(2, 3), sectors="Wheat")
    >>> study.by("made", "consumed").shape, study.border_shares.index.tolist()[:2]
    ((4,), ['emitted → made', 'made → consumed'])
    >>> study.price_coverage(["AT", "BE"])
    1.0
    """

    name: str
    stressor: str
    unit: str
    sectors: tuple[str, ...]
    notes: tuple[str, ...]
    total: float
    direct: float
    upstream: float
    error_bound: float
    _steps: FloatArray  # (R, R, q): emitted, made, consumed
    _products_bound: float
    _products: FloatArray  # (n, q)
    _rows: pd.MultiIndex
    _regions: tuple[str, ...]
    _consumers: tuple[str, ...]
    _known_consumers: bool
    _year: int | None
    _tiers: Callable[[int], pd.DataFrame]
    _paths: Callable[..., Paths]
    _deviations: StudyDeviations | None = None

    def _main_frame(self) -> pd.DataFrame:
        return self.flow.sort_values("value", ascending=False, kind="stable")

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        note = f"; {count(len(self.notes), 'note')}" if self.notes else ""
        return (
            f"SectorStudy({self.name!r}, {self.stressor!r}: total {self.total:.6g}{unit}, "
            f"direct {self.direct:.6g}, upstream {self.upstream:.6g}; "
            f"{shorten(self.sectors, 2)}{note})"
        )

    @property
    def flow(self) -> pd.DataFrame:
        """Emissions by three regions: columns emitted, made, consumed, value, in `unit`.

        E_prq = Σ_{j∈T∩r} m_j^(p) z_j^(q): emitted in p, for deliveries of T in r, finally consumed
        in q. There is a row for every triple; they add up to `total`.
        """
        places = np.indices(self._steps.shape).reshape(3, -1)
        labels = (self._regions, self._regions, self._consumers)
        columns: dict[str, Any] = {
            step: np.array(names, dtype=object)[place]
            for step, names, place in zip(STEPS, labels, places, strict=True)
        }
        frame = pd.DataFrame(columns | {"value": self._steps.ravel()})
        frame.attrs = self._attrs
        return frame

    def by(self, *steps: str) -> pd.Series:
        """Return the emissions by the named steps, summed over the others.

        Parameters
        ----------
        *steps : {"emitted", "made", "consumed"}
            One or two, in the order wanted.

        Returns
        -------
        Series, index the regions of these steps, in `unit`

        Raises
        ------
        InputError
            If a step is unknown or named twice, or if there is none.
        """
        named = all(isinstance(step, str) and step in STEPS for step in steps)
        if not steps or not named or len(set(steps)) < len(steps):
            raise InputError.about(
                "steps",
                expected=f"different ones of {', '.join(STEPS)}",
                got=repr(steps),
                remedy="name one or two",
            )
        kept = [STEPS.index(step) for step in steps]
        summed = self._steps.sum(axis=tuple(a for a in range(3) if a not in kept))
        summed = summed.transpose([sorted(kept).index(axis) for axis in kept])
        labels = (self._regions, self._regions, self._consumers)
        names = [labels[a] for a in kept]
        index = (
            pd.Index(names[0], name=steps[0])
            if len(names) == 1
            else pd.MultiIndex.from_product(names, names=steps)
        )
        series = pd.Series(summed.ravel(), index=index, name="value")
        series.attrs = self._attrs
        return series

    @property
    def sd(self) -> pd.Series | None:
        """Standard deviations of total, direct and upstream, in `unit`; None without errors."""
        if self._deviations is None:
            return None
        return pd.Series(self._deviations.whole, list(WHOLE), name="sd")

    def sd_by(self, step: str) -> pd.Series:
        """Return the standard deviations of the sums by one step, as `by(step)` has them.

        Parameters
        ----------
        step : {"emitted", "made", "consumed"}

        Returns
        -------
        Series, index the regions of this step, in `unit`

        Raises
        ------
        InputError
            If the step is unknown, or the study knew of no errors.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> errors = cf.Errors(Z=0.1, Y=0.1, F=0.1)
        >>> study = cf.sector_study(cf.synthetic.world(2, 3), sectors="Wheat", errors=errors)
        >>> (study.sd_by("made") / study.by("made")).round(2).to_dict()
        {'AT': 0.08, 'BE': 0.1}
        """
        one_of("step", step, STEPS)
        if self._deviations is None:
            raise InputError.about(
                "errors",
                expected="a study with errors of the data",
                got="one without",
                remedy="ask cf.sector_study(…, errors=cf.Errors(…))",
            )
        return pd.Series(self._deviations.by_step[step], self.by(step).index, name="sd")

    @property
    def border_shares(self) -> pd.Series:
        """Share of the emissions that crosses a border between two steps; plain numbers.

        The denominator is Σ|value| over the rows of `flow`, which is `total` if all have one sign.
        Index "emitted → made", "made → consumed", "emitted → consumed" and "any". NaN if
        nothing is emitted, or, except for the first, if the demand was an array.
        """
        sizes, gross = np.abs(self._steps), float(np.abs(self._steps).sum())
        p, r, q = np.ogrid[tuple(slice(size) for size in self._steps.shape)]
        crossed = {
            "emitted → made": p != r,
            "made → consumed": r != q,
            "emitted → consumed": p != q,
            "any": (p != r) | (r != q),
        }
        shares = {}
        for between, where in crossed.items():
            known = self._known_consumers or between == "emitted → made"
            part = float(np.where(where, sizes, 0.0).sum())
            shares[between] = part / gross if known and gross else np.nan
        return pd.Series(shares, name="share")

    @property
    def products(self) -> pd.DataFrame:
        """Emissions by the product that carries them to final users, rows × consumers, in `unit`.

        Rows of T: direct final purchases. Other rows: emissions that reach their makers through T.
        They add up to `total`. `attrs["error_bound"]`: of any entry and of any sum of entries.
        """
        columns = pd.Index(self._consumers, name="consumer")
        frame = pd.DataFrame(self._products, self._rows, columns)
        frame.attrs = self._attrs | {"error_bound": self._products_bound}
        return frame

    @property
    def tiers(self) -> pd.DataFrame:
        """Emissions by the number of purchases upstream of T; see `production_layers`.

        Index tier: 0 is T itself in its last delivery, 1 its suppliers, up to 10; `remainder` is
        everything beyond.
        """
        return self._kept_tiers.copy()

    @cached_property
    def _kept_tiers(self) -> pd.DataFrame:
        return self._tiers(10)

    def paths(self, **options: Any) -> Paths:
        """Return the largest supply chains through T: `structural_paths` with ``through=T``.

        Parameters
        ----------
        **options
            top, threshold, min_share, coverage, max_paths, max_stage, start, end, rtol, threads.

        Raises
        ------
        InputError
            If `through` or `demand` is given; both are fixed by the study.
        """
        for name in ("through", "demand"):
            if name in options:
                raise InputError.about(
                    name,
                    expected="what the study is about",
                    got=repr(options[name]),
                    remedy="leave it out, or ask cf.structural_paths",
                )
        return self._paths(**options)

    def price_coverage(self, regions: Any, *, consumers: Any = None) -> float:
        """Return the share of these emissions that occur in regions with a carbon price.

        Parameters
        ----------
        regions : str or list
            Regions with a price: regions of the table, countries, or groups, such as
            "EU ETS 2009"; "EU" is the membership of the table's year.
        consumers : str or list, optional
            The consumers; the default is all regions.

        Returns
        -------
        float
            Σ over emitting regions in the set / Σ over all; of |value| if flows have both signs.
            NaN if nothing is emitted.

        Raises
        ------
        LabelError
            If a region is unknown.
        InputError
            If consumers are asked for and the demand was an array.
        """
        steps = np.abs(self._steps)
        if consumers is not None:
            if not self._known_consumers:
                raise unknown_consumers("select it by region and category")
            steps = steps[:, :, self._mask(self._consumers, consumers, "consumers")]
        everywhere = float(steps.sum())
        priced = float(steps[self._mask(self._regions, regions, "regions")].sum())
        return priced / everywhere if everywhere else float("nan")

    @property
    def _attrs(self) -> dict[str, Any]:
        return {"stressor": self.stressor, "unit": self.unit, "error_bound": self.error_bound}

    def _mask(self, regions: tuple[str, ...], wanted: Any, argument: str) -> BoolArray:
        if isinstance(wanted, np.ndarray | pd.Series | pd.Index):
            wanted = wanted.tolist()
        return np.array(regions_in(regions, wanted, argument, year=self._year), dtype=np.bool_)
