"""Other packages through our conformance test, on the command line too."""

import pytest
from typer.testing import CliRunner

from bochner.audit import audit
from bochner.cli import app


@pytest.fixture(scope="module")
def audited():
    return {row.peer.name: row for row in audit()}


@pytest.mark.parametrize("name", ["RBFSampler", "SkewedChi2Sampler", "PolynomialCountSketch"])
def test_unbiased_samplers_of_scikit_learn_come_out_clean(audited, name):
    row = audited[name]
    assert row.outcome == "clean", str(row.report)
    assert row.z < 4.5


@pytest.mark.parametrize("name", ["Nystroem", "AdditiveChi2Sampler"])
def test_deterministic_ones_are_named_biased_by_design_with_the_size(audited, name):
    row = audited[name]
    assert row.outcome == "biased by design", str(row.report)
    assert max(abs(bound - 1) for bound in row.ratio) > 1e-4


def test_the_fault_of_performer_pytorch_comes_out(audited):
    pytest.importorskip("performer_pytorch")
    row = audited["orthogonal draws, d = 8"]
    assert row.outcome == "biased"
    assert [check.name for check in row.report.failures] == ["mean"]
    ratio = (row.report.measured["mean"] / row.report.measured["truth"]).to_numpy()
    assert sorted(ratio[:2]) == pytest.approx([0.81, 1.19], abs=0.015)
    assert row.z > 20


def test_the_command_prints_a_table():
    done = CliRunner().invoke(app, ["audit"], env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    assert "biased by design" in done.output and "RBFSampler" in done.output


def test_laws_are_listed():
    done = CliRunner().invoke(app, ["list", "--laws"], env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in done.output.splitlines()}
    assert rows["softmax", "positive"][:2] == ["exact", "exact"]
    assert rows["softmax", "relu"][:2] == ["measured", "measured"]
    assert rows["product_cauchy", "trigonometric"][0] == "exact"
