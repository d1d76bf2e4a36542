"""How sure the answers are: what errors of the data do to accounts and flows."""

from carbonflows_fast.uncertainties._difference import Difference, difference
from carbonflows_fast.uncertainties._drawing._draws import Draws
from carbonflows_fast.uncertainties._error_model._errors import Errors, SharedError
from carbonflows_fast.uncertainties._error_model._forms import BySize
from carbonflows_fast.uncertainties._result import Uncertainty
from carbonflows_fast.uncertainties._uncertainty import uncertainty

__all__ = [
    "BySize",
    "Difference",
    "Draws",
    "Errors",
    "SharedError",
    "Uncertainty",
    "difference",
    "uncertainty",
]
