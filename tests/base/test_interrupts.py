"""Ctrl-C in the command line: one quiet line and status 130, from our first instruction on."""

from __future__ import annotations

import ast
import os
import random
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import carbonflows_fast as cf

ROOT = Path(__file__).resolve().parents[2]
TARGET = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
SCRIPT = "import re, sys\nfrom {} import {}\n{}sys.exit(main())"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals as POSIX has them")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> str:
    table = cf.synthetic.world(3, 6, year=2019)
    return str(cf.save(table, tmp_path_factory.mktemp("interrupts") / "2019"))


def script(before: str = "") -> list[str]:
    """What pip writes, with more code before the call."""
    return [sys.executable, "-c", SCRIPT.format(*TARGET["carbonflows-fast"].split(":"), before)]


def run(command: list[str], *arguments: str) -> tuple[int, str, str]:
    made = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    return made.returncode, made.stdout, made.stderr


PRESS = """
import builtins, os, signal
seen, load = set(), builtins.__import__
def loading(name, *rest, **more):
    if name.startswith({module!r}) and {module!r} not in seen:
        seen.add({module!r})
        os.kill(os.getpid(), signal.SIGINT)
    return load(name, *rest, **more)
builtins.__import__ = loading
"""
"""Press Ctrl-C when a module is loaded for the first time."""


@pytest.mark.parametrize(
    "module",
    ["numpy", "pandas", "scipy", "argparse"],
)
def test_an_interrupt_while_modules_are_loaded(saved: str, module: str) -> None:
    status, out, said = run(script(PRESS.format(module=module)), "accounts", saved)
    assert (status, out, said) == (130, "", "interrupted\n")


def test_interrupts_at_random_moments(saved: str) -> None:
    sys.path.insert(0, str(ROOT / "benches"))
    try:
        import interrupts
    finally:
        sys.path.remove(str(ROOT / "benches"))
    assert [way[-2:] for way in interrupts.ways()][1] == ["-m", "carbonflows_fast"]
    seen, noisy = interrupts.measure(f"accounts {saved}", 6, random.Random(1))
    assert not noisy, "\n".join(noisy)
    assert sum(seen.values()) == 6
    # It counts what it is there for.
    trace = 'File "/x/carbonflows_fast/table.py", line 1\nKeyboardInterrupt\n'
    assert interrupts.kind(1, trace, 0) == "noisy"
    assert interrupts.kind(130, "interrupted\ninterrupted\n", 0) == "noisy"
    assert interrupts.kind(0, "no\n", 0) == "noisy"
    assert interrupts.kind(130, "interrupted\n", 0) == "quiet"
    assert interrupts.kind(1, "File 'site.py'\nKeyboardInterrupt\n", 0) == "before"


@pytest.mark.parametrize(
    "broken",
    [
        "raise ImportError('numpy failed to import')",
        "raise OSError('half a file')",
        "raise KeyError('state')",
    ],
)
def test_what_becomes_of_an_interrupt_in_other_code_is_still_one(saved: str, broken: str) -> None:
    before = f"""
import os, signal
import carbonflows_fast as cf
def broken(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    except KeyboardInterrupt:
        {broken}
cf.accounts = broken
"""
    assert run(script(before), "accounts", saved) == (130, "", "interrupted\n")


def test_an_interrupt_in_a_callback_comes_again(saved: str) -> None:
    before = """
import os, signal
import carbonflows_fast as cf
class Left:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
def dropped(*_, **__):
    left = Left()
    del left
    for _ in range(10**9):
        pass
    raise SystemExit("went on")
cf.accounts = dropped
"""
    assert run(script(before), "accounts", saved) == (130, "", "interrupted\n")


def test_an_interrupt_that_a_module_would_swallow_as_it_is_loaded_comes_again(
    saved: str, tmp_path: Path
) -> None:
    (tmp_path / "swallows.py").write_text(
        """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass
except BaseException:
    pass
"""
    )
    before = f"""
import os, sys
import carbonflows_fast as cf
sys.path.insert(0, {str(tmp_path)!r})
def loads(*_, **__):
    import swallows
    for _ in range(10**8):
        pass
    os._exit(5)
cf.accounts = loads
"""
    assert run(script(before), "accounts", saved) == (130, "", "interrupted\n")


def test_nothing_disturbs_what_is_done(saved: str) -> None:
    before = """
import atexit, os, signal
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
"""
    status, out, said = run(script(before), "accounts", saved)
    assert (status, said) == (0, "")
    assert out.startswith("synthetic")


def test_an_interrupt_that_is_ignored_stays_ignored(saved: str) -> None:
    before = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    status, _, said = run(script(before + PRESS.format(module="pandas")), "accounts", saved)
    assert (status, said) == (0, "")


def test_the_package_leaves_signals_alone() -> None:
    code = """
import signal, sys
def mine(*_): pass
signal.signal(signal.SIGINT, mine)
import carbonflows_fast as cf, carbonflows_fast.__main__
cf.accounts(cf.synthetic.world(2, 3))
assert signal.getsignal(signal.SIGINT) is mine
assert sys.unraisablehook is sys.__unraisablehook__
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_loaded_before_interrupts_are_listened_for() -> None:
    code = """
import sys
before = set(sys.modules)
import carbonflows_fast.__main__
print(sorted(set(sys.modules) - before))
"""
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    found = set(ast.literal_eval(loaded))
    ours = {name for name in found if name.split(".")[0] == "carbonflows_fast"}
    assert ours == {
        "carbonflows_fast", "carbonflows_fast.__main__", "carbonflows_fast._base",
        "carbonflows_fast._base.interrupts",
    }  # fmt: skip
    others = {name.split(".")[0] for name in found - ours}  # what finds an editable install
    assert others <= set(sys.stdlib_module_names)
    assert not others & {"argparse", "threading", "typing", "logging", "signal"}


# --- the face of the package, which loads nothing before it is asked for ---------------------


def test_every_public_name_has_one_home_and_types() -> None:
    tree = ast.parse(Path(cf.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.name: (node.module or "").removeprefix("carbonflows_fast").lstrip(".")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("carbonflows_fast")
        for alias in node.names
    }
    assert typed == cf._MODULE_OF | {"figures": "", "synthetic": ""}
    assert set(cf.__all__) == typed.keys() | {"__version__"}
    assert sorted(cf.__all__) == cf.__all__
    assert set(dir(cf)) >= set(cf.__all__)
    for name, home in cf._MODULE_OF.items():
        assert getattr(cf, name) is getattr(sys.modules[f"carbonflows_fast.{home}"], name)


def test_names_come_by_every_way_of_asking() -> None:
    code = """
import carbonflows_fast as cf
from carbonflows_fast import *
from carbonflows_fast import Table as same, figures, synthetic
import carbonflows_fast.store
assert same is Table is cf.Table and cf.figures is figures
assert cf.classification.CLASSES and cf.errors.InputError is InputError
assert not hasattr(cf, "nothing") and not hasattr(cf, "_nothing")
try:
    cf.nothing
except AttributeError as error:
    assert str(error) == "module 'carbonflows_fast' has no attribute 'nothing'"
import pickle
assert pickle.loads(pickle.dumps(cf.accounts)) is cf.accounts
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_core_that_cannot_be_loaded_is_named() -> None:
    code = """
import sys
sys.modules["carbonflows_fast._core"] = None
import carbonflows_fast as cf
for ask in (lambda: cf.accounts, lambda: cf.__version__):
    try:
        ask()
    except ImportError as error:
        assert "compiled core of carbonflows_fast cannot be loaded" in str(error), error
    else:
        raise SystemExit("went on")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
