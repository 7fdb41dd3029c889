"""A table of estimators: every one that the registry knows, and the baselines, on the same data sets."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray
from scipy import linalg, stats
from scipy.sparse.linalg import eigsh
from sklearn.metrics import pairwise_distances
from threadpoolctl import threadpool_limits

import bochner
from bochner import baselines
from bochner.reproduce import style
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.real_data import DATASETS, DataSet
from bochner.reproduce.statistics import mean_interval, paired_ratio, seed_of
from bochner.reproduce.verdict import Verdict, below, consistent

Array = NDArray[np.float64]

KERNELS = ("gaussian", "softmax")
#: The couplings that every family is drawn with; the others are drawn with `FAMILY` alone.
COUPLINGS = ("iid", "orthogonal")
FAMILY = "trigonometric"
BASELINE = "landmarks"
#: Whose time at its middle size all others get where times are equal, and the most features that this may be.
TIMEKEEPER = "pivoted cholesky"
LARGEST = 4096

#: (p, seed, trial) to the making of a map, all that is not to be timed done.
Maker: TypeAlias = Callable[[int, int, int], Callable[[], Any]]


@dataclass(frozen=True)
class Task:
    """What is asked of an estimator: values of a kernel, and a regression if there is one.

    Landmarks are chosen from `rows` and `columns`, which are the same array where the kernel's points are; errors are
    those at pairs of other points, `test_rows` and `test_columns`. `whitener` is L^-1 with L L^T = K + ridge I of
    `rows`; None where the task has no square matrix.
    """

    kernel: bochner.Kernel
    rows: Array
    columns: Array
    test_rows: Array
    test_columns: Array
    pairs: tuple[NDArray[np.intp], NDArray[np.intp]]
    ridge: float = 0.0
    whitener: Array | None = None
    whitened: Array | None = None
    targets: Array | None = None
    test_targets: Array | None = None
    exact_risk: float = np.nan

    @property
    def square(self) -> bool:
        """Whether rows and columns are the same points."""
        return self.rows is self.columns

    @cached_property
    def at_pairs(self) -> tuple[Array, Array]:
        """The points of the pairs."""
        return self.test_rows[self.pairs[0]], self.test_columns[self.pairs[1]]

    @cached_property
    def truth(self) -> Array:
        """The kernel at the pairs."""
        return self.kernel.paired(*self.at_pairs).astype(float)


class Datasets(Figure):
    """Error at equal features and at equal time, spectral error, and risk of kernel ridge regression."""

    name = "datasets"
    title = "Every estimator on the same data sets"
    claims = ("Theorem 2", "Lemma 2")
    sizes = {
        "quick": {"points": 240, "test": 120, "p": [16, 64], "trials": 2, "pairs": 400},
        "default": {"points": 500, "test": 250, "p": [32, 96, 256], "trials": 3, "pairs": 1500},
        "full": {"points": 5000, "test": 2000, "p": [32, 128, 512, 2048], "trials": 10, "pairs": 20000},
    }

    def parts(self) -> list[Part]:
        """A part a data set and kernel; data sets that are not installed are left out."""
        return [
            Part("datasets", f"{data.name}-{kernel}", partial(self._measure, data, kernel))
            for data in DATASETS
            for kernel in KERNELS
            if data.missing() is None and (kernel == "gaussian" or data.name in ("synthetic", "MiniLM"))
        ]

    def _measure(self, data: DataSet, kernel: str) -> pd.DataFrame:
        rows: list[dict[str, Any]] = []
        with one_thread(), warnings.catch_warnings():
            # A combination that loses says so when it is made; here it is measured.
            warnings.simplefilter("ignore")
            task = self._task(data, kernel)
            budget = np.nan
            for name, coupling, make in self._candidates(task, kernel):
                own = self._sizes(task, data, name, coupling, make, budget)
                if name == TIMEKEEPER:
                    budget = min(row["draw_ms"] + row["transform_ms"] for row in own if row["asked"] == self._middle())
                rows += own
        return pd.DataFrame(rows).assign(data=data.name, kernel=kernel)

    def _task(self, data: DataSet, kernel: str) -> Task:
        n, test = self.setting["points"], self.setting["test"]
        seed = seed_of(self.seed, self.name, data.name)
        sample = data.load(n + test, seed)
        generator = np.random.default_rng(seed_of(seed, "pairs"))
        first, second = generator.integers(test, size=(2, self.setting["pairs"]))
        if kernel == "softmax":
            # Without a scale there is no softmax kernel of points: those of attention have their own, others get |x|² = 1.
            own = sample.queries is not None
            unit = 1.0 if own else 1 / np.sqrt(np.mean(np.sum(sample.X**2, axis=1)))
            X, queries = unit * sample.X, unit * (sample.X if sample.queries is None else sample.queries)
            return Task(bochner.Kernel("softmax"), queries[:n], X[:n], queries[n:], X[n:], (first, second))
        X = sample.X - sample.X[:n].mean(axis=0)
        train = X[:n]
        distances = pairwise_distances(train)
        made = bochner.Kernel("gaussian", bandwidth=float(np.median(distances[np.triu_indices(n, k=1)])))
        gram, ridge = made.gram(train), n / 1000
        lower = linalg.cholesky(gram + ridge * np.eye(n), lower=True)
        whitener = linalg.solve_triangular(lower, np.eye(n), lower=True)
        targets, test_targets = sample.Y[:n], sample.Y[n:]
        predicted = made.gram(X[n:], train) @ linalg.cho_solve((lower, True), targets)
        return Task(
            kernel=made,
            rows=train,
            columns=train,
            test_rows=X[n:],
            test_columns=X[n:],
            pairs=(first, second),
            ridge=ridge,
            whitener=whitener,
            whitened=whitener @ gram @ whitener.T,
            targets=targets,
            test_targets=test_targets,
            exact_risk=float(np.mean((predicted - test_targets) ** 2)),
        )

    def _middle(self) -> int:
        return int(self.setting["p"][len(self.setting["p"]) // 2])

    def _candidates(self, task: Task, kernel: str) -> Iterator[tuple[str, str, Maker]]:
        """Name, coupling and maker of all that are compared; the one whose time the others get comes first."""
        # Landmarks may lie on either side of the pairs.
        points = task.rows if task.square else np.vstack([task.rows[::2], task.columns[1::2]])
        for method in sorted(baselines.METHODS, key=lambda method: method != TIMEKEEPER):
            yield method, BASELINE, partial(_landmarks, baselines.METHODS[method], task.kernel, points)
        for features, coupling in estimators(kernel):
            with warnings.catch_warnings():
                # Those that lose are measured too.
                warnings.simplefilter("ignore", bochner.LosingCombinationWarning)
                estimator = bochner.Estimator(task.kernel, features, coupling)
            yield features, coupling, partial(_draw, estimator, task)

    def _sizes(
        self, task: Task, data: DataSet, name: str, coupling: str, make: Maker, budget: float
    ) -> list[dict[str, Any]]:
        """Rows of all sizes, and of the size that takes the budget of time, which is called 0."""
        rows: list[dict[str, Any]] = []
        for asked in self.setting["p"]:
            rows += self._trials(task, data, name, coupling, make, asked, asked)
        if name == TIMEKEEPER:
            middle = [row for row in rows if row["asked"] == self._middle()]
            return rows + [row | {"asked": 0} for row in middle]
        sizes, times = zip(*[(row["p"], row["draw_ms"] + row["transform_ms"]) for row in rows], strict=True)
        least, most = min(times), min(time for size, time in zip(sizes, times, strict=True) if size == max(sizes))
        affordable = int(max(sizes) * budget / most)
        # Some take longer than that with any size: theirs is a work before the first feature.
        if least <= 2 * budget and affordable >= 2:
            rows += self._trials(task, data, name, coupling, make, 0, min(affordable, LARGEST))
        return rows

    def _trials(
        self, task: Task, data: DataSet, name: str, coupling: str, make: Maker, asked: int, p: int
    ) -> list[dict[str, Any]]:
        seed = seed_of(self.seed, self.name, data.name, task.kernel.name, name, coupling, asked)
        rows: list[dict[str, Any]] = []
        for trial in range(self.setting["trials"]):
            found = measure(task, partial(make, p, seed, trial), whole=asked > 0)
            rows.append({"features": name, "coupling": coupling, "asked": asked, "trial": trial, **found})
        law = self._law(task, make, int(rows[0]["m"])) if coupling != BASELINE else np.nan
        return [row | {"law_mse": law} for row in rows]

    def _law(self, task: Task, make: Any, m: int) -> float:
        try:
            return float(make.args[0].fit(task.rows, task.columns).law(*task.at_pairs, m).mse.mean())
        except bochner.NoLawError:
            return np.nan

    def draw(self, data: Data) -> list[Drawing]:
        """Six tables on one picture: what the law says, and what is measured."""
        frame = summary(data["datasets"])
        most = self.setting["p"][-1]
        equal = frame[frame["asked"] == most]
        order = _order(equal)
        panels = [
            (f"Error by the exact law, p = {most}", equal.set_index(["name", "column"])["law_error"], "%"),
            (f"Error measured, p = {most}", equal.set_index(["name", "column"])["error"], "%"),
            ("Error measured, at equal time", frame[frame["asked"] == 0].set_index(["name", "column"])["error"], "%"),
            (f"Relative spectral error of K + λI, p = {most}", equal.set_index(["name", "column"])["spectral"], ""),
            (
                f"Ridge regression: risk / exact risk, p = {most}",
                equal.set_index(["name", "column"])["risk_ratio"],
                "",
            ),
            (f"Drawing + transforming, ms, p = {most}", equal.set_index(["name", "column"])["ms"], ""),
        ]
        canvas = style.canvas(15, 1.5 + 2 * (1.1 + 0.24 * len(order)))
        grid = canvas.subplots(2, 3, sharey=True)
        columns = list(dict.fromkeys(frame["column"]))
        for axes, (title, values, unit) in zip(grid.flat, panels, strict=True):
            table = values.unstack("column").reindex(index=order, columns=columns)
            _draw_table(axes, table, f"{title}{f' ({unit})' if unit else ''}")
        canvas.suptitle(
            "Rows: estimators, those of the smallest measured error at the top; columns: data sets. Colour: how many times the best of the column (light: best).",
            fontsize=10.5,
        )
        alt = (
            "Six tables of estimators against data sets: the error by the exact law and as measured at equal feature count, the "
            "error at equal time, the spectral error, the risk of ridge regression over that of the exact solution, and times."
        )
        return [Drawing(self.name, canvas, alt)]

    def verdicts(self, data: Data) -> list[Verdict]:
        """The law on real input, couplings, baselines, and what it means for a regression."""
        frame = data["datasets"]
        table = summary(frame)
        most = table[table["asked"] == self.setting["p"][-1]]
        return [
            self._judge_law(frame),
            self._judge_coupling(most),
            self._judge_baselines(most, "p"),
            self._judge_baselines(table[table["asked"] == 0], "time"),
            self._judge_risk(most),
        ]

    def _judge_law(self, frame: pd.DataFrame) -> Verdict:
        rows = frame[(frame["kernel"] == "gaussian") & (frame["features"] == FAMILY) & frame["law_mse"].notna()]
        ratio = rows["mse"] / rows["law_mse"]
        # Draws of a data set share its pairs, but each draw alone has the law as its mean.
        interval = mean_interval(ratio)
        score = (interval.value - 1) / (ratio.std(ddof=1) / np.sqrt(len(ratio)))
        p_value = float(2 * stats.t.sf(abs(score), len(ratio) - 1))
        return Verdict(
            "Laws on all data sets",
            "Not in the paper: the exact law predicts the measured error on every data set.",
            f"{FAMILY}, gaussian kernel, mean of measured / exact = {interval}, p = {p_value:.2g}",
            interval.value,
            interval.low,
            interval.high,
            consistent(p_value),
            f"{len(ratio)} independent draws over the data sets, couplings and sizes. Other families are shown but not judged here: "
            "where their tails are heavy, so few draws do not see what carries the mean.",
        )

    def _judge_coupling(self, table: pd.DataFrame) -> Verdict:
        rows = table[(table["kernel"] == "gaussian") & (table["features"] == FAMILY)]
        law = rows.pivot(index="data", columns="coupling", values="law_error")
        ratio = (law["orthogonal"] / law["iid"]) ** 2
        low, high = float(ratio.min()), float(ratio.max())
        middle = float(np.exp(np.log(ratio).mean()))
        return Verdict(
            "Orthogonal on all data sets",
            f"Orthogonal frequencies have the smaller error on every data set ({FAMILY}, gaussian kernel).",
            f"exact MSE(orthogonal) / MSE(iid), geometric mean {middle:.3f}, from {low:.3f} ({ratio.idxmin()}) to {high:.3f} ({ratio.idxmax()})",
            middle,
            low,
            high,
            below(high, high, 1.0),
            "By the exact law, so without sampling error; the interval is the range over the data sets.",
        )

    def _judge_baselines(self, table: pd.DataFrame, equal: str) -> Verdict:
        rows = table[table["kernel"] == "gaussian"].dropna(subset="error")
        is_baseline = rows["coupling"] == BASELINE
        best = rows[is_baseline].groupby("data")["error"].min(), rows[~is_baseline].groupby("data")["error"].min()
        both = pd.concat(best, axis=1, keys=["baseline", "random"]).dropna()
        ratio = paired_ratio(both["baseline"], both["random"])
        wins = int((both["baseline"] < both["random"]).sum())
        what = f"p = {self.setting['p'][-1]} features" if equal == "p" else "equal time"
        note = (
            "The sampling unit is the data set. Landmarks adapt to the data, random features do not; the price is p kernel evaluations a row."
            if equal == "p"
            else f"One thread; the time is that of {TIMEKEEPER} with {self._middle()} landmarks, its fitting included: one who fits once and transforms often "
            "gives them more. A fact of this machine and of these small samples."
        )
        return Verdict(
            f"Landmarks against random features at equal {equal}",
            f"Not in the paper: at {what} the best of landmarks has a smaller error than the best of random features.",
            f"root mean squared error, best of landmarks / best of random features = {ratio}; smaller on {wins} of {len(both)} data sets",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.0),
            note,
        )

    def _judge_risk(self, table: pd.DataFrame) -> Verdict:
        rows = table[(table["features"] == FAMILY) & (table["coupling"] == "orthogonal") & table["risk_ratio"].notna()]
        ratio = paired_ratio(rows["risk_ratio"], np.ones(len(rows)))
        worst = rows.loc[rows["risk_ratio"].idxmax()]
        return Verdict(
            "Kernel ridge regression",
            f"Not in the paper: with p = {self.setting['p'][-1]} features the risk of ridge regression is within 10 % of the exact solution's.",
            f"risk({FAMILY}, orthogonal) / risk(exact) = {ratio}, worst {worst['risk_ratio']:.3g} ({worst['data']})",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.1),
            f"Geometric mean over the data sets; {self.setting['points']} training points, λ = {self.setting['points'] / 1000:g}.",
        )

    def caption(self, data: Data) -> str:
        """What is seen, and what is missing and how to get it."""
        sizes = self.setting
        here = [f"{data.name}: {data.summary}" for data in DATASETS if data.missing() is None]
        absent = [f"{data.name}: {reason}" for data in DATASETS if (reason := data.missing()) is not None]
        text = (
            f"{sizes['points']} points of each data set ({'; '.join(here)}), centred; gaussian kernel at the median distance of two points. Columns marked "
            "q·k and x·y have the softmax kernel: MiniLM's queries against its keys after the division by d^(1/4), and standard normal points at |x|² = 1.\n"
            f"Errors are root mean squares over {sizes['pairs']:,} random pairs of {sizes['test']} other points, over the root mean square of the kernel; measured: the median of {sizes['trials']} draws, law: "
            "the mean over all draws, which is larger where tails are heavy. Spectral error: the norm of (K + λI)^(-1/2) (K^ − K) (K + λI)^(-1/2) at "
            f"λ = n/1000; below 1 the regression problem is preserved. Risk: mean squared error on the other points.\n"
            "Each family stands with independent and orthogonal frequencies, trigonometric ones with every coupling. Equal time: each has as many features as it "
            f"makes in about the time in which {TIMEKEEPER} has {self._middle()}, at most {LARGEST:,}; those that need longer for any have no entry. "
            f"Times are on one thread, the fastest of {sizes['trials']}, the fitting of landmarks included."
        )
        return text + ("\nNot here: " + " ".join(absent) if absent else "")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let this package and NumPy's products use one thread, so that times compare."""
    before = bochner.get_num_threads()
    bochner.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        bochner.set_num_threads(before)


