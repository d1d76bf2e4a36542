"""Regions in words: the label of the table, and the country that it means where that is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from carbonflows_fast.classification import country_of, load
from carbonflows_fast.reporting._html import Column, Html, element, joined

if TYPE_CHECKING:
    from carbonflows_fast.decomposition import PathChanges
    from carbonflows_fast.paths import Paths

__all__ = ["Places"]

REST = frozenset({"RoW", "ROW", "WWW"})  # how databases call the rest of the world
ARROW = Html(' <span class="arrow">←</span> ')


class Places:
    """The regions of a table.

    >>> places = Places(["DEU", "RoW"])
    >>> places.name("DEU"), places.name("RoW"), places.shown("DEU")
    ('Germany', 'Rest of the world', 'Germany <span class="code">DEU</span>')
    >>> states = Places(["US-GA", "RoUS"])
    >>> states.name("US-GA"), places.all, states.all
    ('US-GA', 'the world', 'all regions of the table')
    """

    def __init__(self, regions: Sequence[str]) -> None:
        countries = {country_of(region) or region for region in regions}
        self.all = "the world" if len(countries) > 1 else "all regions of the table"
        self._names = self._named(regions)
        bearers = Counter(self._names.values())
        for region, name in self._names.items():
            if bearers[name] > 1:  # parts of one country: only their labels distinguish them
                self._names[region] = region

    @staticmethod
    def _named(regions: Sequence[str]) -> dict[str, str]:
        """Return the name of the country that each region is, or else its label."""
        exiobase = load("exiobase3_regions").set_index("code")["name"].to_dict()
        if set(regions) <= set(exiobase):
            return {region: exiobase[region] for region in regions}
        country = load("regions").set_index("iso3")["name"].to_dict()
        return {
            region: country.get(
                country_of(region) or "", "Rest of the world" if region in REST else region
            )
            for region in regions
        }

    @property
    def names(self) -> dict[str, str]:
        """What each region is called, by its label."""
        return dict(self._names)

    @property
    def total(self) -> str:
        """What the line that adds up all regions is called."""
        return "World" if self.all == "the world" else "All"

    def name(self, region: str) -> str:
        """Return what a region is called in a sentence."""
        return self._names.get(region, region)

    def shown(self, region: str) -> Html:
        """Return what a region is called in a table, with its label if that is another."""
        name = self.name(region)
        if name == region:
            return joined([region])
        return joined([name, " ", element("span", region, class_="code")])

    def column(self, key: str, head: str, regions: Iterable[str]) -> Column:
        """Return a column of regions."""
        labels = [str(region) for region in regions]
        return Column(key, head, labels, "text", [self.shown(label) for label in labels])

    def chains(self, head: str, found: Paths | PathChanges, rows: pd.MultiIndex) -> Column:
        """Return a column of supply chains; `rows` are those of the table."""
        steps = [f"{self.name(region)}: {sector}" for region, sector in rows[found.rows]]
        shown = [joined(steps[at:to], ARROW) for at, to in pairwise(found.starts.tolist())]
        return Column("path", head, found.to_frame()["path"].tolist(), "text", shown, wide=True)
