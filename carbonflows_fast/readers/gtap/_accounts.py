"""The accounts of a table of GTAP, whichever version's headers hold them.

Version 7 (releases 10 and 11 in their new format) has activities that make commodities (MAKB), and
investment apart. In version 6 a commodity is its industry, and investment is a column of what firms
buy, CGDS. Names end in B for basic prices and P for what is paid in version 7 (VDFB, VDFP), in M
and A in version 6 (VDFM, VDFA).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers.gtap._har import Array
from carbonflows_fast.readers.gtap._headers import Headers

__all__ = ["FINAL", "Accounts", "Axis", "aligned", "read_accounts"]

logger = logging.getLogger(__name__)

FINAL = ("households", "government", "investment")
MOST_ACCOUNTS = 1 << 27  # numbers of one account; the whole of GTAP 11 has 5 million


class Axis:
    """Labels in order, found in any case."""

    def __init__(self, labels: Iterable[str]) -> None:
        self.labels = list({label.casefold(): label for label in reversed(list(labels))}.values())
        self.labels.reverse()
        self.places = {label.casefold(): at for at, label in enumerate(self.labels)}

    def __len__(self) -> int:
        return len(self.labels)

    def positions(self, array: Array, dimension: int) -> list[int]:
        """Return where the labels of an array's dimension are.

        Raises
        ------
        FormatError
            If one is not there, or two are the same.
        """
        labels = [label.casefold() for label in array.labels[dimension]]
        unknown = [label for label in labels if label not in self.places]
        if unknown or len(set(labels)) < len(labels):
            raise FormatError.about(
                array.where,
                expected=f"labels among {shorten(self.labels, 3)}, each once",
                got=shorten(unknown or [one for one in labels if labels.count(one) > 1]),
                remedy="take all files from one aggregation of GTAP",
            )
        return [self.places[label] for label in labels]


@dataclass(frozen=True)
class Accounts:
    """Accounts of R regions, C commodities, A activities and U = A + 3 users.

    Users are the activities, then households, government and investment. Values are million USD.

    Attributes
    ----------
    version : int
        6 or 7.
    regions, commodities, activities : Axis
    investment : str
        The label of investment among the users of version 6; empty in version 7.
    domestic, imported : arrays, shape (C, U, R)
        Purchases at basic prices, imports with transport and duties.
    paid_domestic, paid_imported : arrays, shape (C, U, R), or None
        The same with taxes on products, where all of these are there.
    make : array, shape (C, A, R), or None
        What activities make, at basic prices; None in version 6.
    made_untaxed : array, shape (C, A, R), or None
        The same before taxes on output.
    exports, exports_fob : arrays, shape (C, R, R), the second may be None
        From a region to another (or to itself), at basic prices, and free on board.
    landed : array, shape (C, R, R), or None
        Imports at basic prices of who buys, to compare with.
    supplied : array, shape (C, R)
        What is sold to international transport.
    carriers : list of int
        The M commodities that transport others between regions.
    carried : array, shape (M, C, R, R)
        What they are paid, by what they carry, from where, and to where.
    factors, factors_paid : dict of str to array (A, R)
        By name of the factor, at basic prices and with taxes; empty if they are not there.
    heads : array, shape (R,), or None
    """

    version: int
    regions: Axis
    commodities: Axis
    activities: Axis
    investment: str
    domestic: FloatArray
    imported: FloatArray
    paid_domestic: FloatArray | None
    paid_imported: FloatArray | None
    make: FloatArray | None
    made_untaxed: FloatArray | None
    exports: FloatArray
    exports_fob: FloatArray | None
    landed: FloatArray | None
    supplied: FloatArray
    carriers: list[int]
    carried: FloatArray
    factors: dict[str, FloatArray]
    factors_paid: dict[str, FloatArray]
    heads: FloatArray | None


def read_accounts(headers: Headers) -> Accounts:
    """Read the accounts.

    Raises
    ------
    FormatError
        If one that is needed is missing or damaged, or labels do not fit together.
    """
    version = 7 if headers.has("VDFB") else 6
    return _Reader(headers, version).accounts()


NAMES = {
    # commodity, user, region; commodity, region for each kind of final demand
    7: {
        "domestic": ("VDFB", "VDPB", "VDGB", "VDIB"),
        "imported": ("VMFB", "VMPB", "VMGB", "VMIB"),
        "paid_domestic": ("VDFP", "VDPP", "VDGP", "VDIP"),
        "paid_imported": ("VMFP", "VMPP", "VMGP", "VMIP"),
        "trade": ("VXSB", "VFOB", "VMSB"),
        "factors": ("EVFB", "EVFP"),
    },
    6: {
        "domestic": ("VDFM", "VDPM", "VDGM"),
        "imported": ("VIFM", "VIPM", "VIGM"),
        "paid_domestic": ("VDFA", "VDPA", "VDGA"),
        "paid_imported": ("VIFA", "VIPA", "VIGA"),
        "trade": ("VXMD", "VXWD", "VIMS"),
        "factors": ("VFM", "EVFA"),
    },
}


class _Reader:
    def __init__(self, headers: Headers, version: int) -> None:
        self.headers, self.version, self.names = headers, version, NAMES[version]
        self._refuse_missing()
        self.domestic = [self._needed(name, 3 - (at > 0)) for at, name in self._of("domestic")]
        self.imported = [self._needed(name, 3 - (at > 0)) for at, name in self._of("imported")]
        self.exports = self._needed(self.names["trade"][0], 3)
        self.supplied = self._needed("VST", 2)
        self.make = self._needed("MAKB", 3) if version == 7 else None
        sets = ("COMM", "ACTS") if version == 7 else ("TRAD_COMM", "PROD_COMM")
        self.commodities, users = (self._axis(name, at) for at, name in enumerate(sets))
        self.regions = self._axis("REG", -1)
        self.investment, self.activities = "", users
        if version == 6:
            self._set_investment_apart(users)

    def _refuse_missing(self) -> None:
        names = [*self.names["domestic"], *self.names["imported"], self.names["trade"][0]]
        names += ["VST", "VTWR", *["MAKB"] * (self.version == 7)]
        if missing := [name for name in names if not self.headers.has(name)]:
            raise FormatError.about(
                self.headers.where,
                expected=f"the accounts of GTAP version {self.version}",
                got=f"none of {shorten(missing, 12)}",
                remedy="add the file that has them (basedata.har, or a CSV file for each)",
            )

    def _of(self, account: str) -> list[tuple[int, str]]:
        return list(enumerate(self.names[account]))

    def _optional(self, name: str, dimensions: int) -> Array | None:
        return self._needed(name, dimensions) if self.headers.has(name) else None

    def _needed(self, name: str, dimensions: int) -> Array:
        array = self.headers.find(name)
        assert array is not None, "missing ones are refused before"
        if array.values.ndim != dimensions:
            raise FormatError.about(
                array.where,
                expected=f"{dimensions} dimensions",
                got=str(array.values.ndim),
                remedy="take all files from one aggregation of GTAP",
            )
        return array

    def _axis(self, name: str, dimension: int) -> Axis:
        """Return the labels of a dimension: the set's, else those that the accounts have."""
        listed = self.headers.labels(name)
        if listed is not None:
            return Axis(listed)
        whole = [self.domestic[0]]
        if not self.headers.whole:
            whole += [self.imported[0], *([self.make] if self.make else [])]
        if not self.headers.whole and dimension != 1:
            whole += [*self.domestic[1:], *self.imported[1:], self.exports, self.supplied]
        return Axis(label for one in whole for label in one.labels[dimension])

    def _set_investment_apart(self, users: Axis) -> None:
        others = [one for one in users.labels if one.casefold() not in self.commodities.places]
        if len(others) != 1:
            raise FormatError.about(
                self.domestic[0].where,
                expected="one user that is no commodity, for investment (CGDS)",
                got=shorten(others) or "none",
                remedy="take all files from one aggregation of GTAP",
            )
        self.investment, self.activities = others[0], self.commodities

    def accounts(self) -> Accounts:
        exports, fob, landed = self._trade()
        carried, carriers = self._carried()
        names = self.names["factors"]
        untaxed = self._optional("MAKS", 3) if self.version == 7 else None
        three = (self.commodities, self.activities, self.regions)
        heads = self._optional("POP", 1)
        return Accounts(
            self.version,
            self.regions,
            self.commodities,
            self.activities,
            self.investment,
            self._bought(self.domestic),
            self._bought(self.imported),
            self._paid("paid_domestic"),
            self._paid("paid_imported"),
            None if self.make is None else aligned(self.make, three),
            None if untaxed is None else aligned(untaxed, three),
            exports,
            fob,
            landed,
            aligned(self.supplied, (self.commodities, self.regions)),
            carriers,
            carried,
            self._factors(names[0]),
            self._factors(names[1]),
            None if heads is None else 1e6 * aligned(heads, (self.regions,)),
        )

    def _bought(self, arrays: Sequence[Array]) -> FloatArray:
        """Put purchases of firms and final users side by side, (C, U, R)."""
        two = (self.commodities, self.regions)
        users = Axis([*self.activities.labels, *([self.investment] if self.investment else [])])
        firms = aligned(arrays[0], (self.commodities, users, self.regions))
        final = [aligned(array, two) for array in arrays[1:]]
        if self.version == 6:
            firms, invested = firms[:, :-1], firms[:, -1]
            final.append(invested)
        return np.concatenate([firms, np.stack(final, axis=1)], axis=1)

    def _paid(self, account: str) -> FloatArray | None:
        found = [self._optional(name, 3 - (at > 0)) for at, name in self._of(account)]
        there = [array for array in found if array is not None]
        return self._bought(there) if len(there) == len(found) else None

    def _trade(self) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
        three = (self.commodities, self.regions, self.regions)
        _, *others = self.names["trade"]
        fob, landed = (
            None if array is None else aligned(array, three)
            for array in (self._optional(name, 3) for name in others)
        )
        return aligned(self.exports, three), fob, landed

    def _carried(self) -> tuple[FloatArray, list[int]]:
        array = self._needed("VTWR", 4)
        carriers = self.commodities.positions(array, 0)
        kinds = Axis(array.labels[0])
        return aligned(array, (kinds, self.commodities, self.regions, self.regions)), carriers

    def _factors(self, name: str) -> dict[str, FloatArray]:
        array = self._optional(name, 3)
        if array is None:
            return {}
        names = Axis(array.labels[0])
        users = Axis([*self.activities.labels, *([self.investment] if self.investment else [])])
        values = aligned(array, (names, users, self.regions))[:, : len(self.activities)]
        return dict(zip(names.labels, values, strict=True))


def aligned(array: Array, axes: Sequence[Axis]) -> FloatArray:
    """Return an array in the order of axes; what it has no label for is zero, and logged.

    Raises
    ------
    FormatError
        If a label is unknown, or occurs twice.
    """
    shape = [len(axis) for axis in axes]
    if np.prod(shape, dtype=float) > MOST_ACCOUNTS:
        raise FormatError.about(
            array.where,
            expected=f"at most {MOST_ACCOUNTS} numbers",
            got=" × ".join(map(str, shape)),
            remedy="this is no table in a known layout",
        )
    places: Any = [axis.positions(array, at) for at, axis in enumerate(axes)]
    for axis, found in zip(axes, places, strict=True):
        if lacking := len(axis) - len(found):
            logger.info("%s: %d of %d labels are not there, zero", array.where, lacking, len(axis))
    values = np.zeros(shape)
    values[np.ix_(*places)] = array.values
    return values
