"""Copies of saved tables on a node's own disk, for workers that share a store over a network."""

from __future__ import annotations

import os
from pathlib import Path

from carbonflows_fast.errors import InputError, StoreError
from carbonflows_fast.store import open, save
from carbonflows_fast.store._generations import is_store
from carbonflows_fast.store._saved import checksum

__all__ = ["local_copy"]


def local_copy(path: str, content: str, folder: str) -> Path:
    """Return where the copy of a table is, which is made if there is none yet.

    Parameters
    ----------
    path : str
        Of the saved table.
    content : str
        The digest that names what is in it, which the copy must have as well.
    folder : str
        Where copies are, on the machine that asks: variables and "~" are those of that machine.

    Raises
    ------
    InputError
        If the copy belongs to another user.
    StoreError
        If it cannot be made, or has another content.
    """
    copy = Path(os.path.expandvars(folder)).expanduser().absolute() / content
    if not is_store(copy):
        save(open(path), copy)
    if hasattr(os, "getuid") and copy.stat().st_uid not in (0, os.getuid()):
        raise InputError.about(
            "copies",
            expected="a folder of this user on each worker",
            got=f"{copy}, which another user made",
            remedy="put the name of the user into that of the folder",
        )
    if checksum(copy) != content:
        raise StoreError.about(
            str(copy),
            expected=f"a copy of {path}",
            got="another table, since one of them changed or is damaged",
            remedy="delete the copy, and check the table with cf.open(path, verify=True)",
        )
    return copy
