"""All that is said about the audio of a set: a judge reads it, and models rate voice and quality."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lmspt.data.datadir import DataDir
from lmspt.errors import InputError
from lmspt.score.contract import text_contract, versions
from lmspt.score.distillmos import DistillMos
from lmspt.score.measure import Column, add_columns, columns_of, mean_of
from lmspt.score.mos import SCORES, Dnsmos
from lmspt.score.normalize import Normalizer
from lmspt.score.reading import AnyJudge
from lmspt.score.speaker import SpeakerEncoder, similarities
from lmspt.score.speech import Speech
from lmspt.score.wer import Utterance, align, summarise

FAILURES = {  # what a line of stats.jsonl tells
    "not_ended": lambda line: not line["ended"],
    "repeated": lambda line: line["repeated"],
    "empty": lambda line: line["frames"] == 0,
}


def score_speech(
    data: DataDir, spoken: Speech, utts: list[str], judge: AnyJudge, normalizer: Normalizer, num_threads: int
) -> tuple[list[Utterance], dict[str, Any]]:
    """Score the audio of ``utts``.

    Args:
        data: the set: texts, speakers and recordings.
        spoken: what is scored.
        utts: which utterances, sorted.
        judge: the recogniser.
        normalizer: of texts.
        num_threads: CPU threads of DNSMOS.

    Returns:
        The aligned utterances, and ``result.json``.

    Raises:
        InputError: an utterance has no wav, or its reference no words.
    """
    utterances, result = score_words(data, spoken, utts, judge, normalizer)
    columns = audio_columns(data, spoken, utts, num_threads)
    result |= {
        "contract": speech_contract(judge, normalizer),
        "speaker_similarity": mean_of(columns["speaker_similarity"]),
        "dnsmos": {name: mean_of(columns[name]) for name in SCORES},
        "distillmos": mean_of(columns["distillmos"]),
        "duration": {"ratio_to_reference": mean_of(columns["duration_ratio"])},
    }
    add_columns(result["utts"], columns)
    if (spoken.folder / "stats.jsonl").is_file():
        result["failures"] = failures(spoken.folder / "stats.jsonl", utts)
    return utterances, result


def score_words(
    data: DataDir, spoken: Speech, utts: list[str], judge: AnyJudge, normalizer: Normalizer
) -> tuple[list[Utterance], dict[str, Any]]:
    """What a judge reads in ``utts``, and nothing else: arguments, results and errors as in :func:`score_speech`."""
    spoken.require(utts)
    readings = judge.read(spoken, utts)
    hyps = {utt: reading.text for utt, reading in readings.items()}
    utterances = align({utt: data.text[utt] for utt in utts}, hyps, data.utt2spk, normalizer)
    return utterances, {
        "contract": {**text_contract(normalizer), "judge": judge.contract()},
        "set": data.folder.name,
        **summarise(utterances),
        "judge_loops": sum(reading.looped for reading in readings.values()),
    }


def speech_contract(judge: AnyJudge, normalizer: Normalizer) -> dict[str, Any]:
    """What the scores of speech depend on besides the system."""
    contract = text_contract(normalizer)
    contract["versions"] |= versions(["ctranslate2", "onnxruntime", "soxr"])
    return {**contract, "judge": judge.contract(), "speaker_model": SpeakerEncoder.contract(), "dnsmos": Dnsmos.contract()}


def audio_columns(data: DataDir, spoken: Speech, utts: list[str], num_threads: int) -> dict[str, Column]:
    """Duration, speaker similarity and opinion scores, by utterance."""
    real = Speech(data.folder)

    def durations() -> list[tuple[float, ...]]:
        return [(len(spoken[utt]) / len(real[utt]),) for utt in utts]

    def voices() -> list[tuple[float, ...]]:
        return [(value,) for value in similarities(SpeakerEncoder(), data, utts, spoken, real)]

    def opinions() -> list[tuple[float, ...]]:
        dnsmos = Dnsmos(num_threads)
        return [dnsmos(spoken[utt]) for utt in tqdm(utts, "DNSMOS", disable=None, mininterval=2)]

    def distilled() -> list[tuple[float, ...]]:
        distillmos = DistillMos()
        return [(distillmos(spoken[utt]),) for utt in tqdm(utts, "DistillMOS", disable=None, mininterval=2)]

    return {
        **columns_of(("duration_ratio",), durations),
        **columns_of(("speaker_similarity",), voices),
        **columns_of(SCORES, opinions),
        **columns_of(("distillmos",), distilled),
    }


def failures(path: Path, utts: list[str]) -> dict[str, int]:
    """How many of ``utts`` did not end, repeated themselves, or are empty, by the statistics of their synthesis.

    Raises:
        InputError: a line that cannot be understood, or an utterance without one.
    """
    lines: dict[str, dict[str, bool]] = {}
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
            lines[line["utt"]] = {name: bool(failed(line)) for name, failed in FAILURES.items()}
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}:{number}: '{text[:60]}' is no line of statistics; run stage 11 (tts_decode) again") from None
    for utt in utts:
        if utt not in lines:
            raise InputError(f"{path}: no line for '{utt}'; run stage 11 (tts_decode) again")
    return {name: sum(lines[utt][name] for utt in utts) for name in FAILURES}
