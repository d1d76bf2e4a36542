"""Draws the slow way: Philox in Python, quantiles of SciPy, dense tables, a dense inverse."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy.special import ndtri
from scipy.stats import norm
from support.references.uncertainty_reference import ACCOUNTS, UncertaintyReference

Array = npt.NDArray[np.float64]
STREAMS = {"Z": 0, "Y": 1, "F": 2, "F_Y": 3, "shared": 4}
DRAWN = ["production", "consumption", "net_imports", "households"]
MASK = 2**32 - 1


def philox(counter: tuple[int, ...], key: tuple[int, int]) -> list[int]:
    """Philox4x32-10 of Salmon, Moraes, Dror & Shaw (2011), word for word."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & MASK, (p0 >> 32) ^ c[3] ^ k1, p0 & MASK]
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c


def word(seed: int, number: int, stream: int, place: int, year: int = 0) -> int:
    block = place // 4
    counter = (block & MASK, (block >> 32) ^ (year << 16), number, stream)
    return philox(counter, (seed & MASK, seed >> 32))[place % 4]


def factor(distribution: str, deviation: float, word: int) -> float:
    """What a cell is multiplied by: mean 1, and the deviation that is given."""
    if deviation == 0.0:
        return 1.0
    upper = word < 2**31
    p = ((word if upper else MASK - word) + 0.5) / 2**32  # as far out, or farther
    sign = 1.0 if upper else -1.0
    if distribution == "lognormal":
        tau = np.sqrt(np.log1p(deviation**2))
        return float(np.exp(-sign * tau * ndtri(p) - tau**2 / 2))
    if distribution == "uniform":
        return 1.0 + sign * np.sqrt(3) * deviation * (1 - 2 * p)
    if distribution == "triangular":
        return float(1.0 + sign * np.sqrt(6) * deviation * (1 - np.sqrt(2 * p)))
    width = width_before_cut(deviation)
    cut = norm.cdf(-1 / width)
    return float(1.0 - sign * width * ndtri(cut + p * (1 - 2 * cut)))


def width_before_cut(deviation: float) -> float:
    """The deviation of a normal with mean 1 which, cut at 0 and 2, has this one."""
    if deviation < 1e-2:
        return deviation  # a hundred deviations away nothing is cut, and squares may be 0

    def excess(a: float) -> float:
        inside = math.erf(1 / (a * math.sqrt(2)))
        density = math.exp(-0.5 / a**2) / math.sqrt(2 * math.pi)
        return a**2 - 2 * a * density / inside - deviation**2

    return float(optimize.brentq(excess, deviation / 2, 50.0, xtol=1e-14))


@dataclass
class DrawReference:
    """One draw after the other, of the errors that an `UncertaintyReference` has."""

    slow: UncertaintyReference
    names: list[str]  # of shared errors
    seed: int
    distribution: str
    year: int = 0
    correlation: float = 0.0

    def factors(self, source: str, number: int) -> Array:
        cells = self.slow.cells[source]
        deviations = np.broadcast_to(self.slow.sizes.get(source, 0.0), cells.shape)
        out = np.ones(cells.shape)
        for i, j in np.ndindex(cells.shape):
            if deviations[i, j] > 0.0:
                by_stressor = source in ("F", "F_Y")
                stream = STREAMS[source] + ((i << 8) if by_stressor else 0)
                place = j if by_stressor else i * cells.shape[1] + j
                for year, deviation in self.parts(float(deviations[i, j])):
                    one = word(self.seed, number, stream, place, year)
                    out[i, j] *= factor(self.distribution, deviation, one)
        return out

    def parts(self, deviation: float) -> list[tuple[int, float]]:
        """Years and deviations of independent factors whose product has this deviation.

        The first is common to all years, and has a share of the variance that makes their
        correlation.
        """
        rho, square = self.correlation, deviation**2
        if rho in (0.0, 1.0):
            return [(0 if rho else self.year, deviation)]
        common = rho * square
        return [(0, common**0.5), (self.year, ((1 + square) / (1 + common) - 1) ** 0.5)]

    def shared(self, number: int) -> list[float]:
        found = []
        for name, (sd, _) in zip(self.names, self.slow.shared, strict=True):
            digest = hashlib.blake2b(name.encode(), digest_size=3).digest()
            stream = STREAMS["shared"] + (int.from_bytes(digest, "little") << 8)
            one = word(self.seed, number, stream, 0)
            found.append(factor(self.distribution, sd, one) - 1.0)
        return found

    def draw(self, number: int) -> tuple[Any, Any]:
        """The answers of a draw, and its linear term by the derivative of every cell."""
        slow, sizes = self.slow, self.shared(number)
        changed, linear = {}, np.zeros(slow.answers().size)
        for source, cells in slow.cells.items():
            factors = self.factors(source, number)
            slopes = slow.slopes[source].reshape(len(linear), -1)
            linear += slopes @ (factors - 1.0).ravel()
            for size, (_, loadings) in zip(sizes, slow.shared, strict=True):
                if source in loadings:
                    loading = np.broadcast_to(loadings[source], cells.shape)
                    factors = factors * (1.0 + size * loading)
                    linear += size * (slopes @ loading.ravel())
            changed[source] = cells * factors
        return self.arranged(slow.answers(**changed)), self.arranged(linear)

    def arranged(self, answers: Array) -> Array:
        if self.slow.of == "flows":
            return answers
        by_account = answers.reshape(-1, len(ACCOUNTS))
        return by_account[:, [ACCOUNTS.index(name) for name in DRAWN]].ravel()