@cache
def estimators(kernel: str) -> tuple[tuple[str, str], ...]:
    """Family and coupling of the estimators of a kernel that the registry can make.

    Functions of generalized attention, which have an epsilon, estimate no kernel and are left out.
    """
    families = [entry.name for entry in bochner.list_features() if "epsilon" not in entry.parameters]
    couplings = [entry.name for entry in bochner.list_couplings()]
    cases = [(family, coupling) for family in families for coupling in COUPLINGS]
    cases += [(FAMILY, coupling) for coupling in couplings if coupling not in COUPLINGS]
    return tuple(case for case in cases if _can_draw(kernel, *case))


def _can_draw(kernel: str, features: str, coupling: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            bochner.Estimator(kernel, features, coupling).fit(np.eye(8)).draw(8, 8)
        except (ValueError, TypeError):
            return False
    return True


@cache
def frequencies(estimator: bochner.Estimator, dim: int, p: int) -> int:
    """Frequencies m that give about p features, p at most where that is possible."""
    return max(1, p * 8 // estimator.fit(np.eye(dim)).draw(dim, 8).features)


def _draw(estimator: bochner.Estimator, task: Task, p: int, seed: int, trial: int) -> Callable[[], Any]:
    d = task.rows.shape[1]
    m = frequencies(estimator, d, p)
    return lambda: estimator.fit(task.rows, task.columns).draw(d, m, seed, trial)


def _landmarks(
    method: Callable[..., baselines.LandmarkMap], kernel: bochner.Kernel, points: Array, p: int, seed: int, trial: int
) -> Callable[[], Any]:
    p = min(p, len(points))
    return lambda: method(kernel, points, p, seed_of(seed, trial) if trial else seed)


def measure(task: Task, prepare: Callable[[], Callable[[], Any]], whole: bool) -> dict[str, float]:
    """Errors of a feature map, of the whole matrix too or of pairs alone, and the times of making it and of transforming."""
    make = prepare()
    start = time.perf_counter()
    feature_map = make()
    made = time.perf_counter()
    Z = feature_map.transform(task.rows)
    done = time.perf_counter()
    square = task.square and _symmetric(feature_map)
    left = feature_map.transform(task.test_rows)
    right = left if square else feature_map.transform(task.test_columns, side="key")
    error = np.einsum("ij,ij->i", left[task.pairs[0]], right[task.pairs[1]]) - task.truth
    found = {
        "m": getattr(feature_map, "m", feature_map.features),
        "p": feature_map.features,
        "draw_ms": 1e3 * (made - start),
        "transform_ms": 1e3 * (done - made),
        "mse": float(np.mean(error**2)),
        "kernel_ms": float(np.mean(task.truth**2)),
        "spectral": np.nan,
        "risk_ratio": np.nan,
    }
    if whole and square and task.whitener is not None:
        found["spectral"] = spectral_error(task.whitener @ Z, task.whitened)
        found["risk_ratio"] = _risk(task, Z, left) / task.exact_risk
    return found


def _symmetric(feature_map: Any) -> bool:
    return isinstance(feature_map, baselines.LandmarkMap) or feature_map._compiled.symmetric


def spectral_error(white: Array, whitened: Array | None) -> float:
    """Largest eigenvalue in size of A A^T - M: A the whitened features, M the whitened kernel matrix."""
    difference = white @ white.T - whitened
    # The same start in every run; two digits would do.
    start = np.random.default_rng(0).standard_normal(len(difference))
    return float(abs(eigsh(difference, k=1, which="LM", tol=1e-4, v0=start, return_eigenvectors=False)[0]))


def _risk(task: Task, train: Array, test: Array) -> float:
    weights = linalg.solve(
        train.T @ train + task.ridge * np.eye(train.shape[1]), train.T @ task.targets, assume_a="pos"
    )
    return float(np.mean((test @ weights - task.test_targets) ** 2))


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """A row an estimator, data set and size: medians over draws of the errors, the least time."""
    keys = ["data", "kernel", "features", "coupling", "asked"]
    frame = frame.assign(
        error=np.sqrt(frame["mse"] / frame["kernel_ms"]),
        law_error=np.sqrt(frame["law_mse"] / frame["kernel_ms"]),
        total_ms=frame["draw_ms"] + frame["transform_ms"],
    )
    grouped = frame.groupby(keys, sort=False)
    table = grouped[["p", "error", "law_error", "spectral", "risk_ratio"]].median()
    table["ms"] = grouped["total_ms"].min()
    table = table.reset_index()
    table["name"] = table["features"].str.cat(table["coupling"], sep=", ")
    softmax = table["data"].map(lambda name: "q·k" if name == "MiniLM" else "x·y")
    table["column"] = np.where(table["kernel"] == "softmax", table["data"] + "\n" + softmax, table["data"])
    return table


def _order(table: pd.DataFrame) -> list[str]:
    """Names, that of the smallest error of the gaussian kernel over the data sets first."""
    rows = table[table["kernel"] == "gaussian"]
    logs = np.log(rows.pivot(index="name", columns="column", values="error"))
    return list(logs.mean(axis=1).sort_values().index)


def _draw_table(axes: Axes, table: pd.DataFrame, title: str) -> None:
    values = table.to_numpy(dtype=float)
    values = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings():
        # A column without any value has no best.
        warnings.simplefilter("ignore", RuntimeWarning)
        relative = values / np.nanmin(values, axis=0)
    image = np.ma.masked_invalid(np.clip(relative, 1, 30))
    axes.imshow(image, cmap="YlOrRd", norm=LogNorm(1, 30), aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        dark = relative[row, column] > 8
        text = "–" if np.isnan(value) else _number(100 * value if title.endswith("(%)") else value)
        axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color="white" if dark else "black")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.set_title(title)
    axes.set_xticks(range(len(table.columns)), table.columns, fontsize=8 if len(table.columns) < 7 else 6.5)
    axes.set_yticks(range(len(table.index)), table.index, fontsize=8)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _number(value: float) -> str:
    return (
        f"{value:.0f}" if 99.5 <= value < 1e4 else f"{value:.2g}" if value < 1e4 else f"{value:.0e}".replace("e+0", "e")
    )
