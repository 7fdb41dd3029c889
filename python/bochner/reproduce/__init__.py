"""The main job: the paper's approximation-error figures, with verdicts.

A figure is a file here, a subclass of `Figure`, and a line in `FIGURES`.
"""

from __future__ import annotations

from bochner.reproduce.attention_law import AttentionLaw
from bochner.reproduce.coverage import Coverage
from bochner.reproduce.datasets import Datasets
from bochner.reproduce.denominators import Denominators
from bochner.reproduce.digits import Digits
from bochner.reproduce.fig2 import Fig2
from bochner.reproduce.fig3 import Fig3
from bochner.reproduce.fig4 import Fig4
from bochner.reproduce.fig4_norms import Fig4Norms
from bochner.reproduce.fig4_real import Fig4Real
from bochner.reproduce.fig14 import Fig14
from bochner.reproduce.fig16 import Fig16
from bochner.reproduce.figure import Figure
from bochner.reproduce.lemma2 import Lemma2
from bochner.reproduce.theorem1 import Theorem1
from bochner.reproduce.theorem2 import Theorem2
from bochner.reproduce.theorem3 import Theorem3
from bochner.reproduce.theorem4 import Theorem4

#: In the order of the page.
FIGURES: tuple[type[Figure], ...] = (
    Fig2,
    Lemma2,
    Theorem1,
    Theorem2,
    Theorem3,
    Theorem4,
    Fig3,
    Fig4,
    Fig4Norms,
    Fig4Real,
    AttentionLaw,
    Fig14,
    Fig16,
    Denominators,
    Digits,
    Datasets,
    Coverage,
)

__all__ = ["FIGURES", "Figure"]
