"""What an experiment's stages 4 to 12 found, read from their files: whole, agreeing, comparable, or not at all.

One system is a tokenizer and the language model on its tokens. A system whose tokenizer has no decoder (k-means of teacher
features) cannot speak: it has no ``judged`` and no ``codec``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lmspt.errors import InputError
from lmspt.score.contract import require_same
from lmspt.score.markers import Marker, markers_of, read_markers, seconds_of

Result = dict[str, Any]

HEARD = {"own": "", "other": "_other", "shuffled": "_shuffled"}  # tokens given to the recogniser, ending of its folder
AUDIO = ("all", "semantic", "tts")  # what the judge reads of a system
RATE_KEYS = ("wer", "ci95", "n_utts", "n_words", "errors", "sub", "ins", "del", "cer", "cer_ci95", "by_speaker", "empty", "utts")
SPEECH_KEYS = ("speaker_similarity", "dnsmos", "duration", "judge_loops")
CODEC_KEYS = ("stoi", "pesq", "mel_distance")
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
        codec: ``codec.json`` by set; empty if it cannot speak.
        tok_history, slm_history: a row an epoch; the first is empty for k-means.
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
    codec: dict[str, Result]
    tok_history: list[dict[str, Any]]
    slm_history: list[dict[str, Any]]

    @property
    def speaks(self) -> bool:
        """Has its tokenizer a decoder?"""
        return can_speak(self.config)

    @property
    def objective(self) -> str:
        """What its tokenizer was trained for."""
        return self.config["objective"] if self.speaks else "kmeans"

    @property
    def teacher(self) -> str | None:
        """The frozen encoder behind its tokens, if there is one."""
        return None if self.objective == "none" else Path(self.config["teacher"]).name


@dataclass(frozen=True)
class Experiment:
    """Systems that were scored alike.

    Attributes:
        sets: test sets.
        valid: validation set.
        systems: in the order given.
        groundtruth: ``result.json`` of the recordings, by set.
        contract: of ``asr``, ``speech`` and ``codec`` scores.
        markers: of all stages.
    """

    sets: tuple[str, ...]
    valid: str
    systems: tuple[System, ...]
    groundtruth: dict[str, Result]
    contract: dict[str, Any]
    markers: list[Marker]


def read_experiment(folders: Sequence[Path], sets: Sequence[str], valid: str, groundtruth: Path, done: Path) -> Experiment:
    """Read the results of the systems in ``folders``.

    Args:
        folders: ``exp/slm_<tok tag>_<slm tag>``, each with a file ``tokenizer`` that holds the path of its tokenizer.
        sets: test sets.
        valid: validation set.
        groundtruth: ``exp/groundtruth``.
        done: ``exp/.done``.

    Raises:
        InputError: a file is missing or lacks a part, contracts differ, or systems were scored on other utterances.
    """
    systems = tuple(read_system(folder, sets, valid) for folder in folders)
    recordings = {name: _read(groundtruth / name / "result.json", 12, RATE_KEYS + SPEECH_KEYS) for name in sets}
    contract = _contract(systems, {str(groundtruth / name): result for name, result in recordings.items()})
    for name in sets:
        _require_same_utts({s.name: s.asr[name][heard] for s in systems for heard in HEARD})
        judged = {f"{s.name}, {audio}": s.judged[name][audio] for s in systems if s.speaks for audio in AUDIO}
        _require_same_utts({"recordings": recordings[name], **judged})
    return Experiment(tuple(sets), valid, systems, recordings, contract, read_markers(done))


def read_system(folder: Path, sets: Sequence[str], valid: str) -> System:
    """Read one system's files.

    Raises:
        InputError: a file is missing or lacks a part.
    """
    link = folder / "tokenizer"
    if not link.is_file():
        raise InputError(f"{link}: no such file, so the tokenizer of {folder.name} is not known; run stage 8 (slm_train) first")
    tokenizer = Path(link.read_text(encoding="utf-8").strip())
    config = _read_config(tokenizer / "config.yaml", 4)
    speaks = can_speak(config)
    judged, codec = {}, {}
    if speaks:
        places = {"tts": lambda name: folder / f"tts_{name}"}
        places |= {audio: lambda name, audio=audio: tokenizer / "eval" / name / audio for audio in ("all", "semantic")}
        judged = {name: {audio: _read_judged(places[audio](name)) for audio in AUDIO} for name in sets}
        codec = {name: _read(tokenizer / "eval" / name / "codec.json", 6, CODEC_KEYS) for name in sets}
    tokens = {name: _read(tokenizer / "eval" / name / "tokens.json", 6, ("streams", "bitrate")) for name in (valid, *sets)}
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
        codec=codec,
        tok_history=_read(tokenizer / "history.json", 4) if speaks else [],
        slm_history=_read(folder / "history.json", 8),
    )


def can_speak(config: dict[str, Any]) -> bool:
    """Has the tokenizer of this configuration a decoder?"""
    return config.get("tokenizer", "lmspt") != "kmeans"


def benchmark(experiment: Experiment) -> dict[str, Any]:
    """``benchmark.json``: the contract and a row a system. Error rates are fractions."""
    return {"contract": experiment.contract, "systems": [_row(experiment, system) for system in experiment.systems]}


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
        "seed": system.config["seed"],
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


def _contract(systems: Iterable[System], recordings: dict[str, Result]) -> dict[str, Any]:
    """The contract that all results of a kind have; those of texts and of speech have their normaliser in common."""
    asr, speech, codec = {}, {place: result["contract"] for place, result in recordings.items()}, {}
    for system in systems:
        for name, results in system.asr.items():
            asr |= {str(system.folder / f"asr_{name}{HEARD[heard]}"): r["contract"] for heard, r in results.items()}
        for name, results in system.judged.items():
            speech |= {f"{system.name}, {name}, {audio}": r["contract"] for audio, r in results.items()}
        codec |= {str(system.tokenizer / "eval" / name): r["contract"] for name, r in system.codec.items()}
    text, judge = require_same(asr), require_same(speech)
    require_same({"what the recogniser wrote": text, "what the judge read": _text_part(judge, text)})
    return {"asr": text, "speech": judge, "codec": require_same(codec) if codec else {"not_run": CANNOT_SPEAK}}


def _text_part(contract: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
    """What a contract of speech says of the things that a contract of texts names."""
    part = {key: contract.get(key) for key in text}
    part["versions"] = {package: (part["versions"] or {}).get(package) for package in text["versions"]}
    return part


def _require_same_utts(results: dict[str, Result]) -> None:
    (first, result), *others = results.items()
    for name, other in others:
        differing = {u["utt"] for u in result["utts"]} ^ {u["utt"] for u in other["utts"]}
        if differing:
            raise InputError(
                f"set {result['set']}: {first} and {name} were scored on other utterances, e.g. '{min(differing)}'; "
                "run stages 9 to 12 for both with the same --max_eval_utts"
            )


def _read_asr(folder: Path) -> Result:
    return {**_read(folder / "result.json", 10, RATE_KEYS), "no_end": _read(folder / "stats.json", 9, ("no_end",))["no_end"]}


def _read_judged(folder: Path) -> Result:
    return _read(folder / "result.json", 12, RATE_KEYS + SPEECH_KEYS)


def _read(path: Path, stage: int, keys: Sequence[str] = ()) -> Any:
    """A JSON file with ``keys``, which ``stage`` wrote."""
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
