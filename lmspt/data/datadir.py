"""A Kaldi data directory, and two files of our own beside Kaldi's: ``joins`` and ``channel``.

    wav.scp    <recording> <path>, or "command |" before stage 2
    text       <utterance> <transcript>
    utt2spk    <utterance> <speaker>
    segments   <utterance> <recording> <begin> <end>           seconds; as in Kaldi
    joins      <utterance> <recording> [<pause> <recording>]...  seconds of silence between recordings that are spoken on end
    ctm        <utterance> <channel> <begin> <duration> <phone>  seconds; as in Kaldi; stage 6 alone reads it
    channel    one number: which channel of all recordings is heard, from 1 on; 0 is their mean; no file: there is one only

An utterance is an entry of ``segments`` or ``joins``, or else the recording of its own name. Joined utterances are put
together when they are heard: a corpus of single words speaks any number of sentences without a file for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lmspt.data.scp import Found, Problem, in_byte_order, is_key, read_scp, stop
from lmspt.errors import InputError

TABLES = ("wav.scp", "text", "utt2spk", "segments", "joins", "utt2num_samples")
REQUIRED = ("wav.scp", "text", "utt2spk")

Value = TypeVar("Value")


@dataclass(frozen=True)
class Segment:
    """Part of a recording: from ``begin`` to ``end`` (seconds)."""

    recording: str
    begin: float
    end: float

    def is_past(self, num_samples: int, rate: int) -> bool:
        """Does it end after a recording of so many samples at ``rate`` Hz? (Segment times are rounded to 10 ms.)"""
        return round(self.end * rate) > num_samples + rate // 100


@dataclass(frozen=True)
class Join:
    """Recordings on end, with ``pauses[i]`` seconds of silence before ``recordings[i]`` (the first is 0)."""

    recordings: tuple[str, ...]
    pauses: tuple[float, ...]

    def line(self) -> str:
        """As it stands in ``joins``, behind the utterance."""
        later = (f"{pause} {name}" for pause, name in zip(self.pauses[1:], self.recordings[1:], strict=True))
        return " ".join([self.recordings[0], *later])


def parse_segment(line: str) -> Segment:
    """A segment from its line in ``segments``, without the utterance."""
    try:
        recording, begin, end = line.split()
        segment = Segment(recording, float(begin), float(end))
    except ValueError:
        raise InputError(f"has '{line}'; write '<utterance> <recording> <begin> <end>'") from None
    if not 0 <= segment.begin < segment.end < math.inf:
        raise InputError(f"goes from {begin} to {end} s; the end must come after the begin")
    return segment


def parse_join(line: str) -> Join:
    """A join from its line in ``joins``, without the utterance; the inverse of :meth:`Join.line`."""
    words = line.split()
    try:
        pauses = (0.0, *map(float, words[1::2]))
    except ValueError:
        pauses = ()
    if len(words) % 2 == 0 or not pauses or not all(0 <= pause < 60 for pause in pauses):
        raise InputError(f"has '{line}'; write '<utterance> <recording> [<pause in s> <recording>]...', pauses under 60 s")
    return Join(tuple(words[::2]), pauses)


def has_words(text: str) -> bool:
    """Is there a letter or a digit in it, of any script?"""
    return any(character.isalnum() for character in text)


def spk2utt_of(utt2spk: dict[str, str]) -> dict[str, str]:
    """``spk2utt``: each speaker's utterances in byte order, a space between."""
    speakers: dict[str, list[str]] = {}
    for utt in in_byte_order(utt2spk):
        speakers.setdefault(utt2spk[utt], []).append(utt)
    return {speaker: " ".join(utts) for speaker, utts in speakers.items()}


