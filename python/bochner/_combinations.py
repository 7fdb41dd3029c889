"""All that the registries can make."""

import itertools
import warnings
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from . import _core
from ._components import list_couplings, list_features, list_kernels
from ._estimator import Estimator, LosingCombinationWarning

Known: TypeAlias = Literal["exact", "bound", "measured", "refused"]


# Of several dimensions and with several frequencies: a law may be known of equal points, or of one frequency, alone.
_PAIR = (np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([[0.4, 0.2, 0.1, 0.0]]))


@dataclass(frozen=True)
class Combination:
    """A kernel, a feature family and a coupling, by name, and what is known of their estimator.

    Attributes
    ----------
    kernel, features, coupling : str
    known : {"exact", "bound", "measured", "refused"}
        An exact law; the exact mean and, of the variance, that it is at most that of one frequency; only
        measurement; no such estimator.
    reason : str
        Why it is refused, or why it has no law.
    estimator : Estimator or None
        Not fitted to data.
    """

    kernel: str
    features: str
    coupling: str
    known: Known
    reason: str
    estimator: Estimator | None

    @property
    def name(self) -> str:
        """The three names."""
        return f"{self.kernel} {self.features} {self.coupling}"

    @classmethod
    def of(cls, kernel: str, features: str, coupling: str) -> "Combination":
        """Make the estimator, or say why there is none.

        Parameters
        ----------
        kernel, features, coupling : str

        Returns
        -------
        Combination

        Raises
        ------
        Nothing
        """
        names = (kernel, features, coupling)
        with warnings.catch_warnings():
            # Those that lose are combinations too.
            warnings.simplefilter("ignore", LosingCombinationWarning)
            try:
                estimator = Estimator(*names)
            except ValueError as refusal:
                return cls(*names, "refused", str(refusal), None)
            # What is known of fitted features does not depend on the data.
            fitted = estimator.fit(*_PAIR)
        if fitted._compiled.has_law:
            return cls(*names, "exact", "", estimator)
        try:
            fitted.law(*_PAIR, 8)
        except _core.NoLawError as reason:
            return cls(*names, "bound" if independent(fitted) else "measured", str(reason), estimator)
        raise AssertionError(f"{estimator} has a law and says that it has none")


def independent(estimator: Estimator) -> Estimator | None:
    """Return the estimator with independent frequencies, where its law tells the mean of this one.

    The mean is that of one frequency, whatever couples them, and the variance at most, by the inequality of Cauchy and
    Schwarz.
    """
    declared = estimator._compiled.declared
    if not (declared["marginals"] and declared["projected"]):
        return None
    kernel, features, _, radial = estimator._parts()
    iid = Estimator(kernel, features, "iid", radial)
    return iid if iid._compiled.has_law else None


def combinations() -> list[Combination]:
    """Return every kernel with every feature family and every coupling of the registries, plug-ins by name too.

    Returns
    -------
    list of Combination
        The refused ones too, with the reason.
    """
    names = ([entry.name for entry in entries()] for entries in (list_kernels, list_features, list_couplings))
    return [Combination.of(*parts) for parts in itertools.product(*names)]
