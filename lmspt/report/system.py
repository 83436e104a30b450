"""One system: a tokenizer and the language model on its tokens, read from the files of stages 4 to 12.

A system whose tokenizer has no decoder (k-means of teacher features) cannot speak: it has no ``judged`` and no ``codec``. Where
no judge was asked, no system has ``judged``. A tokenizer alone is a system, too: it has no ``asr``, and nothing of ``tts`` in
``judged``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lmspt.errors import InputError
from lmspt.report.counts import SECOND

Result = dict[str, Any]

HEARD = {"own": "", "other": "_other", "shuffled": "_shuffled"}  # tokens given to the recogniser, ending of its folder
AUDIO = ("all", "semantic", "tts")  # what the judge reads of a system; of a tokenizer alone, not the last
READ_IN = {"tts": "tts", "resynthesis": "all"}  # what of it a task is scored by
RATE_KEYS = ("wer", "ci95", "n_utts", "n_words", "errors", "sub", "ins", "del", "cer", "cer_ci95", "by_speaker", "empty", "utts")
SPEECH_KEYS = ("speaker_similarity", "dnsmos", "distillmos", "duration", "judge_loops")
TOKENS_KEYS = ("streams", "bitrate", "stability")
CODEC_KEYS = ("stoi", "pesq", "mel_distance")
PROBE_KEYS = ("streams", "guessing", "word_distances", "speaker", "lengths")
CANNOT_SPEAK = "cannot speak: its tokenizer has no decoder"


@dataclass(frozen=True)
class System:
    """One system's files.

    Attributes:
        name: of the folder, without ``slm_`` or ``tok_``.
        folder: ``exp/slm_<tok tag>_<slm tag>``, or that of a tokenizer alone.
        tokenizer: ``exp/tok_<tok tag>``.
        config, slm_config: of the tokenizer and of the language model; the second is empty where there is none.
        tok_id: identity of the tokenizer.
        tokens: ``tokens.json`` by set, that of the validation set first.
        asr: ``result.json`` by set and by key of ``HEARD``, with ``no_end`` of ``stats.json``; empty without a language model.
        judged: ``result.json`` by set and ``AUDIO``; empty if it cannot speak or no judge was asked.
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
    def has_model(self) -> bool:
        """Is there a language model on its tokens?"""
        return bool(self.slm_config)

    def result(self, name: str, task: str) -> Result | None:
        """``result.json`` of a task on a set; nothing if it cannot speak."""
        if task == "asr":
            return self.asr[name]["own"]
        judged = self.second if task.endswith(SECOND) else self.judged
        return judged.get(name, {}).get(READ_IN[task.removesuffix(SECOND)])

    @property
    def objective(self) -> str:
        """What its tokenizer was trained for; the kind of one that was not trained here."""
        return self.config.get("objective") or self.config["tokenizer"]

    @property
    def teacher(self) -> str | None:
        """The frozen encoder behind its tokens, if there is one."""
        return teacher_of(self.config)


def read_system(folder: Path, sets: Sequence[str], valid: str, n_judges: int) -> System:
    """Read one system's files, those of none, one or two judges.

    Raises:
        InputError: a file is missing or lacks a part.
    """
    tokenizer = tokenizer_of(folder)
    has_model = tokenizer != folder
    config = read_config(tokenizer / "config.yaml", 4)
    speaks = can_speak(config)
    judged, second, codec = {}, {}, {}
    if speaks:
        spoken = AUDIO if has_model else AUDIO[:2]
        places = {name: {audio: audio_of(folder, tokenizer, name, audio) for audio in spoken} for name in sets}
        if n_judges:
            judged = {name: {audio: _read_judged(place) for audio, place in places[name].items()} for name in sets}
        if n_judges > 1:
            second = {name: {audio: read_second(place) for audio, place in places[name].items()} for name in sets}
        codec = {name: read_json(tokenizer / "eval" / name / "codec.json", 6, CODEC_KEYS) for name in sets}
    tokens = {name: read_json(tokenizer / "eval" / name / "tokens.json", 6, TOKENS_KEYS) for name in (valid, *sets)}
    return System(
        name=folder.name.removeprefix("slm_" if has_model else "tok_"),
        folder=folder,
        tokenizer=tokenizer,
        config=config,
        slm_config=read_config(folder / "config.yaml", 8) if has_model else {},
        tok_id=tokens[valid]["tok_id"],
        tokens=tokens,
        asr={name: _read_recognised(folder, name) for name in sets} if has_model else {},
        judged=judged,
        second=second,
        codec=codec,
        probes={name: read_json(tokenizer / "eval" / name / "probes.json", 6, PROBE_KEYS) for name in sets},
        tok_history=read_json(tokenizer / "history.json", 4) if is_trained(config) else [],
        slm_history=read_json(folder / "history.json", 8) if has_model else [],
    )


def tokenizer_of(folder: Path) -> Path:
    """Folder of a system's tokenizer: the folder itself if it is one.

    Raises:
        InputError: it is neither a language model's nor a tokenizer's.
    """
    link = folder / "tokenizer"
    if link.is_file():
        told = Path(link.read_text(encoding="utf-8").strip())  # from the recipe's folder, unless it was given whole
        return told if told.is_dir() else folder.parent / told.name
    if not (folder / "tok_id").is_file():
        raise InputError(f"{link}: no such file, so the tokenizer of {folder.name} is not known; run stage 8 (slm_train) first")
    return folder


def audio_of(folder: Path, tokenizer: Path, name: str, audio: str) -> Path:
    """Folder of what a system said of a set, ``audio`` being one of ``AUDIO``."""
    return folder / f"tts_{name}" if audio == "tts" else tokenizer / "eval" / name / audio


def semantic_stream(found: Result) -> Result:
    """The semantic one of the streams of a ``tokens.json`` or ``probes.json``."""
    return next(stream for stream in found["streams"].values() if stream["semantic"])


def teacher_of(config: dict[str, Any]) -> str | None:
    """The frozen encoder behind the tokens of the tokenizer of this configuration, if there is one."""
    teacher = None if config.get("objective") == "none" else config.get("teacher")
    return Path(teacher).name if teacher else None


def can_speak(config: dict[str, Any]) -> bool:
    """Has the tokenizer of this configuration a decoder?"""
    return config.get("tokenizer", "lmspt") != "kmeans"


def is_trained(config: dict[str, Any]) -> bool:
    """Has the tokenizer of this configuration epochs behind it?"""
    return config.get("tokenizer", "lmspt") == "lmspt"


def _read_recognised(folder: Path, name: str) -> dict[str, Result]:
    """What was recognised of a set, by key of ``HEARD``."""
    found = {}
    for heard, ending in HEARD.items():
        place = folder / f"asr_{name}{ending}"
        no_end = read_json(place / "stats.json", 9, ("no_end",))["no_end"]
        found[heard] = {**read_json(place / "result.json", 10, RATE_KEYS), "no_end": no_end}
    return found


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


def read_config(path: Path, stage: int) -> dict[str, Any]:
    """The config that ``stage`` saved.

    Raises:
        InputError: no such file.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; run stage {stage} first")
    return yaml.safe_load(path.read_text(encoding="utf-8"))
