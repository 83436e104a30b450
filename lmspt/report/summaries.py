"""The summary of a set: a row a system, with what it is.

Rates are printed in percent, intervals are of 95 %.
"""

from __future__ import annotations

import numpy as np

from lmspt.report.groups import UNSEEN, Group
from lmspt.report.results import Experiment
from lmspt.report.speech_tables import NO_SPEECH, RECORDINGS, judge_name
from lmspt.report.system import Result, semantic_stream
from lmspt.report.table import NONE, NOT_RUN, Table, measured, percent, rate
from lmspt.report.told import MEASURES

KIND = ("Hz", "bit/s", "in use %", "objective", "teacher")  # of a system


def summary_table(experiment: Experiment, name: str) -> Table:
    """Of language models."""
    spoken, rows = experiment.spoken, []
    if spoken:
        by_judges = _recordings(experiment, name)
        rows.append((RECORDINGS, NONE, by_judges[0], *by_judges, *[NONE] * 6))
    for group in experiment.groups:
        controls = (np.mean([system.asr[name][control]["wer"] for system in group.systems]) for control in ("other", "shuffled"))
        rows.append(
            (
                group.name,
                pooled_rate(group.summary(name, "asr")),
                *([pooled_rate(group.summary(name, "all"))] if spoken else []),
                *(pooled_rate(group.summary(name, task)) for task in spoken),
                " / ".join(map(percent, controls)),
                *_kind(experiment, group),
            )
        )
    titles = (experiment.title(task, "WER") for task in spoken)
    of_speech = "No judge was asked: speech is not compared. "
    if spoken:
        of_speech = (
            f"Resynthesis: the judge ({judge_name(experiment)}) reads the tokenizer's own speech, no language model between. TTS: "
            "a judge reads what the language model spoke. Recordings: it reads the originals. "
        )
    return Table(
        f"Summary on `{name}`",
        f"ASR: the language model writes what semantic tokens say. {of_speech}Controls: ASR given another utterance's tokens / its "
        "own shuffled in time. The k-means row is the topline of the teacher's own features. In use: codes of the semantic stream, "
        f"on `{experiment.valid}`. Several seeds: the mean over tokenizers of means over the language models on each, an interval "
        f"for these and utterances drawn together, ± the standard deviation of the seeds. {UNSEEN}",
        ("system", "ASR WER", *(["resynthesis WER"] if spoken else []), *titles, "ASR controls", *KIND),
        rows,
    )


def resynthesis_summary(experiment: Experiment, name: str) -> Table:
    """The summary of tokenizers alone."""
    rows = [(RECORDINGS, *_recordings(experiment, name), *[NONE] * (1 + len(KIND)))]
    for group in experiment.groups:
        tasks = (*experiment.spoken, "semantic")
        rows.append((group.name, *(pooled_rate(group.summary(name, task)) for task in tasks), *_kind(experiment, group)))
    titles = (experiment.title(task, "WER") for task in experiment.spoken)
    return Table(
        f"Summary on `{name}`",
        f"What a judge reads in the tokenizer's own speech, from all streams and ({judge_name(experiment)}) from the semantic one "
        "alone (of a codec without one, from the first); recordings: in the originals. No language model was trained. In use: "
        f"codes of that stream, on `{experiment.valid}`. Several seeds: their mean, an interval for seeds and utterances drawn "
        f"together, ± the standard deviation of the seeds. {UNSEEN}",
        ("system", *titles, "semantic only WER", *KIND),
        rows,
    )


def token_summary(experiment: Experiment, name: str) -> Table:
    """The summary of tokenizers alone that no judge has read."""
    rows = []
    for group in experiment.groups:
        told = experiment.told[name].get(group.name, {})
        measures = (measured(told[measure]) if told else NOT_RUN for measure in MEASURES)
        rows.append((group.name, *measures, *_kind(experiment, group)))
    return Table(
        f"Summary on `{name}`",
        "PNMI and purity: what a code of the semantic stream tells of the word, or phone, that is said, above what chance makes of "
        f"it. No language model was trained, and no judge asked. In use: codes of that stream, on `{experiment.valid}`. Intervals "
        "are over utterances and know nothing of another training.",
        ("system", *MEASURES.values(), *KIND),
        rows,
    )


def _recordings(experiment: Experiment, name: str) -> list[str]:
    """What the judges read in the recordings."""
    return [rate(results[name]) for results in (experiment.groundtruth, experiment.second) if results]


def _kind(experiment: Experiment, group: Group) -> tuple[str, ...]:
    """The columns ``KIND`` of a group."""
    tokens = group.first.tokens[experiment.valid]
    return (
        f"{tokens['frame_rate']:g}",
        f"{tokens['bitrate']:.0f}",
        percent(np.mean([semantic_stream(system.tokens[experiment.valid])["use"] for system in group.systems])),
        group.first.objective,
        group.first.teacher or "none",
    )


def pooled_rate(summary: Result | None) -> str:
    """An error rate over seeds, of :func:`lmspt.report.counts.pooled`; of nothing, that there is no decoder."""
    spread = f" ± {percent(summary['seeds']['sd'])}" if summary and "sd" in summary.get("seeds", {}) else ""
    return rate(summary or NO_SPEECH) + spread
