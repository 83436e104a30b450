"""What the report lets one hear: a few utterances of each set, recorded, resynthesised, spoken; and what was read in them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile

from lmspt.data.subset import choose_utts
from lmspt.report.results import Experiment
from lmspt.report.system import Result, audio_of
from lmspt.score.speech import RATE, Speech

UTTERANCES = 6  # of each set
SECONDS = 8.0  # of an utterance; what is longer is cut
BYTES = 6_000_000  # of all players together


@dataclass(frozen=True)
class Clip:
    """Audio as a data URI, and what the judge read in all of it.

    Attributes:
        seconds: of the utterance; more than ``SECONDS`` if the clip was cut.
        uri: empty if nothing was said.
    """

    seconds: float
    uri: str
    read: str
    errors: int
    n_words: int


@dataclass(frozen=True)
class Card:
    """One utterance: its reference, the recording, and what each system that speaks made of it.

    Attributes:
        heard: what each system's language model recognised, by name; ``None`` where there is none.
        spoken: clips by system and ``AUDIO``.
    """

    utt: str
    reference: str
    recording: Clip
    heard: dict[str, str | None]
    spoken: dict[str, dict[str, Clip]]

    @property
    def size(self) -> int:
        """Bytes of its players."""
        clips = [self.recording, *(clip for clips in self.spoken.values() for clip in clips.values())]
        return sum(len(clip.uri) for clip in clips)


def cards_of(experiment: Experiment, raw: Path) -> dict[str, list[Card]]:
    """Cards by set: ``UTTERANCES`` of each that the judge has read, fewer if they would take more than ``BYTES``; none without one.

    Args:
        experiment: what was found.
        raw: folder of the formatted sets.

    Raises:
        InputError: audio is missing or cannot be read.
    """
    sets = {name: _cards(experiment, name, raw / name) for name in experiment.groundtruth}
    cards: dict[str, list[Card]] = {name: [] for name in experiment.sets}
    left = BYTES
    for _ in range(UTTERANCES):
        for name, coming in sets.items():
            card = next(coming, None)
            if card is not None and (card.size <= left or not cards[name]):
                cards[name].append(card)
                left -= card.size
    return cards


def _cards(experiment: Experiment, name: str, data: Path) -> Iterator[Card]:
    recordings = _by_utt(experiment.groundtruth[name])
    original = Speech(data)
    systems = [group.first for group in experiment.groups]  # one seed of each
    read = {(s.name, audio): _by_utt(result) for s in systems for audio, result in s.judged.get(name, {}).items()}
    places = {s.name: (s.folder, s.tokenizer) for s in systems}
    speech = {(system, audio): Speech(audio_of(*places[system], name, audio)) for system, audio in read}
    heard = {s.name: _by_utt(s.asr[name]["own"]) if s.has_model else {} for s in systems}
    for utt in choose_utts(recordings, UTTERANCES):
        spoken: dict[str, dict[str, Clip]] = {}
        for (system, audio), wavs in speech.items():
            spoken.setdefault(system, {})[audio] = _clip(wavs[utt], read[system, audio][utt])
        yield Card(
            utt=utt,
            reference=recordings[utt]["ref"],
            recording=_clip(original[utt], recordings[utt]),
            heard={system: rows[utt]["hyp"] if rows else None for system, rows in heard.items()},
            spoken=spoken,
        )


def _by_utt(result: Result) -> dict[str, Result]:
    return {row["utt"]: row for row in result["utts"]}


def _clip(wav: np.ndarray, read: Result) -> Clip:
    return Clip(len(wav) / RATE, _uri(wav[: int(SECONDS * RATE)]), read["hyp"], read["errors"], read["n_words"])


def _uri(wav: np.ndarray) -> str:
    """FLAC in base64; nothing for no samples."""
    if not len(wav):
        return ""
    out = BytesIO()
    soundfile.write(out, np.clip(wav, -1.0, 1.0), RATE, subtype="PCM_16", format="FLAC")
    return f"data:audio/flac;base64,{base64.b64encode(out.getvalue()).decode()}"
