"""Some of the draws of a question by themselves, and what all of them come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.uncertainties._drawing._draw_all import checked_draws
from carbonflows_fast.uncertainties._drawing._drawing import DRAWN_ACCOUNTS
from carbonflows_fast.uncertainties._drawing._draws import Draws
from carbonflows_fast.uncertainties._error_model._errors import Errors
from carbonflows_fast.uncertainties._measured import Measured
from carbonflows_fast.uncertainties._uncertainty import drawing_of

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["LEVELS", "some_draws", "tidy", "with_draws"]

LEVELS = {"accounts": ("region", "account"), "flows": ("from", "to")}
QUANTILES = {"q5": 0.05, "q95": 0.95}


def tidy(of: str, index: Any, columns: Any, **numbers: FloatArray) -> pd.DataFrame:
    """Return arrays (rows, columns) as a frame with a row for each cell, labelled."""
    labels = pd.MultiIndex.from_product([list(index), list(columns)], names=LEVELS[of])
    return pd.DataFrame({name: cells.ravel() for name, cells in numbers.items()}, labels)


def some_draws(
    table: Table,
    stressor: Any,
    errors: Errors,
    *,
    of: str,
    numbers: Sequence[int],
    seed: int,
    correlation: float,
    rtol: float,
) -> pd.DataFrame:
    """Return draws from one number to another, both included, as `uncertainty` makes them.

    A row for each cell of the answer and draw: the answer, NaN if the draw is not productive, its
    linear term, and whether an output has changed its sign.
    """
    flow = region_flows(table, stressor, None, rtol)
    shared = Measured(table, flow, errors, rtol).shared_in_unit()
    drawing = drawing_of(table, flow, errors, shared, of, seed, correlation, rtol)
    columns = table.regions if of == "flows" else DRAWN_ACCOUNTS
    frames = {}
    for number in range(numbers[0], numbers[1] + 1):
        answer, linear, turned = drawing.one(number)
        answer = np.full(linear.shape, np.nan) if answer is None else answer
        frame = tidy(of, table.regions, columns, answer=answer, linear=linear)
        frames[number] = frame.assign(turned=turned)
    found = pd.concat(frames, names=["draw"])
    found.attrs = {"stressor": flow.stressor.name, "unit": flow.stressor.unit}
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """Draws of one table, (draws, rows, columns), or of the difference of two."""

    numbers: list[int]
    answers: FloatArray
    linear: FloatArray
    turned: npt.NDArray[np.bool_]

    @classmethod
    def made_of(cls, parts: Sequence[pd.DataFrame], wanted: pd.MultiIndex, count: int) -> _Samples:
        """Put the first draws of a table together, their answers in the order of these labels."""
        every = pd.concat([part.reset_index() for part in parts], ignore_index=True)
        every = every[every["draw"] < count]
        labels = pd.MultiIndex.from_frame(every[wanted.names][: len(wanted)])
        places, shape = labels.get_indexer(wanted), wanted.levshape
        answers, linear, turned = (
            every[name].to_numpy().reshape(-1, len(wanted))[:, places].reshape(-1, *shape)
            for name in ("answer", "linear", "turned")
        )
        numbers = every["draw"].to_numpy().reshape(len(answers), -1)[:, 0]
        return cls(numbers.tolist(), answers, linear, turned[:, 0, 0])

    def less(self, other: _Samples) -> _Samples:
        """Return the differences of the draws of one number, whose shared errors are the same."""
        return _Samples(
            self.numbers,
            self.answers - other.answers,
            self.linear - other.linear,
            self.turned | other.turned,
        )


def with_draws(
    frame: pd.DataFrame, drawn: Sequence[Sequence[pd.DataFrame]], of: str, seed: int, count: int
) -> pd.DataFrame:
    """Add to a frame of the first order what draws come to: of its table, or before and after.

    The first `count` of them: there may be more from another call.

    Raises
    ------
    NotProductiveError
        If fewer than two draws have an answer.
    """
    rows, names = (list(frame.index.unique(level)) for level in LEVELS[of])
    columns = names if of == "flows" else list(DRAWN_ACCOUNTS)
    value, sd = (
        pd.DataFrame(frame[name].to_numpy().reshape(len(rows), -1), rows, names)[columns]
        for name in ("value", "sd")
    )
    wanted = pd.MultiIndex.from_product([rows, columns], names=LEVELS[of])
    samples = [_Samples.made_of(parts, wanted, count) for parts in drawn]
    one = samples[0] if len(samples) == 1 else samples[1].less(samples[0])
    lost = np.asarray(np.isnan(one.answers).any(axis=(1, 2)))
    draws = checked_draws(
        Draws(
            seed,
            of,
            int(one.turned[~lost].sum()),
            value,
            np.square(sd.to_numpy()),
            one.answers[~lost],
            one.linear[~lost],
            one.linear[lost],
            [number for number, is_lost in zip(one.numbers, lost, strict=True) if not is_lost],
        )
    )
    estimates = {"mean": draws.mean, "bias": draws.bias, "drawn_sd": draws.sd}
    estimates |= {name: draws.quantile(p) for name, p in QUANTILES.items()}
    if "fell" in frame:
        estimates["drawn_fell"] = draws.probability(below=0.0)
    numbers = dict[str, FloatArray]()
    for name, (found, error) in estimates.items():
        numbers |= {name: found.to_numpy(), f"{name}_error": error.to_numpy()}
    made = frame.join(tidy(of, rows, columns, **numbers))
    made.attrs = frame.attrs | {
        "draws": draws.count,
        "not_productive": draws.not_productive,
        "turned": draws.turned,
    }
    return made
