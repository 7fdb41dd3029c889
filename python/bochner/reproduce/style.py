"""One style for all figures: a colour a family, a line a coupling."""

from __future__ import annotations

from typing import Any

from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure

#: Okabe and Ito's colours, told apart by colour-blind readers and in grey.
COLOURS = {
    "trigonometric": "#0072B2",
    "positive": "#D55E00",
    "hyperbolic": "#009E73",
    "elu + 1": "#CC79A7",
    "uniform averaging": "#555555",
}
LINES = {"iid": "--", "orthogonal": "-"}
MARKERS = {"trigonometric": "o", "positive": "s", "hyperbolic": "^", "elu + 1": "D"}
REFERENCE = "#333333"

RC: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    # The same ids in every run, so that equal data give an equal file.
    "svg.hashsalt": "bochner",
}


def styled() -> Any:
    """Context in which figures are drawn and saved."""
    return rc_context(RC)


def canvas(width: float, height: float) -> Figure:
    """An empty figure, in inches, that belongs to no global state."""
    return Figure(figsize=(width, height), layout="constrained")


def line(features: str, coupling: str) -> dict[str, Any]:
    """Look of the line of an estimator: filled marks for orthogonal, open ones for iid."""
    colour = COLOURS[features]
    return {
        "color": colour,
        "linestyle": LINES[coupling],
        "marker": MARKERS[features],
        "markerfacecolor": colour if coupling == "orthogonal" else "white",
    }


def shades(count: int) -> list[tuple[float, float, float, float]]:
    """Colours of an ordered quantity, light to dark, none too pale to see."""
    return [colormaps["viridis_r"](0.1 + 0.85 * index / max(1, count - 1)) for index in range(count)]
