"""The figures as a picture. Owns the drawing alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes

mpl.use("Agg")

_STYLES = {
    ("fixed", None): ("fixed interval", "#9a9a9a", "o-"),
    ("tiers", None): ("tiers per status", "#c97b2a", "s-"),
    ("shipped", None): ("tracker, as shipped", "#7fb2d9", "^-"),
    ("learned", 200): ("tracker, learned from 200 parcels", "#4c8fc4", "v--"),
    ("learned", 2500): ("tracker, learned from 2,500", "#15507f", "D-"),
    ("bound", None): ("optimum of the true model, without the promised day", "#222222", ":"),
}
_SCENARIOS = ("base", "slow", "holiday", "late_uploads", "no_clock", "several_zones", "other_carrier")

Rows = Sequence[dict[str, Any]]


def draw_figures(rows: Rows, file: Path) -> None:
    """Draw delay by calls, and delay at 8 calls by scenario, into a PNG."""
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.8), dpi=110)
    _by_calls(left, rows)
    _by_scenario(right, rows)
    figure.tight_layout()
    figure.savefig(file)
    pyplot.close(figure)


def _by_calls(axes: Axes, rows: Rows) -> None:
    for (policy, history), (label, colour, style) in _STYLES.items():
        found = sorted(
            (row["callsPerParcel"], row["valuableMeanHours"])
            for row in rows
            if (row["scenario"], row["batch"], row["policy"], row.get("learnedFrom")) == ("base", 1, policy, history)
            and "promise" not in row
            and "service" not in row
        )
        if found:
            axes.plot(*zip(*found, strict=True), style, color=colour, label=label, markersize=5)
    axes.set(xscale="log", yscale="log", xlabel="calls in a parcel's life", ylabel="hours, mean")
    axes.set_title("How late valuable news is seen")
    axes.set_xticks([4, 8, 16, 32], ["4", "8", "16", "32"])
    axes.set_yticks([0.25, 0.5, 1, 2, 4, 8, 16, 32], ["¼", "½", "1", "2", "4", "8", "16", "32"])
    axes.minorticks_off()
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False)


def _by_scenario(axes: Axes, rows: Rows) -> None:
    shown = [("tiers", None), ("shipped", None), ("learned", 2500)]
    present = [name for name in _SCENARIOS if any(row["scenario"] == name for row in rows)]
    for place, key in enumerate(shown):
        label, colour, _ = _STYLES[key]
        heights = [_at_eight(rows, scenario, *key) for scenario in present]
        axes.bar([at + 0.27 * (place - 1) for at in range(len(present))], heights, 0.25, color=colour, label=label)
    axes.set_xticks(range(len(present)), [name.replace("_", "\n") for name in present], fontsize=8)
    axes.set_title("At 8 calls, where the world is not as supposed")
    axes.set_ylabel("hours, mean")
    axes.grid(axis="y", alpha=0.25)
    axes.legend(fontsize=8, frameon=False)


def _at_eight(rows: Rows, scenario: str, policy: str, history: int | None) -> float:
    for row in rows:
        same = (row["scenario"], row["policy"], row.get("learnedFrom")) == (scenario, policy, history)
        if same and row["callsPerParcel"] == 8 and row["batch"] == 1 and "promise" not in row and "service" not in row:
            return float(row["valuableMeanHours"])
    return 0.0
