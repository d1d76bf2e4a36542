"""What users do to a table: ways to damage the numbers of WIOD, and what notices each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from carbonflows_fast.table import Table


class Numbers:
    """The numbers of a table, free to be changed, and where its first regions stand."""

    def __init__(self, table: Table) -> None:
        p = table.content
        self.table, self.Z = table, table.Z.toarray()
        self.Y, self.F, self.x = np.array(p.Y), np.array(table.arrays.F), np.array(table.arrays.x)
        self.F_Y: Any = np.array(p.F_Y)
        self.regions, self.sectors = (list(labels) for labels in zip(*table.rows, strict=True))
        self.demand = list(table.demand)
        self.given = True  # whether x is
        self.size = len(p.sectors)
        self.one, self.two = (np.flatnonzero(p.region_codes == p.regions.index(r))
                              for r in ("DEU", "FRA"))  # fmt: skip
        self.buys, self.others_buy = (np.flatnonzero(p.demand_codes == p.regions.index(r))
                                      for r in ("DEU", "FRA"))  # fmt: skip

    def made(self) -> Table:
        p = self.table.content
        return Table(
            Z=self.Z, Y=self.Y, F=self.F, F_Y=self.F_Y, x=self.x if self.given else None,
            regions=self.regions, sectors=self.sectors, demand=self.demand,
            stressors=list(p.stressors), stressor_units=list(p.stressor_units),
            row_units="M.USD", year=2009,
        )  # fmt: skip


def swap(matrix: Any, first: Any, second: Any) -> None:
    matrix[:, first], matrix[:, second] = matrix[:, second].copy(), matrix[:, first].copy()


def category(n: Numbers, name: str) -> list[int]:
    return [at for at, (_, one) in enumerate(n.demand) if name in one]


def columns_of_Z_moved(n: Numbers) -> None:
    n.Z[:, n.one] = np.roll(n.Z[:, n.one], 1, axis=1)


def rows_of_Z_moved(n: Numbers) -> None:
    n.Z[n.one] = np.roll(n.Z[n.one], 1, axis=0)


def Z_transposed(n: Numbers) -> None:
    n.Z = n.Z.T.copy()


def Z_transposed_without_x(n: Numbers) -> None:
    n.Z, n.given = n.Z.T.copy(), False


def emissions_moved_by_a_sector(n: Numbers) -> None:
    n.F[:, n.one] = np.roll(n.F[:, n.one], 1, axis=1)


def emissions_moved_by_a_region(n: Numbers) -> None:
    n.F = np.roll(n.F, n.size, axis=1)


def a_region_in_t(n: Numbers) -> None:
    n.F[:, n.one] *= 1e3


def all_in_t(n: Numbers) -> None:
    n.F *= 1e3
    n.F_Y *= 1e3


def sectors_in_t(n: Numbers) -> None:
    n.F *= 1e3


def carbon_in_a_region(n: Numbers) -> None:
    n.F[:, n.one] /= 3.664


def intensities_as_emissions(n: Numbers) -> None:
    n.F = np.divide(n.F, n.x, out=np.zeros_like(n.F), where=n.x != 0)


def a_category_negated(n: Numbers) -> None:
    n.Y[:, category(n, "fixed capital")] *= -1


def a_row_in_place_of_another(n: Numbers) -> None:
    n.Z[n.one[4]], n.Y[n.one[4]], n.given = n.Z[n.one[3]], n.Y[n.one[3]], False


def a_sector_twice(n: Numbers) -> None:
    n.sectors[n.one[4]] = n.sectors[n.one[3]]


def a_comma_lost_in_F(n: Numbers) -> None:
    n.F[0, n.one[10]] *= 1e3


def a_comma_lost_in_Z(n: Numbers) -> None:
    n.Z[n.one[3], n.one[5]] *= 1e3


def a_comma_lost_in_Z_without_x(n: Numbers) -> None:
    a_comma_lost_in_Z(n)
    n.given = False


def households_in_a_sector(n: Numbers) -> None:
    codes = n.table.content.demand_codes
    n.F[0, 16 :: n.size] += np.bincount(codes, n.F_Y[0])


def households_twice(n: Numbers) -> None:
    n.F_Y *= 2


def demand_twice(n: Numbers) -> None:
    n.Y *= 2


def demand_twice_without_x(n: Numbers) -> None:
    n.Y, n.given = 2 * n.Y, False


def a_total_beside_the_categories(n: Numbers) -> None:
    regions = n.table.regions
    codes = n.table.content.demand_codes
    totals = np.stack([n.Y[:, codes == r].sum(axis=1) for r in range(len(regions))], axis=1)
    n.Y, n.given = np.hstack([n.Y, totals]), False
    n.F_Y = np.hstack([n.F_Y, np.zeros((1, len(regions)))])
    n.demand += [(region, "Total") for region in regions]


def x_off(n: Numbers) -> None:
    n.x[n.one] *= 1.1


def the_last_region_without_emissions(n: Numbers) -> None:
    n.F[:, -n.size :] = 0


def households_without_emissions(n: Numbers) -> None:
    n.F_Y[:, n.buys] = 0


def emissions_of_regions_swapped(n: Numbers) -> None:
    swap(n.F, n.one, n.two)


def demand_of_regions_swapped(n: Numbers) -> None:
    swap(n.Y, n.buys, n.others_buy)


def purchases_of_regions_swapped(n: Numbers) -> None:
    swap(n.Z, n.one, n.two)


def emissions_copied(n: Numbers) -> None:
    n.F[:, n.one] = n.F[:, n.two]


def a_region_in_its_currency(n: Numbers) -> None:
    n.Z[n.one] *= 200
    n.Y[n.one] *= 200
    n.given = False


def a_label_with_a_blank(n: Numbers) -> None:
    for at in n.one:
        n.sectors[at] += " "


def a_product_without_final_demand(n: Numbers) -> None:
    n.Y[9 :: n.size] = 0


def a_sector_without_emissions(n: Numbers) -> None:
    n.F[0, 16 :: n.size] = 0


def a_government_lost(n: Numbers) -> None:
    n.Y[:, [at for at in category(n, "government") if at in n.buys]] = 0
    n.given = False


def inventories_clipped(n: Numbers) -> None:
    n.Y = np.maximum(n.Y, 0)


Damage = Callable[[Numbers], None]

# What is found beyond the findings of the sound table: alone, and beside the table of 2005 only.
NOTICED: dict[Damage, tuple[str, str]] = {
    columns_of_Z_moved: ("column sum", ""),
    rows_of_Z_moved: ("balance", "exports jump"),
    Z_transposed: ("balance", "exports jump"),
    Z_transposed_without_x: ("column sum", "exports jump"),
    emissions_moved_by_a_sector: ("shifted emissions", "emissions jump"),
    emissions_moved_by_a_region: ("level of a region", "region of a stressor"),
    a_region_in_t: ("level of a region", "region of a stressor"),
    all_in_t: ("", "unit of a stressor"),
    sectors_in_t: ("", "level of households"),
    carbon_in_a_region: ("", ""),
    intensities_as_emissions: ("implausible intensity", "region of a stressor"),
    a_category_negated: ("negative demand", "category jump"),
    a_row_in_place_of_another: ("copied row", ""),
    a_sector_twice: ("duplicate row", "other table"),
    a_comma_lost_in_F: ("", "emissions jump"),
    a_comma_lost_in_Z: ("balance", ""),
    a_comma_lost_in_Z_without_x: ("", ""),
    households_in_a_sector: ("", ""),
    households_twice: ("", "level of households"),
    demand_twice: ("balance", "level of final demand"),
    demand_twice_without_x: ("negative A", "level of final demand"),
    a_total_beside_the_categories: ("total among categories", "categories of one table"),
    x_off: ("balance", ""),
    the_last_region_without_emissions: ("no emissions", "region of a stressor"),
    households_without_emissions: ("no household emissions", "households jump"),
    emissions_of_regions_swapped: ("", ""),
    demand_of_regions_swapped: ("bought abroad", "exports jump"),
    purchases_of_regions_swapped: ("column sum", "exports jump"),
    emissions_copied: ("copied emissions", ""),
    a_region_in_its_currency: ("level of a region", ""),
    a_label_with_a_blank: ("labels alike", "other table"),
    a_product_without_final_demand: ("balance", "final demand jump"),
    a_sector_without_emissions: ("", "emissions jump"),
    a_government_lost: ("", "category jump"),
    inventories_clipped: ("balance", ""),
}
