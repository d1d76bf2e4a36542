"""The OECD's tables and emissions in the layout of each edition, written by code."""

from __future__ import annotations

import numpy as np

from carbonflows_fast.table import Table

SECTORS = ["A01_02", "C24A", "T"]

CATEGORIES = ["HFCE", "INVNT"]


class Edition:
    """A table in the layout of an edition, and what it should be read as."""

    def __init__(self, edition: int, regions: list[str], parts: dict[str, str]) -> None:
        rng = np.random.default_rng(edition)
        self.edition, self.regions, self.parts = edition, regions, parts
        self.n = len(regions) * len(SECTORS)
        final = [region for region in regions if region not in parts]
        self.Z = rng.uniform(0, 5, (self.n, self.n)) * (rng.random((self.n, self.n)) < 0.7)
        self.Y = rng.uniform(-1, 9, (self.n, len(final) * len(CATEGORIES)))
        self.tax, self.va = rng.uniform(0, 1, self.n), rng.uniform(1, 2, self.n)
        self.tax_Y = rng.uniform(0, 1, self.Y.shape[1])
        self.disc = rng.uniform(-0.1, 0.1, self.n) if edition == 2016 else np.zeros(self.n)
        self.x = self.Z.sum(axis=1) + self.Y.sum(axis=1) + self.disc
        self.rows = [f"{region}_{sector}" for region in regions for sector in SECTORS]
        self.demand = [(region, category) for region in final for category in CATEGORIES]

    @property
    def member(self) -> str:
        short = {2023: "2018_SML.csv", 2025: "2018_EXT.csv"}
        return short.get(self.edition, f"ICIO{self.edition}_2018.csv")

    def text(self) -> str:
        """The file, written out cell by cell."""
        old = self.edition == 2016
        order = (
            sorted(range(len(self.demand)), key=lambda j: self.demand[j][1])
            if old
            else range(len(self.demand))
        )
        names = ["_".join(self.demand[j][::-1] if old else self.demand[j]) for j in order]
        last = "DISC" if old else "TOTAL" if self.edition < 2023 else "OUT"
        lines = [["", *self.rows, *names, last]]
        for i, label in enumerate(self.rows):
            end = self.disc[i] if old else self.x[i]
            lines.append([label, *self.Z[i], *self.Y[i, list(order)], end])
        zero = [0.0] * self.Y.shape[1]
        tax = "VA+TAXSUB" if old else "AUS_TAXSUB" if self.edition < 2023 else "TLS"
        lines.append([tax, *self.tax, *self.tax_Y[list(order)], 0])
        if not old:
            lines.append(["VALU" if self.edition < 2023 else "VA", *self.va, *zero, 0])
        lines.append(["OUTPUT" if 2018 <= self.edition < 2023 else "OUT", *self.x, *zero, 0])
        return "\n".join(",".join(str(cell) for cell in line) for line in lines) + "\n"

    def check(self, table: Table) -> None:
        """Compare with the rows of the file, parts of a country under its label, and their sums."""
        whole = [self.parts.get(region, region) for region in self.regions for _ in SECTORS]
        pairs = list(zip(whole, SECTORS * len(self.regions), strict=True))
        assert list(table.rows) == pairs
        np.testing.assert_array_equal(np.asarray(table.Z.todense()), self.Z)
        np.testing.assert_array_equal(table.x, self.x)
        assert len(table.notes) == bool(self.parts)
        for part in self.parts:
            assert part in table.notes[0]
        table = table.aggregate()
        sectors = SECTORS * len(self.regions)
        rows = list(zip(whole, sectors, strict=True))
        merged = list(dict.fromkeys(rows))
        assert list(zip(*(table.x.index.get_level_values(k) for k in (0, 1)))) == merged
        S = np.array([[float(row == one) for row in rows] for one in merged])
        np.testing.assert_allclose(np.asarray(table.Z.todense()), S @ self.Z @ S.T, rtol=1e-14)
        np.testing.assert_allclose(table.x, S @ self.x, rtol=1e-14)
        at = [list(table.demand).index(pair) for pair in self.demand]
        np.testing.assert_allclose(table.Y.to_numpy()[:, at], S @ self.Y, rtol=1e-14)
        np.testing.assert_allclose(table.F.to_numpy()[0], S @ self.tax, rtol=1e-14)
        np.testing.assert_allclose(table.F_Y.to_numpy()[0, at], self.tax_Y, rtol=1e-14)
        assert (len(table.stressors), table.year) == (1 if self.edition == 2016 else 2, 2018)
        assert set(table.stressor_units) == {"million USD"}


EDITIONS = {
    2016: (["AUS", "CHN", "MEX", "CN1", "CN2", "MX1"],
           {"CN1": "CHN", "CN2": "CHN", "MX1": "MEX"}),
    2018: (["AUS", "MEX", "MX1", "MX2", "ROW"], {"MX1": "MEX", "MX2": "MEX"}),
    2021: (["AUS", "CHN", "ROW", "CN1", "CN2"], {"CN1": "CHN", "CN2": "CHN"}),
    2023: (["AUS", "CHN", "ROW"], {}),
    2025: (["AUS", "CHN", "CN1", "CN2", "ROW"], {"CN1": "CHN", "CN2": "CHN"}),
}  # fmt: skip
