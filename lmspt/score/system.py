"""One system: a tokenizer and the language model on its tokens, read from the files of stages 4 to 12.

A system whose tokenizer has no decoder (k-means of teacher features) cannot speak: it has no ``judged`` and no ``codec``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lmspt.errors import InputError

Result = dict[str, Any]

HEARD = {"own": "", "other": "_other", "shuffled": "_shuffled"}  # tokens given to the recogniser, ending of its folder
AUDIO = ("all", "semantic", "tts")  # what the judge reads of a system
RATE_KEYS = ("wer", "ci95", "n_utts", "n_words", "errors", "sub", "ins", "del", "cer", "cer_ci95", "by_speaker", "empty", "utts")
SPEECH_KEYS = ("speaker_similarity", "dnsmos", "duration", "judge_loops")
CODEC_KEYS = ("stoi", "pesq", "mel_distance")
PROBE_KEYS = ("streams", "guessing", "word_distances", "speaker", "lengths")
CANNOT_SPEAK = "cannot speak: its tokenizer has no decoder"


@dataclass(frozen=True)
class System:
    """One system's files.

    Attributes:
        name: of the folder, without ``slm_``.
        folder: ``exp/slm_<tok tag>_<slm tag>``.
        tokenizer: ``exp/tok_<tok tag>``.
        config, slm_config: of the tokenizer and of the language model.
        tok_id: identity of the tokenizer.
        tokens: ``tokens.json`` by set, that of the validation set first.
        asr: ``result.json`` by set and by key of ``HEARD``, with ``no_end`` of ``stats.json``.
        judged: ``result.json`` by set and ``AUDIO``; empty if it cannot speak.
        second: as ``judged``, by the second judge; empty if there is none.
        codec: ``codec.json`` by set; empty if it cannot speak.
        probes: ``probes.json`` by set.
        tok_history, slm_history: a row an epoch; the first is empty for a tokenizer that was not trained in epochs.
    """

    name: str
    folder: Path
    tokenizer: Path
    config: dict[str, Any]
    slm_config: dict[str, Any]
    tok_id: str
    tokens: dict[str, Result]
    asr: dict[str, dict[str, Result]]
    judged: dict[str, dict[str, Result]]
    second: dict[str, dict[str, Result]]
    codec: dict[str, Result]
    probes: dict[str, Result]
    tok_history: list[dict[str, Any]]
    slm_history: list[dict[str, Any]]

    @property
    def speaks(self) -> bool:
        """Has its tokenizer a decoder?"""
        return can_speak(self.config)

    @property
    def objective(self) -> str:
        """What its tokenizer was trained for; the kind of one that was not trained here."""
        return self.config.get("objective") or self.config["tokenizer"]

    @property
    def teacher(self) -> str | None:
        """The frozen encoder behind its tokens, if there is one."""
        teacher = None if self.objective == "none" else self.config.get("teacher")
        return Path(teacher).name if teacher else None


def read_system(folder: Path, sets: Sequence[str], valid: str, second_judge: bool) -> System:
    """Read one system's files, those of the second judge if there is one.

    Raises:
        InputError: a file is missing or lacks a part.
    """
    link = folder / "tokenizer"
    if not link.is_file():
        raise InputError(f"{link}: no such file, so the tokenizer of {folder.name} is not known; run stage 8 (slm_train) first")
    tokenizer = Path(link.read_text(encoding="utf-8").strip())
    config = _read_config(tokenizer / "config.yaml", 4)
    speaks = can_speak(config)
    judged, second, codec = {}, {}, {}
    if speaks:
        places = {"tts": lambda name: folder / f"tts_{name}"}
        places |= {audio: lambda name, audio=audio: tokenizer / "eval" / name / audio for audio in ("all", "semantic")}
        judged = {name: {audio: _read_judged(places[audio](name)) for audio in AUDIO} for name in sets}
        if second_judge:
            second = {name: {audio: read_second(places[audio](name)) for audio in AUDIO} for name in sets}
        codec = {name: read_json(tokenizer / "eval" / name / "codec.json", 6, CODEC_KEYS) for name in sets}
    tokens = {name: read_json(tokenizer / "eval" / name / "tokens.json", 6, ("streams", "bitrate")) for name in (valid, *sets)}
    return System(
        name=folder.name.removeprefix("slm_"),
        folder=folder,
        tokenizer=tokenizer,
        config=config,
        slm_config=_read_config(folder / "config.yaml", 8),
        tok_id=tokens[valid]["tok_id"],
        tokens=tokens,
        asr={name: {heard: _read_asr(folder / f"asr_{name}{ending}") for heard, ending in HEARD.items()} for name in sets},
        judged=judged,
        second=second,
        codec=codec,
        probes={name: read_json(tokenizer / "eval" / name / "probes.json", 6, PROBE_KEYS) for name in sets},
        tok_history=read_json(tokenizer / "history.json", 4) if is_trained(config) else [],
        slm_history=read_json(folder / "history.json", 8),
    )


def can_speak(config: dict[str, Any]) -> bool:
    """Has the tokenizer of this configuration a decoder?"""
    return config.get("tokenizer", "lmspt") != "kmeans"


def is_trained(config: dict[str, Any]) -> bool:
    """Has the tokenizer of this configuration epochs behind it?"""
    return config.get("tokenizer", "lmspt") == "lmspt"


def _read_asr(folder: Path) -> Result:
    return {
        **read_json(folder / "result.json", 10, RATE_KEYS),
        "no_end": read_json(folder / "stats.json", 9, ("no_end",))["no_end"],
    }


def _read_judged(folder: Path) -> Result:
    return read_json(folder / "result.json", 12, RATE_KEYS + SPEECH_KEYS)


def read_second(folder: Path) -> Result:
    """What the second judge read in the audio of a folder."""
    return read_json(folder / "second" / "result.json", 12, RATE_KEYS)


def read_json(path: Path, stage: int, keys: Sequence[str] = ()) -> Any:
    """A JSON file with ``keys``, which ``stage`` wrote.

    Raises:
        InputError: no such file, not JSON, or without one of the keys.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; run stage {stage} first")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); delete it and run stage {stage} again") from None
    lacking = [key for key in keys if key not in value]
    if lacking:
        raise InputError(f"{path}: has no '{lacking[0]}'; delete it and run stage {stage} again")
    return value


def _read_config(path: Path, stage: int) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; run stage {stage} first")
    return yaml.safe_load(path.read_text(encoding="utf-8"))
