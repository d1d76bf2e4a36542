"""What has been computed from a table, kept with it, and dropped by what it was computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

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


class _Result(NamedTuple):
    of: Any
    rtol: float | None
    value: Any

    def serves(self, of: Any, rtol: float | None) -> bool:
        """Whether it answers the question, and is as accurate as is asked."""
        close = self.rtol is not None and rtol is not None and self.rtol <= rtol
        return bool(self.of == of) and (close or self.rtol == rtol)


class Kept:
    """Results by key. Two threads may compute one twice; both get what was stored first."""

    __slots__ = ("_results",)

    def __init__(self, results: dict[Key, _Result] | None = None) -> None:
        self._results = results or {}

    def get(
        self, key: Key, make: Callable[[], Any], of: Any = None, rtol: float | None = None
    ) -> Any:
        """Return the result under a key, made on first use.

        Parameters
        ----------
        key : Key
        make : callable
        of : object
            What the result answers; of each key only the last question's result is kept.
        rtol : float, optional
            What `make` solves to. A result that is kept serves any larger one, never a smaller one.
        """
        found = self._results.get(key)
        if found is None or not found.serves(of, rtol):
            made = _Result(of, rtol, make())
            found = self._results.setdefault(key, made)
            if not found.serves(of, rtol):
                found = self._results[key] = made
        return found.value

    def peek(self, key: Key) -> Any:
        """Return what is kept under a key, or None."""
        found = self._results.get(key)
        return found and found.value

    def forget(self, key: Key) -> None:
        """Drop what is kept under a key."""
        self._results.pop(key, None)

    def after(self, before: Parts, parts: Parts) -> Kept:
        """Return what still holds where these parts take the place of those before."""

        def holds(key: Key) -> bool:
            names = key.depends.split()
            return all(getattr(before, name) is getattr(parts, name) for name in names)

        return Kept({key: found for key, found in self._results.items() if holds(key)})
