"""Whether rows have the order of regions that the labels say.

mrio-toolbox keeps an order of labels for each axis of a part; NetCDF, one for each dimension. A
part whose rows were in another order than its columns is saved with the labels of the columns for
both, without a warning. Only the numbers tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError

__all__ = ["check_balance", "check_home", "check_parts"]

DIFFERENCE = 0.1  # of output: published tables balance to a few percent
FITS = 0.02  # of a region's numbers: another region's that are so near in all sectors are its own
ANEW = "bring all parts into one order in mrio-toolbox, and save it anew"


def check_balance(
    where: str, regions: Sequence[str], outputs: FloatArray, inputs: FloatArray
) -> None:
    """Raise unless each region's outputs are its inputs, nearly.

    Parameters
    ----------
    where : str
    regions : sequence of str
    outputs, inputs : arrays (regions, sectors)
        Sums of rows, and of columns with value added.

    Raises
    ------
    FormatError
        If another order fits better, or none does.
    """
    differences = np.array([np.abs(outputs[at] - inputs).sum(axis=1) for at in range(len(outputs))])
    total, own = float(np.abs(outputs).sum()), float(np.trace(differences))
    if own <= DIFFERENCE * total:
        return
    rows, columns = linear_sum_assignment(differences)
    best = float(differences[rows, columns].sum())
    at = next((int(r) for r, c in zip(rows, columns, strict=True) if r != c), 0)
    fits = best <= own / 2 and int(columns[at]) != at
    raise FormatError.about(
        f"{where}, t, y and va",
        expected="outputs of each region that are its inputs, to 10 %",
        got=f"rows called {regions[at]!r} that fit the columns of {regions[int(columns[at])]!r}"
        if fits
        else f"a difference of {100 * own / total:.0f} % of all output"
        if total
        else "no output",
        remedy=f"rows and columns have two orders of regions, or va is not whole: {ANEW}",
    )


def check_parts(
    where: str, regions: Sequence[str], parts: Iterable[tuple[str, FloatArray, FloatArray]]
) -> None:
    """Raise if numbers of regions, however small, are those that others need to balance.

    Parameters
    ----------
    where : str
    regions : sequence of str
    parts : iterable of (name, ndarray, ndarray), shapes (regions, sectors)
        Sums of a part, and what the others say that they are.

    Raises
    ------
    FormatError
        If regions that are off by 10 % fit others that are off and fit others too.
    """
    for name, sums, others in parts:
        size = np.abs(sums).sum(axis=1)
        off = np.flatnonzero(np.abs(sums - others).sum(axis=1) > DIFFERENCE * size)
        fits = {
            at: off[np.abs(sums[at] - others[off]).sum(axis=1) <= FITS * size[at]].tolist()
            for at in off.tolist()
        }
        for at, found in fits.items():
            if moved := [other for other in found if fits[other]]:  # an order moves both
                raise FormatError.about(
                    f"{where}, {name}",
                    expected="regions that balance under their own names",
                    got=f"numbers called {regions[at]!r} that fit {regions[moved[0]]!r}",
                    remedy=f"its regions have another order than those of other parts: {ANEW}",
                )


def check_home(where: str, regions: Sequence[str], deliveries: FloatArray) -> None:
    """Raise unless regions buy more at home than in any other order of rows.

    Parameters
    ----------
    where : str
    regions : sequence of str
    deliveries : array (regions, regions)
        Seller by buyer.

    Raises
    ------
    FormatError
        If another order fits better, or as well.
    """
    own = np.diag(deliveries)
    rows, columns = linear_sum_assignment(deliveries, maximize=True)
    moved = rows != columns
    if deliveries[rows, columns].sum() > own.sum() * (1 + 1e-9):
        at, other = int(rows[moved][0]), int(columns[moved][0])
    else:
        at_home, apart = own[:, None] + own, deliveries + deliveries.T
        alike = np.triu((apart >= at_home * (1 - 1e-9)) & (apart > 0), 1)
        if not alike.any():
            return
        at, other = (int(place) for place in np.argwhere(alike)[0])
    raise FormatError.about(
        where,
        expected="regions that buy most at home",
        got=f"{regions[other]!r} and {regions[at]!r}, which do not",
        remedy=f"rows and columns have two orders of regions: {ANEW}",
    )
