"""Figures of the report as SVG text that stands in the page: ink is the page's own, so that it turns with light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import cycle
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmspt.report.groups import Group
from lmspt.report.results import Experiment
from lmspt.report.system import AUDIO
from lmspt.report.token_tables import semantic_bitrate
from lmspt.report.told import MEASURES

INK = "#010203"  # stands for the page's text colour
COLOURS = (  # seen on white and on black
    "#3b82f6", "#e07b16", "#16a37f", "#d946a0", "#8b5cf6", "#b08900", "#0ea5c4", "#dc4a4a",
    "#6b8e23", "#9a6b4f", "#5b6fd8", "#c06ad6", "#2e8b8b", "#d98695", "#7a7a7a", "#4caf50",
    "#f2664b", "#17b6c9", "#a569bd", "#c0a000", "#6a9ac4", "#f27aa0", "#86b81f", "#b87d55",
)  # fmt: skip
STYLE = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "lmspt",
    "font.size": 10,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "axes.grid": True,
    "lines.linewidth": 1.6,
}
# What is drawn of a history, where it is there, and how it is called.
TOK_STATS = {"mel": "mel distance", "distill": "distillation distance", "semantic_use": "semantic codes in use, share"}
SLM_STATS = {"loss_asr": "ASR loss", "acc_asr": "ASR accuracy", "loss_tts": "TTS loss", "acc_tts": "TTS accuracy"}
MARKS = {"tts": "o", "all": "s", "semantic": "^"}
WER = "WER %"
NAMED = 8  # streams that a legend has room for
OCTAVES = 0.6  # between the first and the last of the systems that stand side by side, at most


@dataclass(frozen=True)
class Panel:
    """One figure: its title, and an ``<svg>`` element."""

    title: str
    svg: str


@dataclass(frozen=True)
class Point:
    """A group's score over what it costs: tokens and bits a second.

    Attributes:
        y: the score, with the edges of its interval in ``ci95`` and what single seeds have in ``seeds``, if there are several.
    """

    name: str
    hz: float
    bits: float
    y: float
    ci95: Sequence[float]
    seeds: Sequence[float] = ()
    mark: str = "o"


def colours_of(groups: Iterable[Group]) -> dict[str, str]:
    """A colour for each group and its systems, by name."""
    colours = {}
    for group, colour in zip(groups, cycle(COLOURS), strict=False):
        colours |= dict.fromkeys((group.name, *(system.name for system in group.systems)), colour)
    return colours


def history_panels(histories: dict[str, list[dict[str, Any]]], stats: dict[str, str], colours: dict[str, str]) -> Iterator[Panel]:
    """A panel for each of ``stats`` that a history has: validation in full, training dashed, over epochs."""
    for key, title in stats.items():
        having = {name: rows for name, rows in histories.items() if any(key in row["valid"] for row in rows)}
        if not having:
            continue
        with matplotlib.rc_context(STYLE):
            figure, axes = _panel("epoch")
            for name, rows in having.items():
                for phase, dashes in (("train", (0, (2, 2))), ("valid", "-")):
                    epochs, values = _points(rows, phase, key)
                    axes.plot(epochs, values, color=colours[name], linestyle=dashes, marker=".", markersize=4)
            axes.xaxis.get_major_locator().set_params(integer=True)
            yield Panel(title, svg_of(figure))


def rate_panels(experiment: Experiment, name: str, colours: dict[str, str]) -> Iterator[Panel]:
    """Error rates on a set over token rate and over bit rate, and what codes tell of words; 95 % intervals; dotted: the judge on
    the recordings."""
    asr, spoken = [], []
    told: dict[str, list[Point]] = {measure: [] for measure in MEASURES}
    for group in experiment.groups:
        tokens = group.first.tokens[experiment.valid]
        bits = {"asr": semantic_bitrate(tokens), "semantic": semantic_bitrate(tokens), "all": tokens["bitrate"]}
        for task in ("asr", *AUDIO):
            if summary := group.summary(name, task):
                wer, *ends = (100 * rate for rate in (summary["wer"], *summary["ci95"]))
                seeds = [100 * seed for seed in summary["seeds"]["wer"] if "sd" in summary["seeds"]]
                cost = tokens["frame_rate"], bits.get(task, tokens["bitrate"])
                (asr if task == "asr" else spoken).append(Point(group.name, *cost, wer, ends, seeds, MARKS.get(task, "o")))
        for measure, found in experiment.told[name].get(group.name, {}).items():
            told[measure].append(Point(group.name, tokens["frame_rate"], bits["semantic"], found["value"], found["ci95"]))
    if asr:
        yield Panel("ASR, by token rate", _rate_figure(asr, "hz", "tokens a second", WER, colours))
        yield Panel("ASR, by bit rate", _rate_figure(asr, "bits", "bit/s of the semantic stream", WER, colours))
    if spoken:
        floor = 100 * experiment.groundtruth[name]["wer"]
        yield Panel("Speech, by token rate", _rate_figure(spoken, "hz", "tokens a second", WER, colours, floor))
        yield Panel("Speech, by bit rate", _rate_figure(spoken, "bits", "bit/s of the streams spoken", WER, colours, floor))
    for measure, points in told.items():
        if points:
            figure = _rate_figure(points, "hz", "tokens a second", f"{MEASURES[measure]} above chance", colours)
            yield Panel(f"What codes tell of words or phones, by token rate: {MEASURES[measure]}", figure)


def use_panels(counts: dict[str, dict[str, np.ndarray]]) -> Iterator[Panel]:
    """Share of frames that each code of a stream has, codes sorted by it; a panel a system.

    Args:
        counts: how often each code occurs, (size,), by system and stream; the semantic stream first.
    """
    for name, streams in counts.items():
        with matplotlib.rc_context(STYLE):
            figure, axes = _panel("codes, the most frequent first")
            for i, ((stream, count), colour) in enumerate(zip(streams.items(), cycle(COLOURS), strict=False)):
                shares = 100 * np.sort(count[count > 0])[::-1] / count.sum()
                name_in_legend = stream if i < NAMED else None
                edges = np.arange(len(shares) + 1)
                axes.stairs(shares, edges, color=colour, baseline=None, linewidth=1.4, label=name_in_legend)
                axes.plot(len(shares), shares[-1], "o", color=colour, markersize=4)
            size = max(len(count) for count in streams.values())
            axes.axhline(100 / size, color=INK, linestyle=":", linewidth=0.8)
            axes.set(yscale="log", ylabel="% of frames", xlim=(0, 1.02 * size), ylim=(None, 100))
            axes.yaxis.set_major_formatter(lambda share, _: f"{share:g}")
            axes.yaxis.set_minor_formatter(lambda *_: "")
            axes.legend(frameon=False, fontsize=8, ncols=2)
            yield Panel(name, svg_of(figure))


def token_panel(
    title: str, mel: np.ndarray, seconds: float, codes: dict[str, tuple[np.ndarray, float]], colours: dict[str, str]
) -> Panel:
    """A spectrogram with the semantic tokens of each system under it, a colour and a number for each code.

    Args:
        title: of the panel.
        mel: log mel power, (frames, bands).
        seconds: that ``mel`` lasts.
        codes: by system, codes (F,) and their rate in Hz.
        colours: of the systems.
    """
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(7.2, 1.5 + 0.42 * len(codes)), layout="constrained")
        top, *strips = figure.subplots(1 + len(codes), 1, sharex=True, height_ratios=[4, *[1] * len(codes)])
        extent = (0, seconds, 0, mel.shape[1])
        top.imshow(mel.T, origin="lower", aspect="auto", extent=extent, cmap="magma", interpolation="nearest")
        top.set(yticks=[], ylabel="mel", xlim=(0, seconds))
        for axes in (top, *strips[:-1]):
            axes.tick_params(bottom=False)
        for axes, (name, (row, frame_rate)) in zip(strips, codes.items(), strict=True):
            _strip(axes, row, frame_rate)
            axes.set_ylabel(f"{frame_rate:g} Hz", rotation=0, ha="right", va="center", fontsize=8, color=colours[name])
        strips[-1].set_xlabel("seconds")
        return Panel(title, svg_of(figure))


def svg_of(figure: Figure) -> str:
    """The figure as an ``<svg>`` element that fills the width it is given."""
    out = StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None}, dpi=144)
    svg = out.getvalue()[out.getvalue().index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="(?![mp][0-9a-f]{10}")[^"]*"', "", svg)  # names of groups would be there twice in a page
    svg = re.sub(r'(<svg [^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", svg, count=1), count=1)
    return svg.replace(INK, "currentColor").replace("'DejaVu Sans', ", "").replace("<svg ", '<svg role="img" ', 1)


def _points(rows: list[dict[str, Any]], phase: str, key: str) -> tuple[list[int], list[float]]:
    """Epochs in which a statistic was taken, and its values."""
    having = [row for row in rows if key in row[phase]]
    return [row["epoch"] for row in having], [row[phase][key] for row in having]


def _panel(xlabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.6, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(xlabel)
    return figure, axes


def _rate_figure(
    points: Sequence[Point], rate: str, xlabel: str, ylabel: str, colours: dict[str, str], floor: float | None = None
) -> str:
    """Points over the attribute ``rate``, in octaves; systems of one rate side by side, seeds as small dots beside their mean."""
    with matplotlib.rc_context(STYLE):
        figure, axes = _panel(xlabel)
        places, rates = _side_by_side(points, rate), sorted({getattr(point, rate) for point in points})
        for point in points:
            x = places[point.name, getattr(point, rate)]
            y, colour, (low, high) = point.y, colours[point.name], point.ci95
            error = [[max(y - low, 0.0)], [max(high - y, 0.0)]]
            filled = "none" if point.mark != "o" else colour
            axes.errorbar(x, y, error, fmt=point.mark, color=colour, markerfacecolor=filled, capsize=2, elinewidth=1, markersize=4)
            axes.plot([1.02 * x] * len(point.seeds), point.seeds, ".", color=colour, markersize=2.5)
        if floor is not None:
            axes.axhline(floor, color=INK, linestyle=":", linewidth=1)
        axes.set_xscale("log", base=2)
        axes.set_xticks(rates, [f"{value:g}" for value in rates])
        axes.set(ylabel=ylabel, xlim=(rates[0] / 1.4, 1.4 * rates[-1]), ylim=(0, None))
        return svg_of(figure)


def _side_by_side(points: Sequence[Point], rate: str) -> dict[tuple[str, float], float]:
    """Where systems are drawn, by name and rate: those of one rate in a row around it."""
    rows: dict[float, dict[str, None]] = {}
    for point in points:
        rows.setdefault(getattr(point, rate), {})[point.name] = None
    places = {}
    for value, names in rows.items():
        step = min(0.1, OCTAVES / len(names))
        for i, name in enumerate(names):
            places[name, value] = value * 2 ** (step * (i - (len(names) - 1) / 2))
    return places


def _strip(axes: Axes, codes: np.ndarray, frame_rate: float) -> None:
    """Codes (F,) side by side."""
    colours = [matplotlib.colors.hsv_to_rgb(((code * 0.618034) % 1.0, 0.55, 0.85)) for code in codes]
    axes.bar(np.arange(len(codes)) / frame_rate, 1.0, 1 / frame_rate, align="edge", color=colours, linewidth=0)
    if len(codes) <= 64:  # beyond that there is no room for numbers
        look = {"rotation": 90 * (len(codes) > 24), "ha": "center", "va": "center", "fontsize": 6, "color": "#000", "clip_on": True}
        for frame, code in enumerate(codes):
            axes.text((frame + 0.5) / frame_rate, 0.48, str(code), **look)
    axes.set(yticks=[], ylim=(0, 1))
    axes.spines[["left", "bottom"]].set_visible(False)
