"""Numbers by product, as users give them: for a row, a sector everywhere, a region, or all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.classification import regions_in
from carbonflows_fast.classification._files import label_key, without_marks
from carbonflows_fast.errors import InputError, LabelError, nearest_are, passed_on
from carbonflows_fast.spending._given import Given

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Labels", "rows_of", "spread_by_row"]

ANYWHERE = ("", "*")


class Labels:
    """The sectors and regions of a table, found by what users call them."""

    def __init__(self, table: Table) -> None:
        p = table.content
        self.regions, self.sectors, self.year = p.regions, p.sectors, table.year
        self._places: dict[str, int] = {}
        again = set()
        for code, sector in enumerate(p.sectors):
            key = label_key(without_marks(sector))
            again |= {key} & self._places.keys()
            self._places[key] = code
        for key in again:  # two labels differ in what does not count: only they themselves will do
            del self._places[key]
        self._places |= {sector: code for code, sector in enumerate(p.sectors)}

    def sector(self, name: str) -> int | None:
        """Return the code of a sector, None for one that is unknown."""
        found = self._places.get(name)
        return self._places.get(label_key(without_marks(name))) if found is None else found

    def region(self, name: str) -> BoolArray:
        """Return which regions a name means: all for none.

        Raises
        ------
        LabelError
        """
        if name in ANYWHERE:
            return np.ones(len(self.regions), dtype=np.bool_)
        return np.array(regions_in(self.regions, name, "region", year=self.year), dtype=np.bool_)


def rows_of(given: Given, table: Table) -> Iterator[BoolArray]:
    """Yield the rows of the table that each line of a frame is about.

    An empty sector is every sector, an empty region every region.

    Raises
    ------
    LabelError
        If a sector or a region is unknown, or no row has both.
    """
    labels, p = Labels(table), table.content
    places: dict[str, BoolArray] = {}  # of a region, which many lines may name
    lines = zip(given.texts("region"), given.texts("sector"), given.lines, strict=True)
    for region, sector, line in lines:
        code = None if sector in ANYWHERE else labels.sector(sector)
        if code is None and sector not in ANYWHERE:
            raise _unknown(given, "sector", sector, line, nearest_are(sector, p.sectors))
        if region not in places:
            try:
                places[region] = labels.region(region)[p.region_codes]
            except LabelError as error:
                raise passed_on(
                    error, LabelError, f"{given.place('region')}, {given.called} {line:,}"
                ) from error
        here = places[region]
        here = here if code is None else here & (p.sector_codes == code)
        if not here.any():
            raise _unknown(given, "region", region, line, f"no row there is {sector!r}")
        yield here


def _unknown(given: Given, kind: str, name: str, line: Any, remedy: str) -> LabelError:
    return LabelError.about(
        given.place(kind),
        expected=f"a {kind} of the table",
        got=f"{name!r} in {given.called} {line:,}",
        remedy=remedy,
    )


def spread_by_row(
    given: Given, table: Table, values: FloatArray, also: npt.NDArray[np.int64] | None = None
) -> FloatArray:
    """Return the numbers of every row of the table, NaN where there are none.

    Where several lines are about a row, the one for its sector and region counts, then its sector,
    its region, and last the one for all.

    Parameters
    ----------
    given : Given
    table : Table
    values : ndarray, shape (k, c)
        Of each line.
    also : ndarray of int, shape (k,), optional
        What else tells lines apart, such as the year: codes from 0 on.

    Returns
    -------
    ndarray, shape (groups, n, c)

    Raises
    ------
    LabelError
    InputError
        If two lines are about the same.
    """
    group = np.zeros(len(values), np.int64) if also is None else also
    weights = [
        2 * (sector not in ANYWHERE) + (region not in ANYWHERE)
        for region, sector in zip(given.texts("region"), given.texts("sector"), strict=True)
    ]
    out = np.full((int(group.max(initial=0)) + 1, table.n, values.shape[1]), np.nan)
    rank = np.full(out.shape[:2], -1)
    for line, here in enumerate(rows_of(given, table)):
        taken = here & (rank[group[line]] == weights[line])
        if taken.any():
            raise InputError.about(
                given.argument,
                expected="one line for each product",
                got=f"a second one for {table.rows[int(np.flatnonzero(taken)[0])]} in "
                f"{given.called} {given.lines[line]:,}",
                remedy="leave one of them out",
            )
        better = here & (rank[group[line]] < weights[line])
        out[group[line], better], rank[group[line], better] = values[line], weights[line]
    return out
