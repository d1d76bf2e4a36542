"""A pool of Python threads that uses fewer threads if the system allows no more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["ThreadPool", "refused"]


def refused(error: BaseException) -> bool:
    """Whether this is the system's word that there are no more threads."""
    return isinstance(error, RuntimeError) and "start new thread" in str(error)


class ThreadPool(ThreadPoolExecutor):
    """An executor that runs in the calling thread what it can start no thread for.

    Examples
    --------
    >>> with ThreadPool(2) as pool:
    ...     list(pool.map(abs, [-1, 2]))
    [1, 2]
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run fn(*args, **kwargs) on one of the threads, or at once."""
        future: Future[Any] = Future()
        unclaimed = [future]  # by the first to take it: a thread of the pool, or this thread

        def work() -> None:
            try:
                unclaimed.pop()
            except IndexError:
                return
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        try:
            super().submit(work)
        except RuntimeError as error:
            if not refused(error):
                raise
            work()
        return future
