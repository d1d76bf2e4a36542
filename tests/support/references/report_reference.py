"""Every number of a report from dense inverses, enumerated chains and all orders of causes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import lu_factor, lu_solve
from support.references import brief_reference, change_reference, path_reference, trade_reference
from support.references.change_reference import Both
from support.references.path_reference import Path
from support.references.reference import Array, Reference
from support.running.report_page import Page

import carbonflows_fast as cf
from carbonflows_fast.classification import (
    CLASSES,
    STUDIES,
    load,
    regions_in,
    sector_classes,
    study_sectors,
)

ARROW = " ← "


def world(seed: int, regions: tuple[str, ...] = ("CHN", "DEU", "RoW"), **given: Any) -> cf.Table:
    """A small world with the sectors of WIOD, emissions without output among them."""
    sectors = load("wiod2013")["name"].tolist()
    rng = np.random.default_rng(seed)
    n, categories = len(regions) * len(sectors), ("households", "inventories")
    Z = rng.exponential(1.0, (n, n)) * (rng.random((n, n)) < 0.2)
    Y = rng.exponential(2.0, (n, 2 * len(regions)))
    Y[:, 1::2] = 0.05 * rng.normal(size=(n, len(regions)))
    Z[5] = Z[:, 5] = Y[5] = 0.0
    Y *= 1.5 * n / Y.sum() * 3
    return cf.Table(
        Z=Z, Y=Y, F=rng.exponential(1.0, (1, n)), F_Y=rng.exponential(5.0, (1, Y.shape[1])),
        regions=np.repeat(regions, len(sectors)).tolist(), sectors=sectors * len(regions),
        demand=[(r, c) for r in regions for c in categories],
        **{"stressors": ["CO2"], "stressor_units": ["kt"], "name": "small world"} | given,
    )  # fmt: skip


class Checker:
    """Compares a page with the references of its table, and of an earlier one."""

    def __init__(self, page: Page, table: cf.Table, before: cf.Table | None = None) -> None:
        self.page, self.table, self.before = page, table, before
        self.reference = Reference(table)
        self.s = table.S.to_numpy()[0]
        self.E = self.reference.flows(self.s)
        self.total = float(self.E.sum())
        self.regions, self.limit = list(table.regions), 1e-9 * self.total
        self.seen: set[str] = set()
        self.listed: set[str] = set()

    def figure(self, name: str, expected: float, size: float | None = None) -> None:
        self.seen.add(name)
        np.testing.assert_allclose(
            self.page.figures[name], expected, rtol=0, atol=size or self.limit, err_msg=name
        )

    def ratio(self, name: str, expected: float) -> None:
        self.figure(name, expected, 1e-9)

    def rows(self, table: str) -> list[dict[str, Any]]:
        self.listed.add(table)
        return self.page.tables[table]

    def column(self, table: str, key: str, expected: Any, limit: float | None = None) -> None:
        got = [row[key] for row in self.rows(table)]
        np.testing.assert_allclose(
            got, expected, rtol=0, atol=limit or self.limit, err_msg=f"{table}: {key}"
        )

    def everything(self) -> None:
        """Check all figures and tables, and that none was left out."""
        self.accounts()
        self.borders()
        self.studies()
        brief_reference.check(self)
        self.chains()
        if self.before is not None:
            Changes(self, self.before).check()
        proved = {"error_bound", "error_share", "closure"}
        for name in proved & set(self.page.figures):
            assert 0 < self.page.figures[name] < 1e-6 * self.total
        assert self.seen | proved >= set(self.page.figures)
        assert self.listed == set(self.page.tables)

    # ---- accounts, flows -------------------------------------------------------------------------

    def accounts(self) -> None:
        expected = accounts_of(self.reference)
        order = [row["region"] for row in self.rows("accounts")]
        assert sorted(order) == sorted(self.regions)
        assert [row["region"] for row in self.rows("region_trade")] == order
        expected["export_share"] = expected.exports / expected.production
        lost = ["unallocated"] if (expected.unallocated.abs() > self.limit).any() else []
        for table, keys in (
            ("accounts", ["production", "consumption", "net_imports", "net_share"]),
            ("region_trade", ["imports", "exports", "export_share", "households", *lost]),
        ):
            assert set(self.rows(table)[0]) == {"region", *keys}
            for key in keys:
                limit = 1e-9 if key.endswith("share") else self.limit
                self.column(table, key, expected.loc[order, key], limit)
                if not key.endswith("share") and key != "net_imports":
                    total = self.page.totals[table][key]
                    assert abs(total - expected[key].sum()) <= self.limit
        assert expected.consumption[order].is_monotonic_decreasing
        self.figure("world_emissions", expected.production.sum())
        self.figure("unallocated", expected.unallocated.sum())
        self.expected = expected

    def borders(self) -> None:
        traded = self.reference.traded(self.s)
        everything = self.total + float(self.table.F_Y.to_numpy().sum())
        self.figure("traded", traded)
        self.figure("industrial_emissions", self.total)
        self.ratio("traded_share", traded / self.total)
        self.ratio("traded_share_all", traded / everything)
        self.ratio("traded_share_all_again", traded / everything)
        gross = sum(trade_reference.eebt(self.reference, self.s).values())
        net = self.reference.net_transfers(self.s)
        self.column("traded", "value", [traded, gross.sum(), net])
        self.column("traded", "share", np.array([traded, gross.sum(), net]) / self.total, 1e-9)
        pairs = [(p, q) for p in self.regions for q in self.regions if p != q]
        value = {(p, q): self.E[self.regions.index(p), self.regions.index(q)] for p, q in pairs}
        rows = self.rows("largest_flows")
        largest = sorted(value.values(), reverse=True)[: len(rows)]
        assert len(rows) == min(20, len(pairs))
        self.column("largest_flows", "value", largest)
        self.column("largest_flows", "value", [value[row["from"], row["to"]] for row in rows])
        self.column("largest_flows", "share", np.array(largest) / self.total, 1e-9)
        self.classes(gross)

    def classes(self, gross: Array) -> None:
        sectors = self.reference.sectors
        of = dict(zip(sectors, sector_classes(sectors), strict=True))
        border = dict.fromkeys(CLASSES, 0.0)
        for name, values in zip(self.reference.sector_of_row, gross, strict=True):
            border[of[name]] += values.sum()
        final = dict.fromkeys(CLASSES, 0.0)
        P = self.reference.by_product(self.s).reshape(len(self.regions), len(sectors), -1)
        for r, p, q in np.ndindex(P.shape):
            final[of[sectors[p]]] += P[r, p, q] if r != q else 0.0
        assert [row["class"] for row in self.rows("classes")] == list(CLASSES)
        for key, values in (("by_border_product", border), ("by_final_product", final)):
            sizes = np.array(list(values.values()))
            self.column("classes", key, sizes)
            self.column("classes", f"{key}_share", sizes / sizes.sum(), 1e-9)
        self.border, self.final = border, final

    # ---- studies ---------------------------------------------------------------------------------

    def studies(self) -> None:
        made: dict[tuple[str, ...], str] = {}
        known: dict[str, Any] = {}
        self.known = known
        for name in STUDIES:
            labels = study_sectors(name, self.reference.sectors)[0]
            T = np.isin(self.reference.sector_of_row, labels)
            first = made.setdefault(labels, name)
            if first == name:
                known[name] = trade_reference.study(self.reference, self.s, T), T
                self.study(name, *known[name])
            else:
                assert f"{name.capitalize()} All numbers are those of {first}." in self.page.spaced
        totals = np.array([found["total"] for found, _ in known.values()])
        direct = np.array([found["direct"] for found, _ in known.values()])
        assert [row["study"] for row in self.rows("studies_compared")] == list(known)
        assert f"{('Zero', 'One', 'Two', 'Three')[len(known)]} sector studies" in self.page.text
        self.column("studies_compared", "total", totals)
        self.column("studies_compared", "share", totals / self.total, 1e-9)
        self.column("studies_compared", "direct", direct)
        self.column("studies_compared", "upstream", totals - direct)
        for key, (a, b) in {"emitted_made": (0, 1), "made_consumed": (1, 2),
                            "emitted_consumed": (0, 2)}.items():  # fmt: skip
            crossed = [
                trade_reference.crossing(found["steps"], a, b) for found, _ in known.values()
            ]
            self.column("studies_compared", key, np.array(crossed), 1e-9)

    def study(self, name: str, expected: dict[str, Any], T: Any) -> None:
        total, steps = expected["total"], expected["steps"]
        self.figure(f"{name}_total", total)
        self.ratio(f"{name}_direct_share", expected["direct"] / total)
        self.ratio(f"{name}_traded_share", trade_reference.crossing(steps, 0, 2))
        system = regions_in(self.regions, f"EU ETS {self.table.year}")
        self.ratio(f"{name}_priced_share", trade_reference.priced(steps, system))
        at = [self.regions.index(row["region"]) for row in self.rows(f"{name}_regions")]
        for key, others in {"emitted": (1, 2), "made": (0, 2), "consumed": (0, 1)}.items():
            self.column(f"{name}_regions", key, steps.sum(axis=others)[at])
        sums = {
            sector: float(expected["products"][self.reference.sector_of_row == sector].sum())
            for sector in self.reference.sectors
        }
        rows = self.rows(f"{name}_products")
        self.column(f"{name}_products", "value", sorted(sums.values(), reverse=True)[: len(rows)])
        self.column(f"{name}_products", "value", [sums[row["product"]] for row in rows])
        values = np.array([row["value"] for row in rows])
        self.column(f"{name}_products", "share", values / total, 1e-9)
        self.paths(f"{name}_chains", total, T)

    # ---- chains ----------------------------------------------------------------------------------

    def named(self, path: Path) -> str:
        region, sector = self.reference.region_of_row, self.reference.sector_of_row
        return ARROW.join(f"{region[i]}: {sector[i]}" for i in path)

    def paths(self, table: str, whole: float, through: Any = None) -> None:
        """Check that a table has the largest chains, in order."""
        rows = self.rows(table)
        found = path_reference.brute_force(
            self.reference.A, self.reference.Y.sum(axis=1), self.s,
            threshold=0.999 * abs(rows[-1]["value"]), through=through,
        )[: len(rows)]  # fmt: skip
        assert [row["path"] for row in rows] == [self.named(path) for _, path in found]
        values = np.array([value for value, _ in found])
        self.column(table, "value", values)
        self.column(table, "share", values / whole, 1e-9)

    def gross(self) -> float:
        """Σ|value| of all chains: some begin with a final demand below zero."""
        A, y = np.abs(self.reference.A), np.abs(self.reference.Y.sum(axis=1))
        return float(np.abs(self.s) @ np.linalg.solve(np.eye(len(A)) - A, y))

    def chains(self) -> None:
        rows = self.rows("chains")
        assert len(rows) == 20
        self.paths("chains", self.gross())
        self.column("chains", "stage", [row["path"].count(ARROW) for row in rows])
        known = sum(row["value"] for row in rows)
        self.ratio("chains_coverage", sum(abs(row["value"]) for row in rows) / self.gross())
        self.figure("chains_remainder", self.total - known)
        self.figure("remainder", self.total - known)
        v, layers = self.reference.Y.sum(axis=1), []
        for _ in self.rows("layers"):
            layers.append(self.s @ v)
            v = self.reference.A @ v
        self.column("layers", "emissions", layers)
        self.column("layers", "share", np.array(layers) / self.total, 1e-9)
        upto = np.cumsum(layers)
        self.column("layers", "cumulative_share", upto / self.total, 1e-9)
        self.column("layers", "remainder", self.total - upto)


def accounts_of(reference: Reference) -> pd.DataFrame:
    """All accounts of the only stressor."""
    F, F_Y, S = (
        frame.to_numpy()[0] for frame in (reference.table.F, reference.table.F_Y, reference.table.S)
    )
    return reference.accounts(S, F, F_Y)


class Changes:
    """The same for what changed."""

    def __init__(self, checker: Checker, before: cf.Table) -> None:
        self.checker, self.earlier = checker, Reference(before)
        self.both = Both(before, checker.table)

    def check(self) -> None:
        c = self.checker
        then, now = accounts_of(self.earlier), accounts_of(c.reference)
        for key in ("production", "consumption"):
            table = f"{key}_changes"
            order = [row["region"] for row in c.rows(table)]
            c.column(table, "before", then.loc[order, key])
            c.column(table, "change", (now[key] - then[key])[order])
            c.column(table, "growth", (now[key] / then[key] - 1)[order], 1e-9)
            totals = c.page.totals[table]
            assert abs(totals["growth"] - (now[key].sum() / then[key].sum() - 1)) < 1e-9
        world = [frame.production.sum() for frame in (then, now)]
        c.ratio("world_growth", world[1] / world[0] - 1)
        c.figure("world_change", abs(world[1] - world[0]))
        E = self.earlier.flows(self.both.s[0])
        totals = [float(E.sum()), c.total]
        c.figure("change_before", totals[0])
        c.figure("change_after", totals[1])
        c.figure("change_total", totals[1] - totals[0])
        c.ratio("traded_share_before", (E.sum() - np.trace(E)) / E.sum())
        c.ratio("traded_share_after", (c.E.sum() - np.trace(c.E)) / c.E.sum())
        self.flows(E)
        self.causes(totals)
        self.chains(totals)

    def flows(self, E: Array) -> None:
        c = self.checker
        rows = c.rows("flow_changes")
        change = np.abs(c.E - E)[~np.eye(len(E), dtype=bool)]
        at = [(c.regions.index(row["from"]), c.regions.index(row["to"])) for row in rows]
        c.column("flow_changes", "before", [E[p] for p in at])
        c.column("flow_changes", "after", [c.E[p] for p in at])
        c.column("flow_changes", "change", [c.E[p] - E[p] for p in at])
        largest = np.sort(change)[::-1][: len(rows)]
        np.testing.assert_allclose([abs(row["change"]) for row in rows], largest, atol=c.limit)

    def causes(self, totals: list[float]) -> None:
        c, expected = self.checker, causes_of(self.both)
        assert [row["factor"] for row in c.rows("causes_table")] == list(expected)
        limit = 1e-8 * c.total  # of the quadrature
        c.column("causes_table", "effect", list(expected.values()), limit)
        c.column("causes_table", "share", np.array(list(expected.values())) / totals[0], 1e-8)

    def chains(self, totals: list[float]) -> None:
        c, both = self.checker, self.both
        rows = c.rows("chain_changes")
        least = abs(rows[-1]["change"])
        candidates: set[Path] = set()
        for year in (0, 1):  # |v1 − v0| ≥ τ needs |v0| ≥ τ/2 or |v1| ≥ τ/2
            found = path_reference.brute_force(
                both.A[year], both.y[year], both.s[year], threshold=0.499 * least
            )
            candidates |= {path for _, path in found}
        values = {p: [change_reference.path_value(both, t, p) for t in (0, 1)] for p in candidates}
        order = sorted(values, key=lambda p: -abs(values[p][1] - values[p][0]))[: len(rows)]
        assert [row["path"] for row in rows] == [c.named(path) for path in order]
        c.column("chain_changes", "before", [values[p][0] for p in order])
        changes = [values[p][1] - values[p][0] for p in order]
        c.column("chain_changes", "change", changes)
        effects = [change_reference.path_effects(both, p) for p in order]
        for kind in change_reference.KINDS:
            c.column("chain_changes", f"effect_{kind}", [e[kind] for e in effects])
        c.figure("change_remainder", totals[1] - totals[0] - sum(changes))


def causes_of(both: Both) -> dict[str, float]:
    """`change_reference.integral` in whole arrays, for tables of more than a few rows.

    Real tables are smooth from year to year: two digits come with every node.
    """
    nodes = 12 if both.n < 500 else 5
    names = ("intensity", "technology", "trade", "demand level", "demand mix", "demand origin")
    effects = dict.fromkeys(names, 0.0)
    same = (both.sector[:, None] == both.sector[None, :]).astype(float)
    c = [same @ A for A in both.A]
    split = clear(c[0], same @ np.abs(both.A[0])) * clear(c[1], same @ np.abs(both.A[1]))
    t = [np.divide(A, b, out=np.zeros_like(A), where=split > 0) for A, b in zip(both.A, c)]
    trade = split * (c[0] + c[1]) / 2 * (t[1] - t[0])
    technology = both.A[1] - both.A[0] - trade
    demand = demand_parts(both, same)
    points, weights = np.polynomial.legendre.leggauss(nodes)
    for at, w in zip((points + 1) / 2, weights / 2, strict=True):
        A, s, y = ((1 - at) * v[0] + at * v[1] for v in (both.A, both.s, both.y))
        factors = lu_factor(np.eye(both.n) - A)
        m, x = lu_solve(factors, s, trans=1), lu_solve(factors, y)
        effects["intensity"] += w * float((both.s[1] - both.s[0]) @ x)
        effects["technology"] += w * float(m @ technology @ x)
        effects["trade"] += w * float(m @ trade @ x)
        for name, part in zip(names[3:], demand, strict=True):
            effects[name] += w * float(m @ part)
    return effects


def clear(sums: Array, sizes: Array) -> Array:
    """`change_reference.clear` of whole arrays."""
    kept = np.divide(np.abs(sums), sizes, out=np.zeros_like(sums), where=sizes != 0)
    return np.clip(4.0 * kept - 1.0, 0.0, 1.0)


def demand_parts(both: Both, same: Array) -> list[Array]:
    """Level, mix and origin parts of the change of final demand, (n,) each."""
    level = [np.broadcast_to(Y.sum(axis=0), Y.shape) for Y in both.Y]
    product, one = [same @ Y for Y in both.Y], [np.ones_like(Y) for Y in both.Y]
    sizes = [np.abs(Y) for Y in both.Y]
    split = np.prod([clear(b, same @ Y) for b, Y in zip(product, sizes)], axis=0)
    whole = np.prod([clear(v, Y.sum(axis=0)) for v, Y in zip(level, sizes)], axis=0)
    parts = [np.zeros_like(both.Y[0]) for _ in range(3)]
    for weight, factors in (
        (whole * split, {0: (level, one), 1: (product, level), 2: (both.Y, product)}),
        (whole * (1 - split), {0: (level, one), 1: (both.Y, level)}),
        ((1 - whole) * split, {0: (product, one), 2: (both.Y, product)}),
        ((1 - whole) * (1 - split), {0: (both.Y, one)}),
    ):
        shares = {name: [np.divide(v, total, out=np.zeros_like(v), where=(weight > 0))
                         for v, total in zip(*of)] for name, of in factors.items()}  # fmt: skip
        orders = list(itertools.permutations(factors))
        for order in orders:
            now = {name: share[0] for name, share in shares.items()}
            for name in order:
                earlier = np.prod(list(now.values()), axis=0)
                now[name] = shares[name][1]
                then = np.prod(list(now.values()), axis=0)
                parts[name] += weight * (then - earlier) / len(orders)
    return [part.sum(axis=1) for part in parts]
