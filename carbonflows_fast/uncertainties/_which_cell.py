"""Which cell of an answer is meant, by region and account, or by region and consumer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast.errors import InputError
from carbonflows_fast.table._stressors import unknown_label
from carbonflows_fast.uncertainties._error_model._forms import got_of

__all__ = ["cell_of_accounts", "cell_of_flows"]


def cell_of_accounts(
    regions: Sequence[str], names: tuple[str, ...], region: Any, account: Any, consumer: Any
) -> tuple[int, int]:
    """Return row and column of an account, of consumption where none is named.

    Raises
    ------
    LabelError
        If the region is unknown.
    InputError
        If the account is unknown, or a consumer is named.
    """
    row = _place(regions, "region", region)
    if consumer is not None:
        raise InputError.about(
            "consumer",
            expected="None for accounts",
            got=got_of(consumer),
            remedy='leave it out, or ask cf.uncertainty(…, of="flows")',
        )
    asked = "consumption" if account is None else account
    return row, names.index(one_of("account", asked, names, remedy="leave it out"))


def cell_of_flows(
    regions: Sequence[str], region: Any, account: Any, consumer: Any
) -> tuple[int, int]:
    """Return row and column of a flow.

    Raises
    ------
    LabelError
        If a region is unknown.
    InputError
        If no consumer is named, or an account.
    """
    row = _place(regions, "region", region)
    if account is not None:
        raise InputError.about(
            "account",
            expected="None for flows",
            got=got_of(account),
            remedy='leave it out, or ask cf.uncertainty(…, of="accounts")',
        )
    if consumer is None:
        raise InputError.about(
            "consumer",
            expected=f"the region that consumes what {region!r} emits",
            got="none",
            remedy=f"give e.g. consumer={regions[0]!r}",
        )
    return row, _place(regions, "consumer", consumer)


def _place(regions: Sequence[str], argument: str, region: Any) -> int:
    if not isinstance(region, str) or region not in regions:
        raise unknown_label(argument, "region", region, regions, "")
    return regions.index(region)
