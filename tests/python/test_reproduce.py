"""The main job: what it writes, how it resumes, and what it says when the folder is not as expected."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import bochner
from bochner import cli, reproduce
from bochner.reproduce import style
from bochner.reproduce.figure import SIZES, Drawing, Figure, Part
from bochner.reproduce.verdict import HOLDS, Verdict
from bochner.testing import Combination

COMMAND = [sys.executable, "-m", "bochner", "reproduce"]


class Toy(Figure):
    """A figure that takes no time: three parts of one row."""

    name = "toy"
    title = "A toy"
    claims = ("Lemma 0",)
    sizes = {size: {"trials": 10 * (1 + number)} for number, size in enumerate(SIZES)}
    computed: list[str] = []
    stop_at: str | None = None

    def parts(self):
        return [Part("toy_rows", name, lambda name=name: self.compute(name)) for name in "abc"]

    def compute(self, name):
        if name == self.stop_at:
            raise KeyboardInterrupt
        self.computed.append(name)
        value = np.random.default_rng([self.seed, ord(name)]).normal()
        return pd.DataFrame({"part": [name], "value": [value]})

    def draw(self, data):
        canvas = style.canvas(4, 3)
        canvas.subplots().plot(data["toy_rows"]["value"])
        return [Drawing("toy", canvas, "a line")]

    def verdicts(self, data):
        value = float(data["toy_rows"]["value"].mean())
        return [Verdict("Lemma 0", "It is finite.", f"{value:.3f}", value, value, value, HOLDS)]

    def caption(self, data):
        return "Nothing."


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(reproduce, "FIGURES", (Toy,))
    monkeypatch.setattr(Toy, "computed", [])
    return Toy


def call(*arguments):
    return CliRunner().invoke(cli.app, ["reproduce", *map(str, arguments)])


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows(path):
    return pq.read_table(path).to_pandas()


def test_quick_run_writes_all_that_is_promised(quick_run):
    skipped = {figure.name: figure("quick", 0).skip() for figure in reproduce.FIGURES}
    names = [name for name, reason in skipped.items() if reason is None]
    verdicts = json.loads((quick_run / "verdicts.json").read_text())
    page = (quick_run / "index.html").read_text()

    skipped = {figure.name: figure("quick", 0).skip() for figure in reproduce.FIGURES}
    assert {verdict["figure"] for verdict in verdicts} == {name for name in names if not skipped[name]}
    for verdict in verdicts:
        assert verdict["outcome"] in ("holds", "does not hold", "undecided")
        low, value, high = (verdict[key] for key in ("low", "value", "high"))
        if None in (low, value, high):
            assert verdict["outcome"] == "undecided", verdict
        else:
            assert low <= value <= high, verdict
    for name in names:
        record = json.loads((quick_run / "parts" / f"{name}.json").read_text())
        assert f'id="{name}"' in page
        if skipped[name]:
            assert record["skipped"] == skipped[name] and skipped[name] in page
            continue
        assert record["datasets"] and record["pictures"]
        for dataset in record["datasets"]:
            assert len(rows(quick_run / f"{dataset}.parquet")) > 0
        for picture in record["pictures"]:
            pixels = matplotlib.image.imread(quick_run / f"{picture['name']}.png")
            assert pixels[..., :3].std() > 0.02
            assert "<svg" in (quick_run / f"{picture['name']}.svg").read_text()
            assert len(picture["alt"]) > 40
    for name, reason in skipped.items():
        if reason is not None:
            assert "pip install" in reason
            assert json.loads((quick_run / "parts" / f"{name}.json").read_text())["skipped"] == reason


def test_facts_are_in_the_metadata_and_not_in_the_columns(quick_run):
    for path in quick_run.glob("*.parquet"):
        schema = pq.read_schema(path)
        facts = json.loads(schema.metadata[b"bochner"])
        assert facts["version"] == bochner.__version__
        assert facts["seed"] == 0
        assert facts["size"] == "quick"
        assert facts["machine"]["cores"] == os.cpu_count()
        assert facts["time"].endswith("+00:00")
        assert not {"machine", "time", "version", "seconds"} & set(schema.names)


def test_laws_hold_in_the_quick_run(quick_run):
    verdicts = json.loads((quick_run / "verdicts.json").read_text())
    outcomes = {verdict["claim"]: verdict["outcome"] for verdict in verdicts}
    for claim in ("Lemma 2", "Lemma 2, extended", "Theorem 2", "Laws on real input"):
        assert outcomes[claim] == "holds", claim


def test_run_that_was_killed_ends_with_the_same_numbers(quick_run, tmp_path):
    command = [*COMMAND, "lemma2", "--quick", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("parts/lemma2/*.parquet"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    kept = contents(tmp_path / "parts")
    assert not (tmp_path / "lemma2.parquet").exists()

    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0

    for path, before in kept.items():
        if path.suffix == ".parquet":
            assert path.read_bytes() == before
    pd.testing.assert_frame_equal(
        rows(tmp_path / "lemma2.parquet"), rows(quick_run / "lemma2.parquet"), check_exact=True
    )


def test_number_of_threads_changes_no_number(quick_run, tmp_path):
    before = bochner.get_num_threads()
    try:
        assert call("theorem2", "--quick", "--out", tmp_path, "--threads", 3).exit_code == 0
    finally:
        bochner.set_num_threads(before)
    name = "theorem2_measured.parquet"
    pd.testing.assert_frame_equal(rows(tmp_path / name), rows(quick_run / name), check_exact=True)


def test_interrupted_run_says_so_and_goes_on(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(toy, "stop_at", "c")
    result = call("--out", tmp_path / "a")
    assert result.exit_code == 130
    assert "start the same command again" in result.stderr
    assert toy.computed == ["a", "b"]

    monkeypatch.setattr(toy, "stop_at", None)
    assert call("--out", tmp_path / "a").exit_code == 0
    assert toy.computed == ["a", "b", "c"]
    assert call("--out", tmp_path / "b").exit_code == 0
    pd.testing.assert_frame_equal(rows(tmp_path / "a/toy_rows.parquet"), rows(tmp_path / "b/toy_rows.parquet"))


def test_complete_run_computes_nothing_again(toy, tmp_path):
    call("--out", tmp_path)
    before = contents(tmp_path)
    result = call("--out", tmp_path)
    assert result.exit_code == 0
    assert toy.computed == ["a", "b", "c"]
    assert contents(tmp_path) == before


def test_page_keeps_the_figures_of_an_earlier_run(quick_run, tmp_path):
    folder = shutil.copytree(quick_run, tmp_path / "copy")
    assert call("theorem2", "--quick", "--out", folder).exit_code == 0
    assert (folder / "verdicts.json").read_text() == (quick_run / "verdicts.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["--seed", "2"], ["seed 1", "seed 2"]),
        (["--seed", "1", "--quick"], ["size default", "size quick"]),
        (["--seed", "3", "--full"], ["seed 1", "seed 3", "size default", "size full"]),
    ],
)
def test_folder_of_another_run_is_left_alone(toy, tmp_path, arguments, texts):
    call("--seed", "1", "--out", tmp_path)
    before = contents(tmp_path)
    result = call(*arguments, "--out", tmp_path)
    assert result.exit_code == 2
    # Both values are named: "seed 1 where this run has 2".
    for text in texts[::2]:
        assert text in result.stderr
    for text in texts[1::2]:
        assert text.split()[1] in result.stderr
    assert result.stderr.count("\n") == 1
    assert contents(tmp_path) == before


def test_folder_of_another_version_is_left_alone(toy, tmp_path, monkeypatch):
    call("--out", tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr(bochner, "__version__", "99.0")
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert "99.0" in result.stderr
    assert json.loads(before[tmp_path / "manifest.json"])["version"] in result.stderr
    assert contents(tmp_path) == before


def test_foreign_folder_is_left_alone(toy, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert "not empty" in result.stderr and str(tmp_path) in result.stderr
    assert list(contents(tmp_path)) == [tmp_path / "thesis.tex"]


def test_file_in_place_of_the_folder(toy, tmp_path):
    (tmp_path / "results").write_text("text")
    result = call("--out", tmp_path / "results")
    assert result.exit_code == 2
    assert "is a file" in result.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seed": 0}'])
def test_damaged_manifest(toy, tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert "manifest.json cannot be read" in result.stderr
    assert (tmp_path / "manifest.json").read_text() == text


def parquet_of(metadata):
    """A sound Parquet file that this package did not write."""
    table = pa.table({"value": [1.0]}).replace_schema_metadata(metadata)
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


@pytest.mark.parametrize("damage", ["truncated", "empty", "one byte", "other file", "no facts", "other facts"])
def test_damaged_part_is_named_and_nothing_is_overwritten(toy, tmp_path, damage):
    call("--out", tmp_path)
    part = tmp_path / "parts/toy/b.parquet"
    good = part.read_bytes()
    flipped = bytearray(good)
    flipped[good.index(b"PAR1") + 30] ^= 1
    content = {
        "truncated": good[:100],
        "empty": b"",
        "one byte": bytes(flipped),
        "other file": b"x" * 500,
        "no facts": parquet_of(None),
        "other facts": parquet_of({"bochner": "[1]"}),
    }
    part.write_bytes(content[damage])
    before = contents(tmp_path)
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert str(part) in result.stderr and "Delete this file" in result.stderr
    assert contents(tmp_path) == before

    part.unlink()
    assert call("--out", tmp_path).exit_code == 0
    assert toy.computed == ["a", "b", "c", "b"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "fig2"}'])
def test_damaged_record_is_named_and_nothing_is_overwritten(toy, tmp_path, text):
    call("--out", tmp_path)
    record = tmp_path / "parts/toy.json"
    record.write_text(text)
    before = contents(tmp_path)
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert str(record) in result.stderr and "delete it and start again" in result.stderr
    assert contents(tmp_path) == before

    record.unlink()
    assert call("--out", tmp_path).exit_code == 0
    assert toy.computed == ["a", "b", "c"]


def test_picture_of_an_earlier_run_that_is_gone(quick_run, tmp_path):
    folder = shutil.copytree(quick_run, tmp_path / "copy")
    (folder / "fig2.svg").unlink()
    result = call("coverage", "--quick", "--out", folder)
    assert result.exit_code == 2
    assert f"cannot read {folder / 'fig2.svg'}: No such file" in result.stderr
    assert call("fig2", "--quick", "--out", folder).exit_code == 0


def test_part_of_another_setting_is_left_alone(toy, tmp_path, monkeypatch):
    call("--out", tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr(toy, "sizes", {size: {"trials": 77} for size in SIZES})
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert "20" in result.stderr and "77" in result.stderr
    assert contents(tmp_path) == before


def test_full_disk_keeps_what_was_finished(toy, tmp_path, monkeypatch):
    real = os.fsync
    written = []

    def full(descriptor):
        written.append(descriptor)
        # The manifest and two parts fit.
        if len(written) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr and "c.parquet" in result.stderr
    kept = [path.name for path in contents(tmp_path)]
    assert kept == ["manifest.json", "a.parquet", "b.parquet"]

    monkeypatch.setattr(os, "fsync", real)
    assert call("--out", tmp_path).exit_code == 0
    assert toy.computed == ["a", "b", "c", "c"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_device_that_is_full(toy, tmp_path, monkeypatch):
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode="r", **rest: opened(Path("/dev/full"), mode))
    result = call("--out", tmp_path)
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr


def test_old_leftovers_of_a_kill_are_swept(toy, tmp_path):
    call("--out", tmp_path)
    old, new = tmp_path / "parts/.a.parquet.1.tmp", tmp_path / ".b.json.2.tmp"
    for path in (old, new):
        path.write_text("half")
    os.utime(old, (0, 0))
    call("--out", tmp_path)
    assert not old.exists() and new.exists()


def test_figure_that_is_skipped_says_why(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(toy, "skip", lambda self: "there is no sea here")
    result = call("--out", tmp_path)
    assert result.exit_code == 0
    assert "there is no sea here" in result.stdout
    assert "there is no sea here" in (tmp_path / "index.html").read_text()
    assert toy.computed == []


def test_unknown_figure_gets_near_matches(tmp_path):
    result = call("fig44", "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert "no figure 'fig44'" in result.stderr and "did you mean fig4" in result.stderr
    assert not (tmp_path / "results").exists()


def test_quick_and_full_exclude_each_other(tmp_path):
    result = call("--quick", "--full", "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


@pytest.mark.parametrize("arguments", [["--seed", "-1"], ["--threads", "0"], ["--seed", "x"]])
def test_numbers_out_of_range(tmp_path, arguments):
    result = call(*arguments, "--out", tmp_path / "results")
    assert result.exit_code == 2
    assert not (tmp_path / "results").exists()


def test_list_names_figures_and_components():
    result = CliRunner().invoke(cli.app, ["list"])
    assert result.exit_code == 0
    names = [figure.name for figure in reproduce.FIGURES]
    for name in [*names, "softmax", "hyperbolic", "orthogonal", "Theorem 2"]:
        assert name in result.stdout


def test_every_figure_has_all_sizes_and_parts_of_its_own():
    names = [figure.name for figure in reproduce.FIGURES]
    assert len(set(names)) == len(names)
    for figure in reproduce.FIGURES:
        assert set(figure.sizes) == set(SIZES)
        for size in SIZES:
            parts = [part.name for part in figure(size, 0).parts()]
            assert len(set(parts)) == len(parts)
            assert json.loads(json.dumps(figure.sizes[size])) == figure.sizes[size]


@pytest.mark.parametrize(
    ("combination", "known"),
    [
        (("gaussian", "trigonometric", "orthogonal"), "exact"),
        (("gaussian", "trigonometric", "sobol"), "bound"),
        # It does not keep the law of each frequency.
        (("gaussian", "trigonometric", "hadamard"), "measured"),
        # No mean is known.
        (("softmax", "relu", "iid"), "measured"),
        # Its frequencies have no directions of equal right.
        (("laplacian_l1", "trigonometric", "orthogonal"), "refused"),
    ],
)
def test_list_tells_what_is_known_of_every_combination(combination, known, monkeypatch):
    assert Combination.of(*combination).known == known
    monkeypatch.setenv("COLUMNS", "400")
    result = CliRunner().invoke(cli.app, ["list", "--laws"])
    assert result.exit_code == 0
    for entry in bochner.list_kernels():
        assert f" {entry.name} " in result.output
