"""Linear attention token by token."""

import numbers
import os
import threading
import zipfile
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import FloatArray, float_arrays, integer
from ._attention import _warn
from ._feature_map import FeatureMap


class AttentionState:
    """What linear attention remembers of the keys and values so far, for one head.

    Keys and values are appended, and a query sees all of them: row i of causal attention is the
    query after i + 1 keys, to the bit, however they were cut into calls. Memory and time of a token
    do not depend on how many came before.

    Parameters
    ----------
    feature_map : FeatureMap
    values : int
        Columns dv of V, at least 1.
    scale : float, optional
        The factor of q.k, positive; 1/sqrt(d) by default.
    dtype : {"float32", "float64"}, default "float32"
        In which everything is computed.

    Raises
    ------
    TypeError
        If an argument is of a wrong type.
    ValueError
        If `values` is below 1 or `scale` is not finite and positive.

    Examples
    --------
    >>> import bochner, numpy as np
    >>> feature_map = bochner.Estimator().draw(dim=4, m=16)
    >>> state = bochner.AttentionState(feature_map, values=2)
    >>> state.append(np.ones((3, 4), np.float32), np.ones((3, 2), np.float32))
    >>> len(state), state.query(np.zeros((1, 4), np.float32)).shape
    (3, (1, 2))

    Notes
    -----
    [Choromanski21, section B.1; Katharopoulos20]
    """

    __slots__ = ("_compiled", "_dtype", "_feature_map", "_lock", "_values")

    def __init__(
        self, feature_map: FeatureMap, values: int, scale: float | None = None, dtype: npt.DTypeLike = "float32"
    ) -> None:
        if not isinstance(feature_map, FeatureMap):
            got = type(feature_map).__name__
            raise TypeError(f"AttentionState: feature_map is a {got}; expected a FeatureMap")
        if scale is not None and not isinstance(scale, numbers.Real):
            raise TypeError(f"AttentionState: scale is a {type(scale).__name__}; expected a real number")
        self._dtype = np.dtype(dtype)
        if self._dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise TypeError(f"AttentionState: dtype is {self._dtype}; expected float32 or float64")
        self._feature_map = feature_map
        self._values = integer("AttentionState", "values", values, 1)
        compiled = _core.AttentionState32 if self._dtype == np.float32 else _core.AttentionState64
        self._compiled: _core._AttentionState = compiled(
            feature_map._compiled, self._values, None if scale is None else float(scale)
        )
        # The compiled part works without the interpreter's lock.
        self._lock = threading.Lock()

    @property
    def feature_map(self) -> FeatureMap:
        """The map of queries and keys."""
        return self._feature_map

    @property
    def values(self) -> int:
        """Columns of V."""
        return self._values

    @property
    def scale(self) -> float:
        """The factor of q.k."""
        return self._compiled.scale

    @property
    def dtype(self) -> np.dtype[Any]:
        """In which everything is computed."""
        return self._dtype

    def append(self, K: npt.ArrayLike, V: npt.ArrayLike) -> None:
        """Add keys and their values.

        Parameters
        ----------
        K : array_like, shape (n, d) or (d,)
        V : array_like, shape (n, dv) or (dv,)

        Raises
        ------
        TypeError
            If an array is not of numbers in single or double precision.
        ValueError
            For wrong shapes, NaN and infinity, and features that overflow.
        """
        keys, values = self._rows("append", K=K, V=V)
        with self._lock:
            self._compiled.append(keys, values)

    def query(self, Q: npt.ArrayLike) -> FloatArray:
        """Return the attention of queries to all keys so far.

        Parameters
        ----------
        Q : array_like, shape (n, d) or (d,)

        Returns
        -------
        ndarray, shape (n, dv) or (dv,)

        Raises
        ------
        TypeError, ValueError
            As `append` does, and ValueError where there is no key yet.

        Warns
        -----
        NonPositiveDenominatorWarning
            As `bochner.attention` does.
        """
        (queries,) = self._rows("query", Q=Q)
        with self._lock:
            out, *counts = self._compiled.query(queries)
        _warn("AttentionState.query", out, *counts)
        return out.reshape((*np.shape(Q)[:-1], self._values))

    def copy(self) -> "AttentionState":
        """Return an independent state with the same keys.

        Returns
        -------
        AttentionState
        """
        twin = AttentionState(self._feature_map, self._values, self.scale, self._dtype)
        with self._lock:
            twin._compiled = self._compiled.copy()
        return twin

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the keys so far to a file, whole or not at all.

        The feature map is not part of it: draw it again by its name, estimator, seed and trial.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            If the file cannot be written; nothing is left of it then.
        """
        temporary = f"{os.fspath(path)}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as file:
                with self._lock:
                    contents = self._compiled.numbers()
                np.savez(
                    file,
                    kind=_kind(self._feature_map),
                    frequencies=self._feature_map.frequencies,
                    values=self._values,
                    scale=self.scale,
                    numbers=contents,
                )
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.remove(temporary)

    @classmethod
    def load(cls, path: str | os.PathLike[str], feature_map: FeatureMap) -> "AttentionState":
        """Read a state that `save` wrote, with the map that it had: the same to the bit.

        Parameters
        ----------
        path : str or path-like
        feature_map : FeatureMap
            With the kernel, the family and the frequencies of the one that the state was made with.

        Returns
        -------
        AttentionState

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is not of a state, damaged, or of another map.
        """
        try:
            with open(path, "rb") as binary, np.load(binary, allow_pickle=False) as file:
                kind, frequencies, values, scale, contents = (
                    file[key] for key in ("kind", "frequencies", "values", "scale", "numbers")
                )
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"AttentionState.load: {os.fspath(path)} is not a saved state: {error}") from error
        if str(kind) != _kind(feature_map):
            raise ValueError(
                f"AttentionState.load: {os.fspath(path)} has a map of {kind}; expected one of {_kind(feature_map)}, "
                "as feature_map is"
            )
        if not np.array_equal(frequencies, feature_map.frequencies):
            got, expected = frequencies.shape, feature_map.frequencies.shape
            raise ValueError(
                f"AttentionState.load: {os.fspath(path)} has other frequencies, {got}, than feature_map, {expected}; "
                "expected the map that the state was made with"
            )
        return cls._restored(feature_map, int(values), float(scale), contents)

    @classmethod
    def _restored(cls, feature_map: FeatureMap, values: int, scale: float, contents: FloatArray) -> "AttentionState":
        state = cls(feature_map, values, scale, contents.dtype)
        state._compiled.restore(np.ascontiguousarray(contents))
        return state

    def _rows(self, function: str, **arrays: npt.ArrayLike) -> list[FloatArray]:
        name = f"AttentionState.{function}"
        converted = float_arrays(name, **arrays)
        for key, array in zip(arrays, converted, strict=True):
            if array.ndim not in (1, 2):
                raise ValueError(f"{name}: {key} has shape {array.shape}; expected (n, columns) or (columns,)")
        return [np.ascontiguousarray(np.atleast_2d(array), dtype=self._dtype) for array in converted]

    def __len__(self) -> int:
        with self._lock:
            return len(self._compiled)

    def __repr__(self) -> str:
        return f"<AttentionState of {len(self)} keys, dv = {self._values}, {self._dtype}: {self._feature_map!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            contents = self._compiled.numbers()
        return AttentionState._restored, (self._feature_map, self._values, self.scale, contents)


def _kind(feature_map: FeatureMap) -> str:
    """Return kernel and family as text, since other maps may have the same frequencies."""
    parts = (feature_map.kernel, feature_map.family)
    return ", ".join(f"{part.name} {part.parameters}" for part in parts)
