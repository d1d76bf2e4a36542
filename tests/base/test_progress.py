"""The progress bar: silent unless asked, tidy on exceptions."""

from __future__ import annotations

import io
import threading

import pytest

from carbonflows_fast._base import progress as _progress
from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast.errors import InputError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use_stderr(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    monkeypatch.setattr(_progress.sys, "stderr", stream)


def test_silent_where_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    use_stderr(monkeypatch, stream)
    with progress_bar("Solving", 3, None) as bar:
        bar.advance(2)
        bar.advance()
    assert stream.getvalue() == ""
    assert bar.done == 3


def test_shown_on_a_terminal_and_ends_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    use_stderr(monkeypatch, stream)
    with progress_bar("Solving", 4, None) as bar:
        for _ in range(4):
            bar.advance()
    text = stream.getvalue()
    assert text.startswith("\rSolving  [....")
    assert "4/4" in text
    assert text.endswith("\n")
    assert text.count("\n") == 1


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False)])
def test_forced(monkeypatch: pytest.MonkeyPatch, progress: bool, shown: bool) -> None:
    stream = io.StringIO() if progress else Terminal()
    use_stderr(monkeypatch, stream)
    with progress_bar("Reading", 1, progress) as bar:
        bar.advance()
    assert bool(stream.getvalue()) is shown


def test_counter_without_a_total(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    use_stderr(monkeypatch, stream)
    with progress_bar("Reading", None, True) as bar:
        bar.advance(7)
    last = stream.getvalue().split("\r")[-1]
    assert "Reading  7" in last
    assert "[" not in last


def test_empty_work_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    use_stderr(monkeypatch, stream)
    with progress_bar("Reading", 0, True):
        pass
    assert "#" * 24 in stream.getvalue()


def test_an_exception_passes_and_the_line_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    use_stderr(monkeypatch, stream)

    def interrupted() -> None:
        with progress_bar("Solving", 9, True) as bar:
            bar.advance(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "2/9" in stream.getvalue()
    assert stream.getvalue().endswith("stopped\n")


def test_closed_or_missing_stderr_never_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (closed, None):
        use_stderr(monkeypatch, stream)
        for progress in (None, True):
            with progress_bar("Reading", 2, progress) as bar:
                bar.advance(2)
            assert bar.done == 2


def test_threads_lose_no_step() -> None:
    with progress_bar("Solving", 8000, False) as bar:
        threads = [
            threading.Thread(target=lambda: [bar.advance() for _ in range(1000)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bar.done == 8000


def test_wrong_progress_is_refused() -> None:
    with pytest.raises(InputError, match="progress: expected None, True or False, got 'yes'"):
        progress_bar("Reading", 1, "yes")  # type: ignore[arg-type]


def test_a_new_title_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    use_stderr(monkeypatch, stream)
    with progress_bar("A long first step", 2, True) as bar:
        bar.rename("Next")
        assert stream.getvalue().split("\r")[-1].startswith("Next  [")
        assert len(stream.getvalue().split("\r")[-1]) >= len("A long first step  [")
    with progress_bar("Silent", 2, False) as bar:
        bar.rename("Still silent")
    assert "ilent" not in stream.getvalue()
