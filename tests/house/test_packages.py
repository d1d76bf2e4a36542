"""The recipes for conda and Spack need what pyproject.toml needs, and have its version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = (ROOT / "docs/recipes/conda/recipe.yaml").read_text(encoding="utf-8")
SPACK = (ROOT / "docs/recipes/spack/package.py").read_text(encoding="utf-8")
OTHER_NAMES = {"isal": "python-isal"}  # conda-forge's


def needed() -> dict[str, str]:
    """Return what is needed by name, with the least version of each."""
    found = {}
    for text in [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]:
        name, version = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", text).groups()  # type: ignore[union-attr]
        found[name] = version
    return found


def test_conda() -> None:
    listed = dict(re.findall(r"^    - ([\w-]+) >=([\d.]+)$", CONDA, re.MULTILINE))
    wanted = {OTHER_NAMES.get(name, name): version for name, version in needed().items()}
    dask = wanted.pop("dask")
    assert listed == wanted | {"dask-core": dask, "distributed": dask}
    assert f'version: "{PROJECT["project"]["version"]}"' in CONDA
    script = PROJECT["project"]["scripts"]["carbonflows-fast"]
    assert f"carbonflows-fast = {script}" in CONDA


def test_spack() -> None:
    listed = dict(re.findall(r'depends_on\("py-([\w-]+)@([\d.]+):', SPACK))
    assert listed == needed()
    least = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert f'depends_on("python@{least}:"' in SPACK
    cmake = re.search(
        r"cmake_minimum_required\(VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()
    )
    assert cmake is not None
    assert f'depends_on("cmake@{cmake[1]}:"' in SPACK
