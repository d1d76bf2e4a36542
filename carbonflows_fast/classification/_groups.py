"""Groups of countries: those shipped, and the European Union of any year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from carbonflows_fast.classification._files import label_key, records
from carbonflows_fast.errors import LabelError

__all__ = ["group_called", "membership_note", "memberships_note", "region_groups"]

UNION = re.compile(r"eu(?P<count>\d{1,2})?(?:[ _](?P<year>\d{4}))?")
FOUNDED = 1958


@cache
def _groups() -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    for row in records("region_groups"):
        members.setdefault(row["group"], set()).add(row["iso3"])
    return {group: frozenset(countries) for group, countries in members.items()}


@cache
def _union(year: int) -> frozenset[str]:
    """Return the members of the European Union (before 1993: Communities) at a year's end."""
    return frozenset(
        row["iso3"]
        for row in records("eu_members")
        if int(row["joined"]) <= year and (not row["left"] or year < int(row["left"]))
    )


def region_groups() -> tuple[str, ...]:
    """Return the names of the shipped groups of countries.

    Returns
    -------
    tuple of str
        In the order of the file `region_groups.csv`. In addition, "EU 2009" is the European Union
        at the end of 2009, likewise for any year from 1958 on, and "EU" is that of the table's
        year. "EU27" is the membership since 2020, without the United Kingdom; that of
        2007 to 2012 is "EU27 2007".

    Examples
    --------
    >>> {"EU27", "EU ETS 2009", "Annex I", "OECD"} <= set(region_groups())
    True
    """
    return tuple(_groups())


def group_called(
    text: str, argument: str, year: int | None = None
) -> tuple[str, frozenset[str]] | None:
    """Return the group that a text names, and its members as ISO 3166 alpha-3.

    Parameters
    ----------
    text : str
    argument : str
        The argument's name in errors.
    year : int, optional
        Of the table that is asked; "EU" alone is its membership.

    Returns
    -------
    (str, frozenset of str), or None
        None where it is no group.

    Raises
    ------
    LabelError
        If it is "EU" and there is no year; if the European Union had another number of members in
        the year named.

    Examples
    --------
    >>> [len(group_called(name, "regions", 2009)[1]) for name in ("EU", "EU 1995", "EU28")]
    [27, 15, 28]
    """
    key = label_key(text)
    for name, members in _groups().items():
        if label_key(name) == key:
            return name, members
    found = UNION.fullmatch(key)
    if not found or not (found["year"] or found["count"] is None):
        return None
    named = int(found["year"]) if found["year"] else year
    if named is None:
        raise LabelError.about(
            argument,
            expected="a year with 'EU', since this table has none",
            got=repr(text),
            remedy="give e.g. 'EU 2009', or 'EU27' for the members since 2020",
        )
    members = _union(named)
    if not members:
        raise LabelError.about(
            argument,
            expected=f"the European Union of {FOUNDED} or later",
            got=repr(text),
            remedy="list the countries",
        )
    if found["count"] and int(found["count"]) != len(members):
        raise LabelError.about(
            argument,
            expected=f"the {len(members)} members that the European Union had at "
            f"the end of {named}",
            got=repr(text),
            remedy=f"give 'EU {named}'",
        )
    return f"EU {named}", members


def membership_note(text: object, year: int | None) -> str:
    """Say which membership a group's name means, if that of the table's year is different.

    Parameters
    ----------
    text : object
        The name that was given.
    year : int or None
        The table's year.

    Returns
    -------
    str
        Empty if there is no difference.

    Examples
    --------
    >>> membership_note("EU27", 2009)
    "the 27 members since 2020; the 27 of 2009 are 'EU 2009'"
    >>> membership_note("EU", 2005), membership_note("EU27", 2021), membership_note("DEU", 2009)
    ('the 25 members at the end of 2005', '', '')
    """
    if not isinstance(text, str):
        return ""
    key = label_key(text)
    if key == "eu":
        return f"the {len(_union(year))} members at the end of {year}" if year else ""
    group = next((name for name in _groups() if label_key(name) == key), None)
    if group is None or year is None or group[-4:].isdigit():
        return ""
    union = UNION.fullmatch(key) is not None
    other = f"EU {year}" if union else f"{group} {year}"
    members = _union(year) if union else _groups().get(other)
    if members is None:
        other, members = _nearest_year(group, year)
        year = int(other[-4:]) if other else year
    if not members or members == _groups()[group]:
        return ""
    since = _since(_groups()[group]) if union else "of today"
    return (
        f"the {len(_groups()[group])} members {since}; the {len(members)} of {year} are {other!r}"
    )


def _nearest_year(group: str, year: int) -> tuple[str, frozenset[str]]:
    """Return the membership of the nearest year that is known, if any is."""
    dated = [name for name in _groups() if name[:-5] == group and name[-4:].isdigit()]
    nearest = min(dated, key=lambda name: abs(int(name[-4:]) - year), default="")
    return nearest, _groups().get(nearest, frozenset())


def memberships_note(text: object, years: Sequence[int]) -> str:
    """Say whose membership a group's name means in a panel, where years have different ones.

    Parameters
    ----------
    text : object
        The name that was given.
    years : sequence of int

    Returns
    -------
    str
        Empty if there is no difference.

    Examples
    --------
    >>> memberships_note("EU", [2003, 2004, 2005])
    'the members at the end of each year: 15 from 2003, 25 from 2004'
    >>> memberships_note("EU27", [2009, 2021]), memberships_note("DEU", [2009])
    ("the 27 members since 2020 in every year; the 27 of 2009 are 'EU 2009'", '')
    """
    if isinstance(text, str) and label_key(text) == "eu":
        sizes: dict[frozenset[str], int] = {}
        for year in sorted(years):
            sizes.setdefault(_union(year), year)
        if len(sizes) < 2:
            return membership_note(text, min(years, default=None))
        counts = (f"{len(members)} from {year}" for members, year in sizes.items())
        return f"the members at the end of each year: {', '.join(counts)}"
    notes = filter(None, (membership_note(text, year) for year in sorted(years)))
    return next(notes, "").replace(";", " in every year;", 1)


def _since(members: frozenset[str]) -> str:
    """Say in which years the European Union had these members."""
    years = [year for year in range(FOUNDED, 2100) if _union(year) == members]
    return f"since {years[0]}" if years[-1] == 2099 else f"of {years[0]} to {years[-1]}"
