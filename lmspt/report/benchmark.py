"""``benchmark.json``: the contract, a row a system, its seeds pooled, and all pairs compared. Error rates are fractions."""

from __future__ import annotations

from typing import Any

from lmspt.report.amounts import amounts_of
from lmspt.report.groups import Group
from lmspt.report.judges import judges_of
from lmspt.report.markers import markers_of, seconds_of
from lmspt.report.results import Experiment
from lmspt.report.system import CANNOT_SPEAK, CODEC_KEYS, SPEECH_KEYS, Result, System

SILENT = {"not_run": CANNOT_SPEAK}
UNREAD = {"not_run": "no judge was asked"}
UNSCORED = {"not_run": "not scored on this set"}


def benchmark(experiment: Experiment) -> dict[str, Any]:
    """The whole of ``benchmark.json``.

    ``systems`` have one seed each, ``groups`` pool them; all else is of groups.
    """
    return {
        "contract": experiment.contract,
        "systems": [_row(experiment, system) for system in experiment.systems],
        "groups": [_group(experiment, group) for group in experiment.groups],
        "judges": {name: judges_of(experiment, name) for name in experiment.sets if experiment.second},
        "probe_correlations": experiment.probe_correlations,
        "comparisons": experiment.comparisons,
        "told_comparisons": experiment.told_comparisons,
    }


def counts_table(experiment: Experiment) -> dict[tuple[str, str], dict[str, Result]]:
    """What ``counts.tsv`` holds: ``result.json`` of each system that has one, by (set, task)."""
    found: dict[tuple[str, str], dict[str, Result]] = {}
    for name in experiment.sets:
        for task in experiment.tasks:
            results = ((system.name, system.result(name, task)) for system in experiment.systems)
            found[name, task] = {system: result for system, result in results if result}
    return found


def _group(experiment: Experiment, group: Group) -> dict[str, Any]:
    tokens = group.first.tokens[experiment.valid]
    rows: dict[str, Any] = {
        "name": group.name,
        "systems": [system.name for system in group.systems],
        "objective": group.first.objective,
        "teacher": group.first.teacher,
        "frame_rate": tokens["frame_rate"],
        "bitrate": tokens["bitrate"],
    }
    for task in experiment.tasks:
        rows[task] = {name: group.summary(name, task) or SILENT for name in experiment.sets}
    probes = {name: probes[group.name] for name, probes in experiment.probes.items()}
    return {**rows, "probes": probes, "told": {name: told.get(group.name, {}) for name, told in experiment.told.items()}}


def _row(experiment: Experiment, system: System) -> dict[str, Any]:
    tokens = system.tokens[experiment.valid]
    scores: dict[str, dict[str, Any]] = {task: {} for task in experiment.tasks}
    controls = {}
    for name in experiment.sets:
        for task in experiment.tasks:
            result = system.result(name, task)
            scores[task][name] = _brief(result) if result else SILENT
        results = {f"asr_{heard}": result for heard, result in system.asr.get(name, {}).items() if heard != "own"}
        if experiment.groundtruth:
            judged = {f"resynthesis_{audio}": system.judged.get(name, {}).get(audio) for audio in ("all", "semantic")}
            results = {"groundtruth": experiment.groundtruth[name], **judged, **results}
        controls[name] = {control: _brief(result) if result else SILENT for control, result in results.items()}
    of_model = {"slm_seed": system.slm_config["seed"], "given": amounts_of(system)} if system.has_model else {}
    return {
        "name": system.name,
        "objective": system.objective,
        "teacher": system.teacher,
        "frame_rate": tokens["frame_rate"],
        "bitrate": tokens["bitrate"],
        "tok_id": system.tok_id,
        "seed": system.config.get("seed"),
        "codebook_use": {stream: health["use"] for stream, health in tokens["streams"].items()},
        **of_model,
        **scores,
        "controls": controls,
        "codec": {name: {key: system.codec[name][key] for key in CODEC_KEYS} for name in system.codec} or SILENT,
        "seconds": seconds_of(markers_of(experiment.markers, system.folder, system.tokenizer, system.tok_id)),
    }


def _brief(result: Result) -> Result:
    """The part of a result that a row holds."""
    keys = ("wer", "ci95", "ci95_speakers", "n_utts", "n_words", "errors", "cer", "no_end", *SPEECH_KEYS, "failures")
    return {key: result[key] for key in keys if key in result}
