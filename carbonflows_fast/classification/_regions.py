"""Countries and groups of them, and which regions of a table they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from carbonflows_fast.classification._files import field, label_key, records
from carbonflows_fast.errors import InputError, LabelError, nearest_are, shorten, wrong

__all__ = ["country_of", "region_groups", "regions_in", "renamed_regions"]

# EXIOBASE's rests of the world. WF is also Wallis and Futuna in ISO 3166, the only such clash.
_EXIOBASE_RESTS = frozenset({"WA", "WL", "WE", "WF", "WM"})


@cache
def _countries() -> dict[str, str]:
    """Return ISO 3166 alpha-3 by key: codes first, then names, then aliases."""
    found: dict[str, str] = {}
    for column in ("iso3", "iso2", "name", "aliases"):
        for row in records("regions"):
            for text in field(row, column).split("|"):
                found.setdefault(label_key(text), row["iso3"])
    found.pop("", None)
    return found


@cache
def _groups() -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    for row in records("region_groups"):
        members.setdefault(row["group"], set()).add(row["iso3"])
    return {group: frozenset(countries) for group, countries in members.items()}


def region_groups() -> tuple[str, ...]:
    """Return the names of the shipped groups of countries.

    Returns
    -------
    tuple of str
        In the order of the file `region_groups.csv`.

    Examples
    --------
    >>> {"EU27", "EU ETS 2009", "Annex I", "OECD"} <= set(region_groups())
    True
    """
    return tuple(_groups())


def country_of(label: str) -> str | None:
    """Return the country that a code or name means, as ISO 3166 alpha-3.

    Parameters
    ----------
    label : str
        Alpha-2, alpha-3, a name or an alias (database codes such as "ROM" or "UK" among them);
        letter case does not count.

    Returns
    -------
    str or None
        None where it is no country. Alone, "WF" is Wallis and Futuna; in a table of EXIOBASE it
        is the rest of Africa, which `regions_in` knows.

    Examples
    --------
    >>> country_of("Turkey"), country_of("rom"), country_of("RoW")
    ('TUR', 'ROU', None)
    """
    return _countries().get(label_key(label))


def regions_in(regions: Sequence[str], wanted: Any, argument: str = "regions") -> tuple[bool, ...]:
    """Return which regions of a table are meant.

    Parameters
    ----------
    regions : sequence of str
        The table's region labels, codes or names.
    wanted : str, or list, tuple or set of str
        A label of the table; a group ("EU27", "EU ETS 2009", "Annex I"); a country by alpha-2,
        alpha-3, name or alias. Labels of the table win. Several: their union. A member of a group
        that the table does not have (it is inside a rest of the world) is simply not there.
    argument : str
        The argument's name in errors.

    Returns
    -------
    tuple of bool
        One for each region.

    Raises
    ------
    LabelError
        If a name is unknown, if a country is not in the table, or if no member of a group is.
    InputError
        If nothing is wanted.

    Examples
    --------
    >>> regions_in(["DEU", "ROM", "USA", "RoW"], "EU27")
    (True, True, False, False)
    >>> regions_in(["DEU", "ROM", "USA", "RoW"], ["RoW", "Germany"])
    (True, False, False, True)
    """
    items = [*wanted] if isinstance(wanted, list | tuple | set | frozenset) else [wanted]
    if isinstance(wanted, set | frozenset):  # no order of its own, but an error must be the same
        items.sort(key=str)
    if not items:
        raise InputError(
            wrong(
                argument,
                expected="at least one region or group",
                got="none",
                remedy="give e.g. 'EU27'",
            )
        )
    names = tuple(regions)
    countries = _table_countries(names)
    chosen = [_meant(names, countries, item, argument) for item in items]
    return tuple(any(column) for column in zip(*chosen, strict=True))


def renamed_regions(regions: Sequence[str], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new name of each region that gets one.

    Parameters
    ----------
    regions : sequence of str
        The table's region labels.
    names : mapping
        From whatever `regions_in` knows to a new name. Labels of the table go before countries,
        these before groups that they belong to, and a later group before an earlier one.

    Returns
    -------
    dict
        From label to new name; regions that are not meant are not in it.

    Raises
    ------
    LabelError
        If a key is unknown.

    Examples
    --------
    >>> renamed_regions(["DEU", "ROM", "GBR", "USA"], {"EU27": "EU", "GBR": "UK"})
    {'DEU': 'EU', 'ROM': 'EU', 'GBR': 'UK'}
    """
    labels = tuple(regions)
    found: dict[str, Any] = {}
    groups = {label_key(group) for group in _groups()}
    rank = {key: 2 if key in labels else int(label_key(str(key)) not in groups) for key in names}
    for key in sorted(names, key=rank.__getitem__):  # stable: groups first, labels last
        chosen = regions_in(labels, key)
        found |= {label: names[key] for label, here in zip(labels, chosen, strict=True) if here}
    return found


def _table_countries(regions: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return the country of each region; a rest of the world is none."""
    present = _EXIOBASE_RESTS & set(regions)
    rests = present if len(present) > 1 else frozenset()
    return tuple(None if region in rests else country_of(region) for region in regions)


def _meant(
    regions: tuple[str, ...], countries: tuple[str | None, ...], item: Any, argument: str
) -> tuple[bool, ...]:
    """Return which regions one item means."""
    if item in regions:
        return tuple(region == item for region in regions)
    key = label_key(item) if isinstance(item, str) else ""
    if key in map(label_key, regions):
        return tuple(label_key(region) == key for region in regions)
    group = next((name for name in _groups() if label_key(name) == key), None)
    country = country_of(key)
    if group is None and country is None:
        known = [*regions, *region_groups()]
        raise LabelError(
            wrong(
                argument,
                expected="a region of the table, a country or a group of countries",
                got=repr(item),
                remedy=nearest_are(item, known),
            )
        )
    members = _groups()[group] if group else frozenset({country})
    mask = tuple(region in members for region in countries)
    if not any(mask):
        what = f"the group {group!r}" if group else f"the country {item!r} ({country})"
        raise LabelError(
            wrong(
                argument,
                expected="a country that the table has, or a group with such a country",
                got=f"{what}, of which it has no region of its own",
                remedy=f"the table's regions are {shorten(map(repr, regions))}",
            )
        )
    return mask
