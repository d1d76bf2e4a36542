"""Spack package: put it into a repository as packages/py_carbonflows_fast/package.py."""

from spack.package import PythonPackage, default_args, depends_on, license, version


class PyCarbonflowsFast(PythonPackage):
    """Carbon embodied in trade, computed from multi-regional input-output tables."""

    # Name a clone: spack install py-carbonflows-fast@main, with its path in `git`.
    git = "file:///path/to/carbonflows_fast"

    license("BSD-3-Clause")

    version("main", branch="main")

    depends_on("cxx", type="build")
    depends_on("cmake@3.18:", type="build")
    depends_on("ninja", type="build")
    depends_on("python@3.11:", type=("build", "run"))
    depends_on("py-scikit-build-core@1.1:", type="build")
    depends_on("py-pybind11@3:", type="build")

    with default_args(type="run"):
        depends_on("py-numpy@2:")
        depends_on("py-scipy@1.13:")
        depends_on("py-pandas@2.2.2:")
        depends_on("py-pyarrow@16:")
        depends_on("py-numba@0.60:")
        depends_on("py-dask@2025.1:+distributed")
        depends_on("py-threadpoolctl@3.5:")
        depends_on("py-isal@1.5.1:")
        depends_on("py-python-calamine@0.9:")
