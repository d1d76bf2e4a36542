"""Whether errors fit a table, before anything is solved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carbonflows_fast.table._stressors import select_stressor
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import Errors, named

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["require_fit"]


def require_fit(table: Table, stressor: Any, errors: Errors) -> None:
    """Complain about labels and shapes that the table does not have.

    Raises
    ------
    LabelError, InputError
        If a label is unknown, or an array has another shape.
    """
    chosen = select_stressor(table, stressor)
    for given in (errors, *errors.shared):
        with named(given):
            if given.Z is not None:
                cells_of_Z(table, given.Z, 1)
            if given.Y is not None:
                cells_of_Y(table, given.Y)
            for source in ("F", "F_Y"):
                if (deviations := getattr(given, source)) is not None:
                    cells_of_stressor(table, chosen, source, deviations)