class DataDir:
    """A data directory whose files agree.

    Args:
        folder: e.g. ``data/train`` or ``dump/raw/train``.
        optional: tables of ``REQUIRED`` that may be missing after all.
        found: called with each problem; if it returns, reading goes on and the tables hold what could be read.

    Attributes:
        utts: utterance ids in byte order.
        wav_scp, text, utt2spk: the tables.
        segments, joins: empty where there is no such file.
        channel: ``None`` where there is no such file.
        num_samples: samples of each utterance; only after stage 2.

    Raises:
        InputError: a table cannot be read, or the tables do not agree; the message names file and utterance.
    """

    def __init__(self, folder: str | Path, optional: Collection[str] = (), found: Found = stop) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such data directory; run the stage that writes it")
        self._unclear: set[str] = set()  # utterances whose segment or join cannot be read

        def table(name: str, parse: Callable[[str], Value] = str) -> dict[str, Value]:
            return self._table(name, name in REQUIRED and name not in optional, parse, found)

        self.wav_scp = table("wav.scp")
        self.text = table("text")
        self.utt2spk = table("utt2spk", _speaker)
        self.segments = table("segments", parse_segment)
        self.joins = table("joins", parse_join)
        self.num_samples = table("utt2num_samples", _count)
        self.channel = self._channel(found)
        self.utts = in_byte_order(self.utt2spk)
        self._same_utterances(found)
        self._have_recordings(found)

    def recordings_of(self, utt: str) -> tuple[str, ...]:
        """Recordings that an utterance is made of."""
        if utt in self.joins:
            return self.joins[utt].recordings
        return (self.segments[utt].recording,) if utt in self.segments else (utt,)

    def _table(self, name: str, required: bool, parse: Callable[[str], Value], found: Found) -> dict[str, Value]:
        path = self.folder / name
        if not required and not path.exists():
            return {}
        if path.is_file() and path.stat().st_size == 0 and name in REQUIRED:
            found(Problem(f"{path}: is empty; write it again"))
        table = {}
        for key, value in read_scp(path, found=found).items():
            try:
                table[key] = parse(value)
            except InputError as error:
                self._unclear.add(key)
                if value:  # else read_scp has found it
                    found(Problem(f"{path}: '{key}' {error}", key))
        return table

    def _channel(self, found: Found) -> int | None:
        path = self.folder / "channel"
        if not path.exists():
            return None
        number = path.read_bytes().decode(errors="replace").strip()
        if not number.isdecimal():
            found(Problem(f"{path}: has '{number[:20]}'; write the number of a channel, from 1 on, or 0 for their mean"))
            return None
        return int(number)

    def _same_utterances(self, found: Found) -> None:
        mend = f"run utils/fix_data_dir.sh {self.folder}"
        tables = {"text": self.text, "utt2num_samples": self.num_samples, "segments": self.segments, "joins": self.joins}
        for name, table in tables.items():
            if not table or not self.utt2spk:  # there is no such table, or it has been found wanting as a whole
                continue
            for utt in in_byte_order(table.keys() - self.utt2spk.keys()):
                found(Problem(f"{self.folder}/utt2spk: no '{utt}', which {name} has; add it, or {mend}", utt))
            if name in ("text", "utt2num_samples"):
                for utt in in_byte_order(self.utt2spk.keys() - table.keys()):
                    found(Problem(f"{self.folder}/{name}: no '{utt}', which utt2spk has; add it, or {mend}", utt))
        for utt in in_byte_order(self.segments.keys() & self.joins.keys()):
            found(Problem(f"{self.folder}/joins: '{utt}' is in segments, too; remove it from one of them", utt))

    def _have_recordings(self, found: Found) -> None:
        missing: dict[str, str] = {}
        whole = {}
        for utt in self.utts:
            if utt in self._unclear or not self.wav_scp:
                continue
            for recording in self.recordings_of(utt):
                if recording not in self.wav_scp:
                    missing.setdefault(recording, utt)
                elif utt not in self.segments:
                    whole[recording] = utt
        for recording, utt in missing.items():
            what = f"{self.folder}/wav.scp: no '{recording}', which utterance '{utt}' needs; add it"
            found(Problem(f"{what}, or run utils/fix_data_dir.sh {self.folder}", recording, of_recording=True))
        for utt in in_byte_order(self.segments.keys() & whole.keys()):
            what = f"{self.folder}/segments: '{utt}' is the name of a recording that '{whole[utt]}' uses whole"
            found(Problem(f"{what}; give the segment another", utt))


def _speaker(value: str) -> str:
    if value and not is_key(value):
        raise InputError(f"has '{value}'; write one speaker, without spaces or '/'")
    return value


def _count(value: str) -> int:
    if not value.isdecimal():
        raise InputError(f"has '{value}', not a number of samples")
    return int(value)
