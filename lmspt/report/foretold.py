"""The picture of what probes foretell: error rate over the probe that goes with it most closely, a panel a task."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lmspt.report.arms import GREY
from lmspt.report.counts import title_of
from lmspt.report.plots import COLOURS, STYLE, svg_of
from lmspt.report.system import Result

SHAPES = "so^Dv"  # of rates, the lowest first


def closest(correlations: Mapping[str, Mapping[str, Result]], task: str) -> str | None:
    """The probe whose ranks go with those of the error rate most closely, up or down, of those that were run on the most systems:
    few agree more easily. ``None`` if none was correlated."""
    found = {probe: tasks[task] for probe, tasks in correlations.items() if "rho" in tasks.get(task, {})}
    return max(found, key=lambda probe: (found[probe]["n"], abs(found[probe]["rho"])), default=None)


def foretold(benchmark: dict[str, Any]) -> dict[str, str]:
    """SVG files of a joint ``benchmark.json`` by name, ``probes_<set>.svg``: of sets with systems enough to correlate."""
    pictures = {}
    for name, correlations in benchmark["probe_correlations"].items():
        probes = {task: probe for task in benchmark["comparisons"][name] if (probe := closest(correlations, task))}
        if probes:
            rho = {task: correlations[probe][task]["rho"] for task, probe in probes.items()}
            pictures[f"probes_{name}.svg"] = _picture(benchmark["groups"], name, probes, rho)
    return pictures


def _picture(groups: list[Result], name: str, probes: dict[str, str], rho: dict[str, float]) -> str:
    colours = dict(zip(dict.fromkeys(group["objective"] for group in groups), cycle(COLOURS), strict=False))
    shapes = dict(zip(sorted({group["frame_rate"] for group in groups}), cycle(SHAPES), strict=False))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.2), layout="constrained")
        for axes, (task, probe) in zip(figure.subplots(1, len(probes), squeeze=False)[0], probes.items(), strict=True):
            for group in groups:
                score, value = group[task][name], group["probes"][name][probe]
                if "wer" in score and value is not None:
                    _point(axes, value, score, colours[group["objective"]], shapes[group["frame_rate"]])
            axes.set(xlabel=f"{probe}\n(rho {rho[task]:+.2f})", ylabel=f"{title_of(task)} WER % on {name}", ylim=(0, None))
        handles = [Line2D([], [], color=colour, label=objective) for objective, colour in colours.items()]
        for rate, shape in shapes.items():
            handles.append(Line2D([], [], color=GREY, marker=shape, linestyle="", label=f"{rate:g} Hz"))
        figure.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
        return svg_of(figure).replace("currentColor", GREY)


def _point(axes: Axes, value: float, score: Result, colour: str, shape: str) -> None:
    """A system with the interval of its error rate."""
    low, high = (100 * abs(score["wer"] - bound) for bound in score["ci95"])
    axes.errorbar([value], [100 * score["wer"]], [[low], [high]], fmt=shape, color=colour, markersize=4, elinewidth=1, capsize=2)
