"""A small experiment on disk, as stages 1 to 12 leave it: two systems that speak and the k-means topline, real audio files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmspt.bin import report
from lmspt.data.audio import write_wav
from lmspt.data.scp import write_scp
from lmspt.data.tokens import TokenWriter
from lmspt.data.variation import SHIFTS
from lmspt.files import write_json, write_text
from lmspt.score.contract import text_contract
from lmspt.score.normalize import FIGURES, find_normalizer
from lmspt.score.wer import align, summarise

RATE = 16000
SPEAKERS = ("ann", "bob", "eve")
CONFIGS = {
    "resynthesis_12.5hz": {
        "tokenizer": "lmspt",
        "objective": "resynthesis",
        "teacher": "whisper-tiny.en",
        "frame_rate": 12.5,
        "seed": 0,
    },
    "none_25hz": {"tokenizer": "lmspt", "objective": "none", "teacher": "whisper-tiny.en", "frame_rate": 25.0, "seed": 1},
    "kmeans_12.5hz": {"tokenizer": "kmeans", "teacher": "whisper-tiny.en", "frame_rate": 12.5, "seed": 0},
}
DIGITS = find_normalizer("digits")
JUDGE = {"name": "whisper-base", "sha256": "d01c", "compute_type": "int8", "beam_size": 5}
NO_PESQ = {"not_run": "pesq is not installed; its core is under the terms of ITU-T P.862: pip install pesq if you accept them"}
COMMANDS = ["./slm.sh '--tok_list' 'a b'", "./slm.sh '--tok_list' 'a b' '--stage' '4'"]


@dataclass(frozen=True)
class Paths:
    """Of the experiment."""

    root: Path
    sets: tuple[str, ...]
    seeds: tuple[int, ...] = ()
    second_judge: bool = False
    models: bool = True
    judged: bool = True

    @property
    def exp(self) -> Path:
        return self.root / "exp"

    @property
    def systems(self) -> list[Path]:
        return [self.exp / name for tag in CONFIGS for name in (self.names(tag) if self.models else [f"tok_{tag}"])]

    def names(self, tag: str) -> list[str]:
        """Folders of the language models on the tokens of one tokenizer."""
        return [f"slm_{tag}_small_s{seed}" for seed in self.seeds] or [f"slm_{tag}_small"]

    def report(self) -> None:
        """Run stage 13."""
        arguments = {
            "--groundtruth": self.exp / "groundtruth", "--raw": self.root / "dump/raw", "--tokens": self.root / "dump/tokens",
            "--done": self.exp / ".done", "--out": self.root / "results", "--sets": " ".join(self.sets), "--valid": "dev",
        }  # fmt: skip
        if not self.judged:
            del arguments["--groundtruth"]
        words = [str(word) for pair in arguments.items() for word in pair]
        report.main(["--systems", *map(str, self.systems), *words, *["--second_judge"] * self.second_judge])


def make_experiment(
    root: Path, sets: tuple[str, ...] = ("test",), n_utts: int = 6, seeds: tuple[int, ...] = (), second_judge: bool = False
) -> Paths:
    """Write an experiment of ``n_utts`` utterances a set to ``root``, with one language model a tokenizer or one a seed."""
    paths, rng = Paths(root, sets, seeds, second_judge), np.random.default_rng(0)
    for name in ("dev", *sets):
        _raw(root / "dump/raw" / name, n_utts, rng)
    for name in sets:
        texts, speakers = _texts(n_utts)
        write_json(paths.exp / "groundtruth" / name / "result.json", _judged(name, texts, speakers, 0.05, rng))
    for number, (tag, config) in enumerate(CONFIGS.items()):
        _system(paths, tag, config, 0.1 + 0.1 * number, n_utts, rng)
    _markers(paths)
    if second_judge:
        for result in [*paths.exp.glob("groundtruth/*/result.json"), *paths.exp.glob("tok_*/eval/*/*/result.json")]:
            _second(result.parent)
        for result in paths.exp.glob("slm_*/tts_*/result.json"):
            _second(result.parent)
    return paths


def _texts(n_utts: int) -> tuple[dict[str, str], dict[str, str]]:
    """Transcripts and speakers by utterance."""
    rng = np.random.default_rng(n_utts)
    speakers = {f"{SPEAKERS[i % len(SPEAKERS)]}-{i:03d}": SPEAKERS[i % len(SPEAKERS)] for i in range(n_utts)}
    return {utt: " ".join(rng.choice(FIGURES, rng.integers(3, 6))) for utt in speakers}, speakers


def _raw(folder: Path, n_utts: int, rng: np.random.Generator) -> None:
    texts, speakers = _texts(n_utts)
    wavs = {utt: _speech(text, rng) for utt, text in texts.items()}
    _wavs(folder, wavs)
    write_scp(folder / "text", texts)
    write_scp(folder / "utt2spk", speakers)
    write_scp(folder / "utt2num_samples", {utt: len(wav) for utt, wav in wavs.items()})


def _speech(text: str, rng: np.random.Generator, noise: float = 0.001) -> np.ndarray:
    """A chord of three partials for each word, 0.3 s long."""
    seconds = np.arange(int(0.3 * RATE)) / RATE
    words = [
        sum(np.sin(2 * np.pi * (180 + 90 * FIGURES.index(word)) * n * seconds) / n for n in (1, 2, 5)) * np.hanning(len(seconds))
        for word in text.split()
    ]
    wav = 0.3 * np.concatenate(words)
    return (wav + noise * rng.standard_normal(len(wav))).astype(np.float32)


def _wavs(folder: Path, wavs: dict[str, np.ndarray]) -> None:
    for utt, wav in wavs.items():
        write_wav(folder / "wav" / f"{utt}.wav", wav, RATE)
    write_scp(folder / "wav.scp", {utt: folder / "wav" / f"{utt}.wav" for utt in wavs})


def _system(paths: Paths, tag: str, config: dict[str, Any], error: float, n_utts: int, rng: np.random.Generator) -> None:
    tok, tok_id, speaks = paths.exp / f"tok_{tag}", f"{tag}-0123abcd", config["tokenizer"] == "lmspt"
    streams = [{"name": "semantic", "size": 64, "semantic": True}]
    if speaks:
        streams += [{"name": f"acoustic{i}", "size": 32, "semantic": False} for i in (1, 2)]
        write_json(tok / "history.json", _history(["mel", "semantic_use"] + ["distill"] * (config["objective"] != "none"), rng))
    _yaml(tok / "config.yaml", config)
    write_text(tok / "tok_id", tok_id + "\n")
    write_text(tok / "model.safetensors", f"weights of {tag}")
    said = _texts(n_utts)
    for name in ("dev", *paths.sets):
        meta = {"tok_id": tok_id, "frame_rate": config["frame_rate"], "sample_rate": RATE, "streams": streams}
        _tokens(paths.root / "dump/tokens" / tok_id / name, meta, said[0], rng)
        write_json(tok / "eval" / name / "tokens.json", _health(meta, n_utts))
        if name != "dev":
            write_json(tok / "eval" / name / "probes.json", _probes(meta, error, said[1]))
        if speaks and name != "dev":
            codec = {"contract": {"versions": {"pystoi": "0.4.1"}}, "set": name, "n_utts": n_utts, "pesq": NO_PESQ}
            codec |= {"stoi": _mean(0.8), "mel_distance": _mean(0.5)}
            write_json(tok / "eval" / name / "codec.json", codec)
            for audio, wrong in (("all", 0.5), ("semantic", 1.0)):
                _spoken(tok / "eval" / name / audio, name, said, error * wrong, rng)
    for seed, folder in zip(paths.seeds or (3,), paths.names(tag), strict=True):
        _language_model(paths, paths.exp / folder, tok, seed, said, error, speaks, rng)


def _language_model(
    paths: Paths, slm: Path, tok: Path, seed: int, said: tuple[dict, dict], error: float, speaks: bool, rng: np.random.Generator
) -> None:
    tok_id = (tok / "tok_id").read_text().strip()
    _yaml(slm / "config.yaml", {"dim": 8, "seed": seed, "steps_per_epoch": 150})
    write_text(slm / "tokenizer", f"{tok}\n")
    write_json(slm / "vocab.json", {"tok_id": tok_id})
    write_json(slm / "backbone.json", {"model_type": "llama"})
    write_text(slm / "text.model", "pieces")
    write_text(slm / "model.safetensors", f"language model on {tok_id}")
    history = _history(["loss_asr", "acc_asr", "loss_tts", "acc_tts"], rng)
    for row in history:
        row["valid"] |= {"heard_seconds": 450.0, "spoken_seconds": 450.0, "positions": 9000.0}
    write_json(slm / "history.json", history)
    for name in paths.sets:
        for ending, wrong in (("", error), ("_other", 0.9), ("_shuffled", 0.7)):
            folder, stats = slm / f"asr_{name}{ending}", {"tok_id": tok_id, "n_utts": len(said[0]), "no_end": 1}
            write_json(folder / "result.json", _scored(name, *said, wrong, rng))
            write_json(folder / "stats.json", {**stats, "control": ending[1:] or None})
        if speaks:
            _spoken(slm / f"tts_{name}", name, said, error * 1.5, rng, {"not_ended": 2, "repeated": 1, "empty": 1})


def _spoken(
    folder: Path, name: str, said: tuple[dict, dict], wrong: float, rng: np.random.Generator, failures: dict[str, int] | None = None
) -> None:
    wavs = {utt: _speech(text, rng, 0.01 + 0.05 * wrong) for utt, text in said[0].items()}
    result = _judged(name, *said, wrong, rng)
    if failures:
        wavs[min(wavs)] = np.zeros(0, np.float32)  # a system that says nothing
        result["failures"] = failures
    _wavs(folder, wavs)
    write_json(folder / "result.json", result)


def _scored(name: str, texts: dict[str, str], speakers: dict[str, str], wrong: float, rng: np.random.Generator) -> dict[str, Any]:
    hyps = {utt: " ".join(w for w in text.split() if rng.random() > wrong) for utt, text in texts.items()}
    return {"contract": text_contract(DIGITS), "set": name, **summarise(align(texts, hyps, speakers, DIGITS))}


def _judged(name: str, texts: dict[str, str], speakers: dict[str, str], wrong: float, rng: np.random.Generator) -> dict[str, Any]:
    result = _scored(name, texts, speakers, wrong, rng)
    versions = {**result["contract"]["versions"], "ctranslate2": "4.6.0"}
    result["contract"] = {**result["contract"], "versions": versions, "judge": JUDGE, "speaker_model": {"sha256": "3937"}}
    result["speaker_similarity"] = _mean(0.9 - wrong / 2)
    result["dnsmos"] = {score: _mean(3.1 - wrong) for score in ("ovrl", "sig", "bak", "p808")}
    result["distillmos"] = _mean(3.2)
    result["judge_loops"] = 0
    result["duration"] = {"ratio_to_reference": {**_mean(1.0), "nan": 1}}
    return result


def _second(folder: Path) -> None:
    """A second judge that finds one error more in the first utterance."""
    result = json.loads((folder / "result.json").read_text())
    result["utts"][0]["errors"] += 1
    n_words = result["n_words"]
    contract = {**text_contract(DIGITS), "judge": {"name": "ctc", "sha256": "c7c0"}}
    write_json(folder / "second/result.json", {**result, "wer": result["wer"] + 1 / n_words, "contract": contract})


def _mean(value: float) -> dict[str, Any]:
    return {"mean": value, "ci95": [value - 0.1, value + 0.1], "n": 6, "nan": 0}


def _health(meta: dict[str, Any], n_utts: int) -> dict[str, Any]:
    health = {"use": 0.5, "perplexity": 20.0, "dead": 32, "entropy": 4.3, "entropy_bps": 4.3 * meta["frame_rate"]}
    streams = {s["name"]: {"size": s["size"], "semantic": s["semantic"], **health} for s in meta["streams"]}
    bitrate = meta["frame_rate"] * sum(float(np.log2(s["size"])) for s in meta["streams"])
    report = {"tok_id": meta["tok_id"], "frame_rate": meta["frame_rate"], "bitrate": bitrate, "streams": streams}
    stability = {"tokens": [10] * n_utts, "edits": {shift: [4 + i % 2 for i in range(n_utts)] for shift in SHIFTS}}
    return {**report, "stability": stability, "n_utts": n_utts}


def _probes(meta: dict[str, Any], error: float, speakers: dict[str, str]) -> dict[str, Any]:
    words = {"pnmi": 0.8 - error, "purity": 0.7, "pnmi_shuffled": 0.1, "purity_shuffled": 0.2}
    for kind, names in (("utts", list(speakers)), ("speakers", sorted(set(speakers.values())))):
        words[f"without_{kind}"] = {name: {"pnmi": 0.7 - error + 0.01 * (-1) ** i, "purity": 0.5} for i, name in enumerate(names)}
    entropies = {"perplexity": 20.0, "entropy_bps": 4.3 * meta["frame_rate"], "conditional_entropy_bps": 40.0}
    stream = {**entropies, "words": words, "sequences": {"snmi": 0.5, "snmi_shuffled": 0.2}}
    return {
        "tok_id": meta["tok_id"],
        "set": "test",
        "frame_rate": meta["frame_rate"],
        "n_utts": 6,
        "streams": {s["name"]: {"semantic": s["semantic"], **stream} for s in meta["streams"]},
        "guessing": {"order": 3, "bps": 50.0, "ci95": [48.0, 52.0], "perplexity": 16.0},
        "word_distances": {"same_speaker": 0.4, "other_speaker": 0.6, "other_word": 0.9},
        "speaker": {"not_run": "one speaker"},
        "place": {"bits": 0.5, "bits_shuffled": 0.1},
        "lengths": {"per_word": 5.0, "per_character": 1.0, "runs_per_second": 10.0},
    }


def _tokens(folder: Path, meta: dict[str, Any], texts: dict[str, str], rng: np.random.Generator) -> None:
    with TokenWriter(folder, meta) as writer:
        for utt, text in texts.items():
            n_frames = int(np.ceil(0.3 * len(text.split()) * meta["frame_rate"]))
            writer.add(utt, np.stack([rng.integers(0, s["size"] // 2, n_frames) for s in meta["streams"]]))


def _history(stats: list[str], rng: np.random.Generator) -> list[dict[str, Any]]:
    def of(epoch: int) -> dict[str, float]:
        return {stat: float(1 / (1 + epoch) + 0.05 * rng.random()) for stat in stats}

    # the use of codes is measured on the validation set only
    return [{"epoch": e, "train": {k: v for k, v in of(e).items() if k != "semantic_use"}, "valid": of(e)} for e in range(1, 9)]


def _markers(paths: Paths) -> None:
    units = [(1, "data", "", []), (2, "format", paths.sets[0], []), (12, "tts_score", f"groundtruth.{paths.sets[0]}", [])]
    units += [(3, "feats", "whisper-tiny.en_4.train", []), (13, "report", "", [])]
    for tag in CONFIGS:
        inputs = ["dump/feats/whisper-tiny.en_4/train/feats.scp"] if "kmeans" in tag else []
        units.append((4, "tok_train", tag, inputs))
        units += [(5, "tok_dump", f"{tag}.{name}", [f"exp/tok_{tag}/tok_id"]) for name in ("dev", *paths.sets)]
        units += [(8, "slm_train", name.removeprefix("slm_"), []) for name in paths.names(tag)]
    for i, (number, name, tag, inputs) in enumerate(units):
        marker = {
            "stage": number,
            "name": name,
            "tag": tag,
            "seconds": 10.0 * number,
            "sessions": 2 if name == "slm_train" else 1,
            "finished": f"2026-11-24T10:{i:02d}:00+0000",
            "command": COMMANDS[number >= 4],
            "options": {},
            "inputs": dict.fromkeys(inputs),
        }
        write_json(paths.exp / ".done" / f"{number}_{name}.{tag}.json", marker)


def _yaml(path: Path, values: dict[str, Any]) -> None:
    write_text(path, "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items()))
