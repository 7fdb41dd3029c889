"""What several test files share."""

import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory):
    """The folder of one quick main job, made by the command line. Tests read it and do not write."""
    folder = tmp_path_factory.mktemp("quick") / "results"
    command = [sys.executable, "-m", "bochner", "reproduce", "--quick", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder
