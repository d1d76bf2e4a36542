"""Options of a question as JSON can have them: equal ones alike, different ones never."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties import BySize, Errors, SharedError

__all__ = ["described"]


def described(value: Any) -> Any:
    """Return an option as JSON can have it; arrays by their digest.

    Raises
    ------
    InputError
        If it is something that cannot be sent to workers and compared.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {"dict": [[described(k), described(v)] for k, v in value.items()]}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [described(one) for one in value]}
    if isinstance(value, Errors | SharedError | BySize):
        parts = [_of_errors(getattr(value, field.name)) for field in fields(value)]
        return {type(value).__name__: parts}
    if isinstance(value, pd.Series):
        return {"Series": [described(list(value.index)), described(value.to_numpy())]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        content = hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=32)
        return {"array": [str(value.dtype), list(value.shape), content.hexdigest()]}
    raise InputError.about(
        "options",
        expected="names, numbers, lists or numeric arrays",
        got=type(value).__name__,
        remedy="give plain values",
    )


def _of_errors(value: Any) -> Any:
    """Return a form of errors: numbers by label in any order are the same."""
    if isinstance(value, Mapping):
        pairs = [[described(label), described(one)] for label, one in value.items()]
        return {"mapping": sorted(pairs, key=json.dumps)}
    if isinstance(value, pd.DataFrame):
        labels = [described(list(axis)) for axis in (value.index, value.columns)]
        return {"DataFrame": [*labels, described(value.to_numpy())]}
    if sp.issparse(value):
        places = [described(np.asarray(part, np.int64)) for part in (value.indptr, value.indices)]
        return {"sparse": [list(value.shape), *places, described(value.data)]}
    return described(value)
