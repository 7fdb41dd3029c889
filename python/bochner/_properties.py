"""Properties of an estimator that hold for every draw, but for that of independent trials."""

import pickle

import numpy as np

from ._accuracy import Z
from ._arguments import Float64Array
from ._components import Kernel
from ._estimator import Estimator
from ._feature_map import FeatureMap
from ._report import Failed, Skipped, require, require_close
from ._threads import get_num_threads, set_num_threads
from .experiments import pointwise


def defined(kernel: Kernel, X: Float64Array) -> Float64Array:
    """Return X, or its moduli where the kernel is not defined for entries below some bound."""
    try:
        # Against 0, so that kernels of products do not overflow.
        with np.errstate(all="ignore"):
            kernel.paired(X, np.zeros_like(X))
    except ValueError:
        return np.abs(X)
    return X


class Properties:
    """One method for each property; it returns what to say of it, and raises what `_report` has for the rest."""

    def __init__(self, estimator: Estimator, X: Float64Array, Y: Float64Array, m: int, seed: int) -> None:
        self.estimator, self.X, self.Y, self.m, self.seed = estimator, X, Y, m, seed
        self.dim = X.shape[1]
        self.declared = estimator._compiled.declared

    def draw(self, trial: int = 0, m: int | None = None) -> FeatureMap:
        return self.estimator.draw(self.dim, m or self.m, seed=self.seed, trial=trial)

    def shapes(self) -> str:
        phi = self.draw()
        require(phi.dim == self.dim, f"dim is {phi.dim}; expected {self.dim}")
        integers = defined(self.estimator.kernel, np.rint(self.X))
        for dtype, expected in ((np.float64, np.float64), (np.float32, np.float32), (np.int64, np.float64)):
            x = (integers if dtype is np.int64 else self.X).astype(dtype)
            z = phi.transform(x)
            require(z.shape == (len(x), phi.features), f"transform gives {z.shape}; expected {(len(x), phi.features)}")
            require(z.dtype == expected, f"transform of {np.dtype(dtype)} gives {z.dtype}; expected {expected}")
        single = phi.transform(self.X.astype(np.float32))
        require_close(single, phi.transform(self.X), 1e-3, "transform in single and in double precision")
        return f"d = {self.dim}, m = {self.m}, p = {phi.features}"

    def deterministic(self) -> str:
        trials = (3, 7)
        # In the other order too, so that a cache shows from which the next draw is served.
        forth = {trial: self.draw(trial).transform(self.X) for trial in trials}
        back = {trial: self.draw(trial).transform(self.X) for trial in reversed(trials)}
        for trial in trials:
            require(np.array_equal(forth[trial], back[trial]), "two draws of one name differ")
        return ""

    def pickling(self) -> str:
        copy = pickle.loads(pickle.dumps(self.estimator))
        require(copy == self.estimator, "the estimator is not equal to its copy")
        phi = self.draw()
        same = pickle.loads(pickle.dumps(phi))
        require(same == phi, "a map is not equal to its copy")
        # The copy holds a structured projection as a matrix, so products with it are rounded in another order.
        require_close(same.transform(self.X), phi.transform(self.X), 1e-12, "a map and its copy")
        return ""

    def threads(self) -> str:
        before, phi = get_num_threads(), self.draw()
        many = np.tile(self.X, (200, 1))
        trials = 256
        results = []
        try:
            for threads in (1, 3):
                set_num_threads(threads)
                measured = pointwise(self.estimator, self.X, self.Y, self.m, trials, self.seed, "plain")
                results.append((phi.transform(many), phi.gram(many, self.Y), measured["mean"].to_numpy()))
        finally:
            set_num_threads(before)
        names = ("transform", "gram", f"the mean of {trials} trials")
        for name, one, three in zip(names, *results, strict=True):
            require(np.array_equal(one, three, equal_nan=True), f"{name} differs between 1 and 3 threads")
        return ""

    def products(self) -> str:
        phi = self.draw()
        queries, keys = phi.transform(self.X), phi.transform(self.Y, side="key")
        gram = phi.gram(self.X, self.Y)
        scale = np.maximum(np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(keys, axis=1), 1e-300)
        require(np.allclose(gram / scale, queries @ keys.T / scale, 0, 1e-10), "gram is not transform times transform")
        paired = phi.paired(self.X, self.Y)
        require(np.allclose(paired, np.diag(gram), 1e-9, 1e-10 * scale.max()), "paired is not the diagonal of gram")
        values, log_scale = phi.transform_scaled(self.X)
        require_close(values * np.exp(log_scale)[:, None], queries, 1e-10, "transform_scaled and transform")
        return ""

    def rows(self) -> str:
        phi = self.draw()
        alone = np.concatenate([phi.transform(row[None]) for row in self.X])
        require_close(alone, phi.transform(self.X), 1e-10, "rows alone and together")
        return ""

    def extreme(self) -> str:
        phi = self.draw()
        for dtype in (np.float64, np.float32):
            x = defined(self.estimator.kernel, 100 * self.X).astype(dtype)
            require(not np.isnan(phi.transform(x)).any(), f"transform gives NaN in {np.dtype(dtype)}")
            require(not np.isnan(phi.gram(x)).any(), f"gram gives NaN in {np.dtype(dtype)}")
            require(all(np.isfinite(part).all() for part in phi.transform_scaled(x)), "transform_scaled is not finite")
        return ""

    def kernel(self) -> str:
        kernel = self.estimator.kernel
        gram = kernel.gram(self.X, self.Y)
        require_close(gram, kernel.gram(self.Y, self.X).T, 1e-12, "K(x, y) and K(y, x)")
        require_close(np.diag(gram), kernel.paired(self.X, self.Y), 1e-12, "gram and paired of the kernel")
        return ""

    def prefixes(self) -> str:
        if not self.declared["projected"]:
            raise Skipped("no map of frequencies alone")
        if not self.declared["prefixes"]:
            raise Skipped("none declared")
        W = self.draw(m=2 * self.m + 3).frequencies
        for m in (1, self.m, 2 * self.m + 1):
            own = self.draw(m=m).frequencies
            require(np.allclose(W[:m], own, 1e-10, 1e-12), f"the first {m} rows of a draw are not the draw of {m}")
        return ""

    def independent(self) -> str:
        from scipy.stats import rankdata

        trials = 512
        draw = self.estimator._compiled.draw
        estimates = np.array([draw(self.dim, self.m, self.seed, t).paired(self.X, self.Y) for t in range(trials)])
        # Features of heavy tails may overflow; infinities have no distance.
        estimates = estimates.clip(-1e300, 1e300)
        spread = np.ptp(estimates, axis=0)
        if getattr(self.estimator.features, "deterministic", False):
            require(spread.max() == 0, "declared deterministic, but trials differ")
            raise Skipped("declared deterministic")
        moved = spread > 1e-9 * np.abs(estimates).max(axis=0)
        if not moved.any():
            raise Failed("all trials are the same")
        # The same estimate twice is a draw shared between trials, unless there are but few of them.
        repeats = trials - len(np.unique(estimates[:, np.argmax(spread)]))
        # Equal estimates have equal ranks; in the order of trials they would look like a trend.
        ranks = rankdata(estimates[:, moved], axis=0)
        standard = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
        scores = [
            np.sqrt(trials - lag) * np.abs((standard[lag:] * standard[:-lag]).mean(axis=0)).max() for lag in (1, 2, 3)
        ]
        worst = int(np.argmax(scores))
        # The largest of several scores.
        require(scores[worst] < Z + 0.5, f"trials {worst + 1} apart are correlated, z = {scores[worst]:.1f}")
        return f"correlation z = {scores[worst]:.1f}" + (f", {repeats} of {trials} repeat" if repeats else "")
