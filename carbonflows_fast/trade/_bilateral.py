"""Trade between regions: what crosses borders, in money and in embodied emissions."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import FloatArray, encode
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.trade._flow_matrix import FlowMatrix, require_consumers
from carbonflows_fast.trade._gross_trade import GrossTrade, gross_trade

__all__ = ["Bilateral"]

Use = Literal["intermediate", "final"]


class Bilateral(FlowMatrix):
    """Flows that know what is traded, whoever consumes it in the end."""

    def bilateral_trade(self, use: Use | None = None) -> pd.DataFrame:
        """Return emissions embodied in bilateral trade (EEBT), exporter × importer, in `unit`.

        EEBT_rs = Σ_{i∈r} m_i e_is, (I − A_rr)'m = s_r, with e_is what row i sells to region s: the
        exporter's own emissions for its gross exports. For the whole demand this is the trade in
        the table, for a selected demand the trade that it needs. If the table balances, the exports
        of r and m'y_rr (purchases of its final users at home) add up to the emissions of its
        industries.

        Parameters
        ----------
        use : {"intermediate", "final"}, optional
            Only purchases of the importer's sectors, or of its final users. The default is both.

        Returns
        -------
        DataFrame, zero on the diagonal
            `attrs["error_bound"]`: absolute bound on the error of any entry and of any sum.

        Raises
        ------
        InputError
            If `use` is something else, or if the demand was an array.

        Notes
        -----
        Source: Peters (2008), Ecological Economics 65:13.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> found = cf.flows(cf.synthetic.world(regions=3, sectors=4))
        >>> parts = found.bilateral_trade("intermediate") + found.bilateral_trade("final")
        >>> bool(abs(parts - found.bilateral_trade()).max().max() < 1e-9 * found.total)
        True
        """
        by_row = self.by_traded_product(use)
        return self._between(by_row, by_row.attrs["error_bound"])

    def trade(self, use: Use | None = None) -> pd.DataFrame:
        """Return gross exports, exporter × importer, in the unit of the table's rows.

        e_rs = Σ_{i∈r} (Σ_{j∈s} z_ij + y_is): what :meth:`bilateral_trade` has the emissions of.

        Parameters
        ----------
        use : {"intermediate", "final"}, optional
            Only purchases of the importer's sectors, or of its final users. The default is both.

        Returns
        -------
        DataFrame, zero on the diagonal
            `attrs["unit"]`: that of the rows.

        Raises
        ------
        InputError
            If rows have several units, if `use` is something else, or if the demand was an array.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> found = cf.flows(cf.synthetic.world(regions=3, sectors=4))
        >>> found.trade().attrs["unit"], bool((found.trade("final") <= found.trade()).all().all())
        ('M.EUR', True)
        """
        units = self._table.content.row_units
        if len(units) > 1:
            raise InputError.about(
                "table",
                expected="rows in one unit, whose exports can be added up",
                got=f"the units {shorten(units)}",
                remedy="take a table in money, or ask for bilateral_trade()",
            )
        amounts = self._amounts(use)
        rows = self._table.rows.set_names(["region", "product"])
        frame = self._between(self._grouped(amounts, rows, self._table.content.region_codes), 0.0)
        frame.attrs = {"unit": units[0] if units else ""}
        return frame

    def trade_intensities(self) -> pd.DataFrame:
        """Return what each region exports and imports, in money, emissions, and emissions per unit.

        Returns
        -------
        DataFrame, index region
            - exports, imports: gross trade, in the unit of the table's rows;
            - emitted_for_exports, emitted_for_imports: emissions embodied in them (EEBT), in
              `unit`;
            - per_unit_exported, per_unit_imported: their ratios; NaN without trade.

        Raises
        ------
        InputError
            If rows have several units, or if the demand was an array.
        """
        money, emitted = self.trade(), self.bilateral_trade()
        columns = {
            "exports": money.sum(axis=1),
            "imports": money.sum(axis=0),
            "emitted_for_exports": emitted.sum(axis=1),
            "emitted_for_imports": emitted.sum(axis=0),
        }
        for kind in ("exported", "imported"):
            amount = columns[f"{kind[:-2]}s"].to_numpy()
            carried = columns[f"emitted_for_{kind[:-2]}s"].to_numpy()
            with np.errstate(divide="ignore", invalid="ignore"):
                columns[f"per_unit_{kind}"] = np.where(amount == 0.0, np.nan, carried / amount)
        return self._with_bound(
            pd.DataFrame(columns, index=self.matrix.index), emitted.attrs["error_bound"]
        )

    def _between(self, by_row: pd.DataFrame, bound: float) -> pd.DataFrame:
        """Return sums over products, exporter × importer."""
        frame = by_row.groupby(level="region", sort=False).sum()
        frame = frame.reindex(self.matrix.index, fill_value=0.0)  # no rows, no exports
        frame.index.name, frame.columns.name = "exporter", "importer"
        return self._with_bound(frame, bound)

    def by_traded_product(self, use: Use | None = None) -> pd.DataFrame:
        """Return bilateral trade by traded product: rows (region, product), columns importer.

        Its sum over products is :meth:`bilateral_trade`.

        Parameters
        ----------
        use : {"intermediate", "final"}, optional
            Only trade in inputs, or only in final products. The default is both.

        Returns
        -------
        DataFrame, in `unit`
            `attrs["error_bound"]`: absolute bound on the error of any entry and of any sum.

        Raises
        ------
        InputError
            If `use` is something else, or if the demand was an array.
        """
        trade, table = self._trade, self._table
        amounts = self._amounts(use)
        rows = table.rows.set_names(["region", "product"])
        frame = self._grouped(trade.m[:, None] * amounts, rows, table.content.region_codes)
        frame.columns.name = "importer"
        return self._with_bound(frame, trade.error_bound)

    def _amounts(self, use: Use | None) -> FloatArray:
        """Return gross exports of every row to each region, (n, R)."""
        one_of("use", use, (None, "intermediate", "final"), remedy="leave it out for both")
        trade = self._trade
        amounts: FloatArray = getattr(trade, use) if use else trade.intermediate + trade.final
        return amounts

    @cached_property
    def _trade(self) -> GrossTrade:
        require_consumers(self, "trade between regions")
        codes = encode(self._groups or self._table.regions)[1]
        return gross_trade(self._table, self._flow, codes, self._rtol)
