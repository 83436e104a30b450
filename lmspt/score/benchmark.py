"""``benchmark.json``: the contract, a row a system, its seeds pooled, and all pairs compared. Error rates are fractions."""

from __future__ import annotations

from typing import Any

from lmspt.score.counts import TASKS, comparisons
from lmspt.score.groups import Group
from lmspt.score.judges import judges_of
from lmspt.score.markers import markers_of, seconds_of
from lmspt.score.probe_tables import correlations, probed
from lmspt.score.results import Experiment
from lmspt.score.system import CANNOT_SPEAK, CODEC_KEYS, SPEECH_KEYS, Result, System


def benchmark(experiment: Experiment) -> dict[str, Any]:
    """The whole of ``benchmark.json``.

    ``systems`` have one seed each, ``groups`` pool them; ``probe_correlations`` and ``comparisons`` are of groups.
    """
    return {
        "contract": experiment.contract,
        "systems": [_row(experiment, system) for system in experiment.systems],
        "groups": [_group(experiment, group) for group in experiment.groups],
        "judges": {name: judges_of(experiment, name) for name in experiment.sets if experiment.second},
        "probe_correlations": {name: correlations(experiment, name) for name in experiment.sets},
        "comparisons": {name: {task: compared(experiment, name, task) for task in TASKS} for name in experiment.sets},
    }


def compared(experiment: Experiment, name: str, task: str) -> list[dict[str, Any]]:
    """All pairs of groups on a set, in a task."""
    errors = {group.name: group.errors(name, task) for group in experiment.groups}
    return comparisons({group: counts for group, counts in errors.items() if counts})


def counts_table(experiment: Experiment) -> dict[tuple[str, str], dict[str, Result]]:
    """What ``counts.tsv`` holds: ``result.json`` of each system that has one, by (set, task)."""
    return {
        (name, task): {s.name: s.asr[name]["own"] if task == "asr" else s.judged[name]["tts"] for s in systems}
        for name in experiment.sets
        for task, systems in (("asr", experiment.systems), ("tts", [s for s in experiment.systems if s.speaks]))
    }


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
    for task in TASKS:
        rows[task] = {name: group.summary(name, task) or {"not_run": CANNOT_SPEAK} for name in experiment.sets}
    return {**rows, "probes": {name: probed(group, name) for name in experiment.sets}}


def _row(experiment: Experiment, system: System) -> dict[str, Any]:
    tokens = system.tokens[experiment.valid]
    silent = {"not_run": CANNOT_SPEAK}
    asr, tts, controls = {}, {}, {}
    for name in experiment.sets:
        judged = {audio: _brief(result) for audio, result in system.judged[name].items()} if system.speaks else {}
        asr[name] = _brief(system.asr[name]["own"])
        tts[name] = judged.get("tts", silent)
        controls[name] = {
            "groundtruth": _brief(experiment.groundtruth[name]),
            "resynthesis_all": judged.get("all", silent),
            "resynthesis_semantic": judged.get("semantic", silent),
            "asr_other": _brief(system.asr[name]["other"]),
            "asr_shuffled": _brief(system.asr[name]["shuffled"]),
        }
    return {
        "name": system.name,
        "objective": system.objective,
        "teacher": system.teacher,
        "frame_rate": tokens["frame_rate"],
        "bitrate": tokens["bitrate"],
        "tok_id": system.tok_id,
        "seed": system.config.get("seed"),
        "slm_seed": system.slm_config["seed"],
        "codebook_use": {stream: health["use"] for stream, health in tokens["streams"].items()},
        "asr": asr,
        "tts": tts,
        "controls": controls,
        "codec": {name: {key: system.codec[name][key] for key in CODEC_KEYS} for name in system.codec} or silent,
        "seconds": seconds_of(markers_of(experiment.markers, system.folder, system.tokenizer)),
    }


def _brief(result: Result) -> Result:
    """The part of a result that a row holds."""
    keys = ("wer", "ci95", "ci95_speakers", "n_utts", "n_words", "errors", "cer", "no_end", *SPEECH_KEYS, "failures")
    return {key: result[key] for key in keys if key in result}
