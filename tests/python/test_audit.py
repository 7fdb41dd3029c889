"""Other packages through our conformance test, on the command line too."""

import re

import pytest
from typer.testing import CliRunner

from bochner import audit as module
from bochner.audit import audit
from bochner.cli import app


@pytest.fixture(scope="module")
def audited():
    return {row.peer.name: row for row in audit()}


@pytest.mark.parametrize("name", ["RBFSampler", "SkewedChi2Sampler", "PolynomialCountSketch"])
def test_unbiased_samplers_of_scikit_learn_come_out_clean(audited, name):
    row = audited[name]
    assert row.outcome == "clean", str(row.report)
    assert abs(row.z) < 4.5
    assert max(abs(bound - 1) for bound in row.ratio) < 0.01


@pytest.mark.parametrize("name", ["Nystroem", "AdditiveChi2Sampler"])
def test_fixed_ones_are_named_biased_by_design_with_the_size(audited, name):
    row = audited[name]
    assert row.outcome == "biased by design", str(row.report)
    assert max(abs(bound - 1) for bound in row.ratio) > 0.01


def test_the_fault_of_performer_pytorch_comes_out(audited):
    pytest.importorskip("performer_pytorch")
    row = audited["orthogonal draws, d = 8"]
    assert row.outcome == "biased", str(row.report)
    assert [check.name for check in row.report.failures] == ["mean"]
    ratio = (row.report.measured["mean"] / row.report.measured["truth"]).to_numpy()
    assert ratio[:2] == pytest.approx([0.81, 1.19], abs=0.015)
    assert abs(row.z) > 20


def test_the_command_prints_a_table_and_how_to_install_what_is_missing(monkeypatch):
    missing = {"RBFSampler": ("no_such_module",)}
    known = module.peers()
    for peer in known:
        object.__setattr__(peer, "modules", missing.get(peer.name, peer.modules))
    monkeypatch.setattr(
        module, "peers", lambda: [peer for peer in known if peer.name in ("RBFSampler", "AdditiveChi2Sampler")]
    )
    done = CliRunner().invoke(app, ["audit"], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    assert re.search(r"RBFSampler +scikit-learn +not installed", done.output)
    assert "RBFSampler: pip install scikit-learn" in done.output
    assert re.search(r"AdditiveChi2Sampler +scikit-learn +biased by design +0\.\d{4} to 0\.\d{4}", done.output)
