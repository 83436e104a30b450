"""Embeddings are those of resemblyzer's ``embed_utterance`` (0.1.4, recorded); references are others' recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmspt.data.datadir import DataDir
from lmspt.score.speaker import N_REFERENCES, SpeakerEncoder, references_of, similarities
from tests.data.folders import write_tables
from tests.score.sounds import voice

VOICES = {"low": voice(3.0, 110.0), "high": voice(2.0, 210.0, (700.0, 1200.0, 2800.0)), "short": voice(0.5, 110.0)}


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder()


def test_embeddings_of_resemblyzer(encoder: SpeakerEncoder) -> None:
    low, high, short = (encoder.embed(wav) for wav in VOICES.values())
    assert np.linalg.norm([low, high, short], axis=1) == pytest.approx(1.0)
    assert (low @ high, low @ short, high @ short) == pytest.approx((0.7490, 0.8130, 0.7277), abs=1e-3)
    assert low[[248, 127]] == pytest.approx([0.2266, 0.2295], abs=1e-3)
    assert high[[16, 124]] == pytest.approx([0.2178, 0.2514], abs=1e-3)


def test_quiet_speech_is_raised(encoder: SpeakerEncoder) -> None:
    assert encoder.embed(0.01 * VOICES["low"]) == pytest.approx(encoder.embed(0.02 * VOICES["low"]), abs=1e-4)


@pytest.mark.parametrize("n_samples", [0, 16000])
def test_no_sound_has_no_voice(encoder: SpeakerEncoder, n_samples: int) -> None:
    assert np.isnan(encoder.embed(np.zeros(n_samples, np.float32))).all()


def data_dir(folder: Path, speakers: dict[str, str], joins: dict[str, str] | None = None) -> DataDir:
    recordings = {word for line in (joins or {}).values() for word in line.split()[::2]} | (speakers.keys() - (joins or {}).keys())
    tables = {"wav.scp": {name: f"{name}.flac" for name in sorted(recordings)}, "text": speakers, "utt2spk": speakers}
    return DataDir(write_tables(folder, tables | ({"joins": joins} if joins else {})))


def test_references_are_others_of_the_speaker(tmp_path: Path) -> None:
    data = data_dir(tmp_path, {f"{speaker}-{i:02}": speaker for speaker in ("a", "b") for i in range(15)})
    references = references_of(data, "a-03")
    assert len(references) == N_REFERENCES and "a-03" not in references
    assert {data.utt2spk[utt] for utt in references} == {"a"}
    assert references_of(data, "a-03") == references


def test_references_share_no_recording(tmp_path: Path) -> None:
    joins = {"a-1": "one 0.1 two", "a-2": "two 0.1 three", "a-3": "three 0.1 four", "a-4": "four"}
    data = data_dir(tmp_path, dict.fromkeys(joins, "a"), joins)
    assert references_of(data, "a-1") == ["a-3", "a-4"]
    assert references_of(data, "a-3") == ["a-1"]


def test_similarities(encoder: SpeakerEncoder, tmp_path: Path) -> None:
    speakers = {"a-1": "a", "a-2": "a", "b-1": "b", "b-2": "b", "c-1": "c"}
    real = {utt: VOICES["high" if speaker == "b" else "low"] for utt, speaker in speakers.items()}
    spoken = {**real, "b-1": VOICES["low"], "b-2": np.zeros(100, np.float32)}  # another's voice; no voice
    values = similarities(encoder, data_dir(tmp_path, speakers), list(speakers), spoken, real)
    assert values[:3] == pytest.approx([1.0, 1.0, 0.7490], abs=1e-3)
    assert np.isnan(values[3:]).all()  # and nothing to compare the one utterance of c with
