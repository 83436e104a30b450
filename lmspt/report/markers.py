"""Markers of finished stages (``.done/<n>_<name>.<tag>.json`` in data, dump and exp): which command did what, in what time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lmspt.errors import InputError

Marker = dict[str, Any]
DUMPED = 5  # the stage of tokens
RECOGNISED, SCORED = 10, 12  # the last stages before the report, without a judge and with one


def read_markers(folders: Sequence[Path]) -> list[Marker]:
    """All markers up to stage 12 in the folders that are there, in the order of stages and of their end.

    Raises:
        InputError: there is none, or one that is not a marker.
    """
    markers = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.json"))):
        try:
            marker = json.loads(path.read_text(encoding="utf-8"))
            number = marker["stage"]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}: not a marker of a stage; delete it and run that stage again") from None
        if number <= SCORED:
            markers.append(marker)
    if not markers:
        raise InputError(f"{', '.join(map(str, folders))}: no marker of a finished stage; run the stages with slm.sh")
    return sorted(markers, key=lambda marker: (marker["stage"], marker["finished"]))


def markers_of(markers: Iterable[Marker], slm: Path, tokenizer: Path, tok_id: str) -> list[Marker]:
    """What was done for one system: stages with its tag, or with inputs from its folders; and its teacher's features.

    Tokens (stage 5) are tagged with the tokenizer's id, data of a language model (stage 7) without the seed, and probes (stage 6)
    have no input that would name the tokenizer.
    """
    tag, tok_tag = slm.name.removeprefix("slm_"), tokenizer.name.removeprefix("tok_")
    tags = {tag, re.sub(r"_s\d+$", "", tag), tok_tag}

    def is_own(marker: Marker) -> bool:
        probes = re.fullmatch(rf"{re.escape(tok_tag)}\.[^.]+\.probes", marker["tag"])
        tokens = marker["stage"] == DUMPED and marker["tag"].startswith(f"{tok_id}.")
        return (
            marker["tag"] in tags
            or tokens
            or bool(probes)
            or any({slm.name, tokenizer.name} & {*Path(i).parts} for i in marker["inputs"])
        )

    markers = list(markers)
    own = [marker for marker in markers if is_own(marker)]
    feats = {_feats_tag(Path(i)) for m in own if m["stage"] == 4 for i in m["inputs"] if Path(i).name == "feats.scp"}
    return [m for m in markers if m["stage"] == 3 and m["tag"] in feats] + own


def shared_markers(markers: Iterable[Marker]) -> list[Marker]:
    """What was done once for all systems: the data, the training of a judge, and the judges' reading of the recordings."""
    return [m for m in markers if m["stage"] <= 2 or (m["stage"] == SCORED and m["tag"].startswith(("groundtruth", "judge_")))]


def reported_markers(markers: Sequence[Marker], systems: Iterable[tuple[Path, Path, str]], last_stage: int) -> list[Marker]:
    """Those of a report's systems, ``(language model, tokenizer, its id)``, and of what all share, up to ``last_stage``: an
    experiment may hold others."""
    own = [*shared_markers(markers), *(marker for system in systems for marker in markers_of(markers, *system))]
    reported = {id(marker) for marker in own if marker["stage"] <= last_stage}
    return [marker for marker in markers if id(marker) in reported]


def seconds_of(markers: Iterable[Marker]) -> dict[str, float]:
    """Seconds by name of the stage, summed over its units. Of one that was broken off, the last session counts."""
    seconds: dict[str, float] = {}
    for marker in markers:
        seconds[marker["name"]] = round(seconds.get(marker["name"], 0.0) + marker["seconds"], 1)
    return seconds


def taken_up(markers: Iterable[Marker]) -> set[str]:
    """Names of stages of which a part was broken off and taken up again."""
    return {marker["name"] for marker in markers if marker["sessions"] > 1}


def commands_of(markers: Iterable[Marker]) -> dict[str, list[str]]:
    """Each command that was given, and the names of the stages that it did."""
    commands: dict[str, list[str]] = {}
    for marker in sorted(markers, key=lambda marker: marker["finished"]):
        stages = commands.setdefault(marker["command"], [])
        if marker["name"] not in stages:
            stages.append(marker["name"])
    return commands


def _feats_tag(feats: Path) -> str:
    """Tag of the unit of stage 3 that wrote ``<features>/<set>/feats.scp``."""
    return f"{feats.parent.parent.name}.{feats.parent.name}"
