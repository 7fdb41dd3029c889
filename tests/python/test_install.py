"""The C++ library installs, and a project of its own finds it with `find_package(bochner)`."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "venv"


def find_cmake() -> str | None:
    scripts = Path(sys.executable).parent
    return shutil.which("cmake", path=os.pathsep.join([str(scripts), os.environ.get("PATH", "")]))


CMAKE = find_cmake()


def run(*command: str | Path) -> str:
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
    return result.stdout


def cache_value(name: str) -> str:
    for line in (BUILD / "CMakeCache.txt").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.partition("=")[2]
    return ""


@pytest.mark.skipif(CMAKE is None, reason="cmake is not installed")
@pytest.mark.skipif(not (BUILD / "CMakeCache.txt").exists(), reason=f"nothing is built in {BUILD}")
def test_downstream_project_builds_against_the_installed_library(tmp_path):
    prefix = tmp_path / "prefix"
    build = tmp_path / "build"
    run(CMAKE, "--install", BUILD, "--component", "development", "--prefix", prefix)
    run(
        *(CMAKE, "-S", ROOT / "tests" / "downstream", "-B", build, "-G", "Ninja"),
        f"-DCMAKE_MAKE_PROGRAM={cache_value('CMAKE_MAKE_PROGRAM')}",
        f"-DCMAKE_CXX_COMPILER={cache_value('CMAKE_CXX_COMPILER')}",
        # The library's own dependencies lie where our build found them.
        f"-DCMAKE_PREFIX_PATH={prefix};{cache_value('CMAKE_PREFIX_PATH')}",
    )
    run(CMAKE, "--build", build)

    exact, estimate, deviation = map(float, run(build / "downstream").split())

    assert exact == pytest.approx(math.exp(8 * 0.4 * -0.1), rel=1e-14)
    assert 0 < deviation < 0.1 * exact
    assert estimate != exact
    assert abs(estimate - exact) < 5 * deviation

    rows = [list(map(float, line.split())) for line in run(build / "own_parts").splitlines()]
    assert len(rows) == 8
    for truth, bias, bias_se, mse, z_mse in rows:
        # As many trials as make an error of 1.5 % visible.
        assert 0 < 4.5 * bias_se < 0.015 * truth
        assert abs(bias) < 4.5 * bias_se
        assert 0 < mse < truth**2
        assert math.isnan(z_mse) or abs(z_mse) < 4.5
    # Our law holds of the user's kernel; nobody knows one of the user's coupling or features.
    assert [math.isnan(row[-1]) for row in rows] == [False] * 2 + [True] * 6
