"""Print a list of requirements of pyproject.toml: `build`, `run` or the name of an extra.

pip installs a package's extras only together with the package, and its build requirements only
into an environment that it throws away; `make` wants both in .venv, each when it is needed.
"""

import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib


def main() -> None:
    name = sys.argv[1]
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    config = tomllib.loads(text)
    lists = config["project"]["optional-dependencies"] | {
        "build": config["build-system"]["requires"],
        "run": config["project"]["dependencies"],
    }
    print("\n".join(lists[name]))


if __name__ == "__main__":
    main()
