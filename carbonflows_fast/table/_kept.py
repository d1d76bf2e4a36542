"""What has been computed from a table, kept with it, and dropped by what it was computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from carbonflows_fast.table._content import Parts

__all__ = ["Kept", "Key"]


@dataclass(frozen=True, slots=True)
class Key:
    """A kind of result. Each room has its own keys, and says what they depend on.

    Parameters
    ----------
    name : str
    depends : str
        Fields of `Parts` that the result is made of, with blanks between.
    """

    name: str
    depends: str = ""


class Kept:
    """Results by key. Two threads may compute one twice; both get what was stored first."""

    __slots__ = ("_results",)

    def __init__(self, results: dict[Key, tuple[Any, Any]] | None = None) -> None:
        self._results = results or {}

    def get(self, key: Key, make: Callable[[], Any], of: Any = None) -> Any:
        """Return the result under a key, made on first use.

        Parameters
        ----------
        key : Key
        make : callable
        of : object
            What the result answers; of each key only the last question's result is kept.
        """
        found = self._results.get(key)
        if found is None or found[0] != of:
            made = (of, make())
            found = self._results.setdefault(key, made)
            if found[0] != of:
                found = self._results[key] = made
        return found[1]

    def peek(self, key: Key) -> Any:
        """Return what is kept under a key, or None."""
        return self._results.get(key, (None, None))[1]

    def forget(self, key: Key) -> None:
        """Drop what is kept under a key."""
        self._results.pop(key, None)

    def after(self, before: Parts, parts: Parts) -> Kept:
        """Return what still holds where these parts take the place of those before."""

        def holds(key: Key) -> bool:
            names = key.depends.split()
            return all(getattr(before, name) is getattr(parts, name) for name in names)

        return Kept({key: found for key, found in self._results.items() if holds(key)})
