"""The picture of a joint table: error rate over token rate, a line for each way to make tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from lmspt.report.counts import title_of
from lmspt.report.plots import COLOURS, STYLE, svg_of
from lmspt.report.system import Result

GREY = "#808080"  # read on white and on black: an image has no text colour to take over
RATE = re.compile(r"_[\d.]+hz(?=_|$)")  # of a name
SPREAD = 0.3  # octaves over which the arms at one rate lie, lest intervals hide each other


def arms_of(groups: Sequence[Result], task: str, name: str) -> dict[str, list[tuple[float, Result]]]:
    """Tokens a second and score of the systems that have one, by arm: names without what differs in rate, and without the ending
    that all share."""
    scored = [group for group in groups if "wer" in group[task][name]]
    words = [RATE.sub("", group["name"]).split("_") for group in scored]
    while len(words) > 1 and all(len(w) > 1 and w[-1] == words[0][-1] for w in words):
        words = [w[:-1] for w in words]
    arms: dict[str, list[tuple[float, Result]]] = {}
    for group, parts in zip(scored, words, strict=True):
        arms.setdefault(" ".join(parts), []).append((group["frame_rate"], group[task][name]))
    return {arm: sorted(points, key=lambda point: point[0]) for arm, points in arms.items()}


def pictures_of(benchmark: dict[str, Any]) -> dict[str, str]:
    """SVG files of a joint ``benchmark.json`` by name, ``<task>_<set>.svg``: of what was scored at two rates at least. An arm has
    one colour in all of them."""
    found = {}
    for name, tasks in benchmark["comparisons"].items():
        for task in tasks:
            arms = arms_of(benchmark["groups"], task, name)
            if len({rate for points in arms.values() for rate, _ in points}) > 1:
                found[task, name] = arms
    colours = dict(zip(dict.fromkeys(arm for arms in found.values() for arm in arms), cycle(COLOURS), strict=False))
    titles = {(task, name): f"{title_of(task)} WER % on {name}" for task, name in found}
    return {f"{task}_{name}.svg": _picture(titles[task, name], arms, colours) for (task, name), arms in found.items()}


def _picture(title: str, arms: dict[str, list[tuple[float, Result]]], colours: dict[str, str]) -> str:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axes = figure.subplots()
        for i, (arm, points) in enumerate(arms.items()):
            x = [rate * 2 ** (SPREAD * ((i + 0.5) / len(arms) - 0.5)) for rate, _ in points]
            y = [100 * score["wer"] for _, score in points]
            error = [[100 * abs(score["wer"] - score["ci95"][side]) for _, score in points] for side in (0, 1)]
            axes.errorbar(x, y, error, fmt="o-", color=colours[arm], capsize=2, elinewidth=1, linewidth=1, markersize=4, label=arm)
        rates = sorted({rate for points in arms.values() for rate, _ in points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.set(xlabel="tokens a second", ylabel=title, xlim=(rates[0] / 1.4, 1.4 * rates[-1]), ylim=(0, None))
        figure.legend(loc="outside right center", frameon=False, fontsize=9)
        return svg_of(figure).replace("currentColor", GREY)
