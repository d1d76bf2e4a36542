"""The rows and columns of a table: made fewer by sums, or more by shares."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

from carbonflows_fast.table._aggregation import aggregated
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._split import divided
from carbonflows_fast.table._views import Views

__all__ = ["Frame"]


class Frame(Views):
    """What of a `Table` gives a table with other rows and columns."""

    __slots__ = ()

    @abstractmethod
    def _reframed(self, parts: Parts) -> Self:
        """Return a table of these parts."""

    def aggregate(
        self, *, regions: Any = None, sectors: Any = None, categories: Any = None
    ) -> Self:
        """Return the table summed over groups of regions, of sectors and of categories.

        Z, Y, F, F_Y, x and population are summed; A and S follow from the sums.

        Parameters
        ----------
        regions, sectors : mapping or sequence of n labels, optional
            A mapping label → group (labels not in it keep their name), or the group of each row.
            Final demand follows the regions. For regions, a key may be a country or a shipped
            group, such as "EU27" (the members since 2020) or "EU" (those of the table's year).
        categories : mapping or sequence of m labels, optional
            The same for categories of final demand, e.g. ``{"charities": "homes"}``.

        Returns
        -------
        Table
            Regions, and within a region sectors, in order of first appearance. Rows with the
            same (region, sector) are merged, also where no grouping is given.

        Raises
        ------
        LabelError
            If a key of a mapping is not in the table.
        InputError
            If a group mixes units, or a region's rows fall into several region groups.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> table = cf.Table(Z=[[10.0, 20.0], [30.0, 40.0]], Y=[[60.0, 10.0], [10.0, 20.0]],
        ...                  F=[5.0, 2.0], regions=["DE", "FR"], sectors=["goods", "goods"],
        ...                  stressors="CO2")
        >>> table.aggregate(regions={"DE": "EU", "FR": "EU"}).x
        region  sector
        EU      goods     200.0
        Name: x, dtype: float64
        """
        parts = aggregated(
            self.content,
            x=self.arrays.x,
            F=self.arrays.F,
            Z=lambda: self.Z,
            regions=regions,
            sectors=sectors,
            categories=categories,
        )
        return self._reframed(parts)

    def split(
        self,
        sector: str,
        shares: Any,
        *,
        regions: Any = None,
        rows: Any = None,
        columns: Any = None,
        emissions: Any = None,
    ) -> Self:
        """Return the table with a sector divided into parts.

        With shares r of sales, c of purchases and e of emissions, part p of sector s has

            z_pj = r_p(j) z_sj,  y_pq = r_p(q) y_sq,  z_ip = c_p(i) z_is,  f_kp = e_p(k) f_ks,

        and of what s delivers to itself, part p delivers r_p(s) c_q(s) z_ss to part q. All of these
        are the shares of output, unless others are given.

        Parameters
        ----------
        sector : str
        shares : mapping or Series of part to share
            Of the output. They add up to 1; a part may keep the name of the sector.
        regions : str or list, optional
            Where the sector is divided: regions, countries by name or ISO code, or groups such as
            "EU27". By default all that have it. Call again for other shares in other regions.
        rows : mapping, optional
            Shares of sales: a mapping part → share, or a mapping buyer → (part → share). A buyer is
            a sector or a category of final demand; a pair (region, label), either of which may be
            None; or None for all. Later keys take precedence, and buyers that no key means buy by
            the shares of output.
        columns : mapping, optional
            Shares of purchases, likewise, by seller: a sector, a pair (region, sector), or None.
        emissions : mapping, optional
            Shares of emissions, likewise, by stressor.

        Returns
        -------
        Table
            The parts stand where the sector was. Aggregated again, they give the table, to
            rounding. The output of a part is what it sells; without `rows`, that is its share.

        Raises
        ------
        LabelError
            If a label is unknown, if a part has no share, or has the name of another sector.
        InputError
            If shares are negative or do not add up to 1, or if a part buys or emits without output.

        Notes
        -----
        If all shares are those of output, the parts have the same technology, intensities and
        customers, and no footprint changes. Other shares may leave a part with more purchases than
        output; `cf.check` says so. The result holds Z and F, as that of `aggregate` does: columns
        of A and S without output become zero.

        Examples
        --------
        Aluminium needs more power than other metals, and households buy none:

        >>> import carbonflows_fast as cf
        >>> table = cf.Table(Z=[[0.0, 40.0], [20.0, 10.0]], Y=[60.0, 70.0], F=[50.0, 20.0],
        ...                  regions="DE", sectors=["Power", "Metals"], stressors="CO2")
        >>> finer = table.split(
        ...     "Metals",
        ...     {"Aluminium": 0.2, "Other metals": 0.8},
        ...     rows={"final demand": {"Aluminium": 0.1, "Other metals": 0.9}},
        ...     columns={"Power": {"Aluminium": 0.6, "Other metals": 0.4}},
        ... )
        >>> finer.x["DE"].to_dict()
        {'Power': 100.0, 'Aluminium': 13.0, 'Other metals': 87.0}
        >>> finer.aggregate(sectors={"Aluminium": "Metals", "Other metals": "Metals"}).x.tolist()
        [100.0, 100.0]
        """
        parts = divided(
            self.content,
            sector,
            shares,
            x=self.arrays.x,
            F=self.arrays.F,
            Z=lambda: self.Z,
            regions=regions,
            rows=rows,
            columns=columns,
            emissions=emissions,
        )
        return self._reframed(parts)
