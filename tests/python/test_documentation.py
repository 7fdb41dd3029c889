"""Doc comments say what they should, examples run, and every source that is cited is listed."""

import doctest
import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bochner

ROOT = Path(__file__).parents[2]
# [Key], [Key, place], [Key; Other, place]: a name and two digits of a year, or a name without one.
KEY = r"(?:[A-Z][A-Za-z]+\d\d[a-z]?|DLMF|Bochner)"
CITATION = re.compile(rf"\[({KEY}(?:[,;][^\[\]]*)?)\]")
CODE = ("core", "estimators", "experiments", "python", "benchmarks", "tests", "examples")
SUFFIXES = {".h", ".cpp", ".py", ".pyi", ".html", ".md"}


def cited_keys():
    keys = {}
    for file in (file for folder in CODE for file in (ROOT / folder).rglob("*")):
        if file.suffix in SUFFIXES and file != Path(__file__):
            for citation in CITATION.findall(file.read_text(encoding="utf-8")):
                for part in citation.split(";"):
                    key = part.split(",")[0].strip()
                    if re.fullmatch(KEY, key):
                        keys.setdefault(key, set()).add(file.name)
    return keys


def test_every_source_that_is_cited_is_listed_and_every_listed_one_is_cited():
    text = (ROOT / "REFERENCES.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- \*\*\[(\w+)\]\*\*", text, re.MULTILINE)
    cited = cited_keys()
    assert len(listed) == len(set(listed))
    assert listed == sorted(listed, key=str.lower)
    # Two types of arrays look like keys.
    assert set(cited) - {"Float64"} == set(listed), cited
    assert {"Choromanski21", "RahimiRecht07", "Yu16", "Pebay08"} <= set(listed)


def importable(*names):
    """Those of the optional modules whose packages are installed."""
    for name in names:
        try:
            yield importlib.import_module(name)
        except ModuleNotFoundError:
            continue


OPTIONAL = list(importable("bochner.torch", "bochner.transformers"))


def public_things():
    for module in (
        bochner,
        importlib.import_module("bochner.audit"),
        bochner.baselines,
        bochner.bounds,
        bochner.experiments,
        bochner.testing,
        *OPTIONAL,
    ):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing) and not issubclass(thing, Exception):
                for part, value in vars(thing).items():
                    if not part.startswith("_") and not isinstance(value, (str, tuple, bool, float, type(None))):
                        yield f"{module.__name__}.{name}.{part}", value


THINGS = {
    name: thing.__func__ if isinstance(thing, classmethod) else thing
    for name, thing in public_things()
    if not inspect.ismemberdescriptor(thing)
}


@pytest.mark.parametrize("name", THINGS)
def test_public_things_are_documented(name):
    thing = THINGS[name]
    text = inspect.getdoc(thing)
    assert text, f"{name} has no docstring"
    if not inspect.isfunction(thing) or type(thing).__name__ == "_tuplegetter":
        return
    parameters = [part for part in inspect.signature(thing).parameters.values() if part.name not in ("self", "cls")]
    for part in parameters:
        assert re.search(rf"\b{part.name}\b", text), f"{name}: {part.name} is not documented"
    if parameters:
        for section in ("Parameters\n----------", "Raises\n------"):
            assert section in text, f"{name} has no section {section.splitlines()[0]}"
        if inspect.signature(thing).return_annotation not in (None, "None"):
            assert "Returns\n-------" in text, f"{name} has no section Returns"


MODULES = [
    "bochner",
    "bochner._components",
    "bochner._estimator",
    "bochner._feature_map",
    "bochner._functions",
    "bochner._plugins",
    "bochner._attention",
    "bochner._required_m",
    "bochner.bounds",
    "bochner.experiments._pointwise",
    *(module.__name__ for module in OPTIONAL),
]


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    results = doctest.testmod(importlib.import_module(module))
    assert results.failed == 0


def test_the_code_of_the_readme_runs(capsys, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    # A module, since what is defined in none cannot be pickled.
    module = ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", module)
    for block in blocks:
        if "bochner.transformers" in block and not any(m.__name__ == "bochner.transformers" for m in OPTIONAL):
            continue
        exec(block, vars(module))
    assert "trials independent" in capsys.readouterr().out


def test_there_are_examples():
    found = [
        test
        for module in MODULES
        for test in doctest.DocTestFinder().find(importlib.import_module(module))
        if test.examples
    ]
    assert len(found) >= 4
