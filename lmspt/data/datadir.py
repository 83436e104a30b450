"""A Kaldi data directory, and one file of our own beside Kaldi's: ``joins``.

    wav.scp    <recording> <path>, or "command |" before stage 2
    text       <utterance> <transcript>
    utt2spk    <utterance> <speaker>
    segments   <utterance> <recording> <begin> <end>           seconds; as in Kaldi
    joins      <utterance> <recording> [<pause> <recording>]...  seconds of silence between recordings that are spoken on end

An utterance is an entry of ``segments`` or ``joins``, or else the recording of its own name. Joined utterances are put
together when they are heard: a corpus of single words speaks any number of sentences without a file for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lmspt.data.scp import in_byte_order, read_scp
from lmspt.errors import InputError


@dataclass(frozen=True)
class Segment:
    """Part of a recording: from ``begin`` to ``end`` (seconds)."""

    recording: str
    begin: float
    end: float


@dataclass(frozen=True)
class Join:
    """Recordings on end, with ``pauses[i]`` seconds of silence before ``recordings[i]`` (the first is 0)."""

    recordings: tuple[str, ...]
    pauses: tuple[float, ...]

    def line(self) -> str:
        """As it stands in ``joins``, behind the utterance."""
        later = (f"{pause:g} {name}" for pause, name in zip(self.pauses[1:], self.recordings[1:], strict=True))
        return " ".join([self.recordings[0], *later])


class DataDir:
    """A data directory whose files agree.

    Args:
        folder: e.g. ``data/train`` or ``dump/raw/train``.

    Attributes:
        utts: utterance ids in byte order.
        wav_scp, text, utt2spk: the tables.
        segments, joins: empty where there is no such file.
        num_samples: samples of each utterance; only after stage 2.

    Raises:
        InputError: a table cannot be read, or the tables do not agree; the message names file and utterance.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such data directory")
        self.wav_scp = read_scp(self.folder / "wav.scp")
        self.text = read_scp(self.folder / "text")
        self.utt2spk = read_scp(self.folder / "utt2spk")
        self.segments = {utt: self._segment(utt, line) for utt, line in self._optional("segments").items()}
        self.joins = {utt: self._join(utt, line) for utt, line in self._optional("joins").items()}
        self.num_samples = {utt: self._count(utt, n) for utt, n in self._optional("utt2num_samples").items()}
        self.utts = in_byte_order(self.utt2spk)
        self._agree()

    def recordings_of(self, utt: str) -> tuple[str, ...]:
        """Recordings that an utterance is made of."""
        if utt in self.joins:
            return self.joins[utt].recordings
        return (self.segments[utt].recording,) if utt in self.segments else (utt,)

    def _optional(self, name: str) -> dict[str, str]:
        return read_scp(self.folder / name) if (self.folder / name).exists() else {}

    def _segment(self, utt: str, line: str) -> Segment:
        try:
            recording, begin, end = line.split()
            segment = Segment(recording, float(begin), float(end))
        except ValueError:
            raise InputError(f"{self.folder}/segments: '{utt} {line}'; write '<utterance> <recording> <begin> <end>'") from None
        if not 0 <= segment.begin < segment.end:
            raise InputError(f"{self.folder}/segments: '{utt}' goes from {begin} to {end} s; the end must come after the begin")
        return segment

    def _join(self, utt: str, line: str) -> Join:
        words = line.split()
        try:
            pauses = (0.0, *map(float, words[1::2]))
        except ValueError:
            pauses = ()
        if len(words) % 2 == 0 or not all(0 <= pause < 60 for pause in pauses) or not pauses:
            raise InputError(f"{self.folder}/joins: '{utt} {line}'; write '<utterance> <recording> [<pause in s> <recording>]...'")
        return Join(tuple(words[::2]), pauses)

    def _count(self, utt: str, n: str) -> int:
        if not n.isdecimal():
            raise InputError(f"{self.folder}/utt2num_samples: '{utt}' has '{n}', not a number of samples")
        return int(n)

    def _agree(self) -> None:
        for name, table in (("text", self.text), ("utt2num_samples", self.num_samples)):
            if name == "utt2num_samples" and not table:
                continue
            for utt in in_byte_order(self.utt2spk.keys() ^ table.keys())[:1]:
                has, lacks = ("utt2spk", name) if utt in self.utt2spk else (name, "utt2spk")
                raise InputError(
                    f"{self.folder}/{lacks}: no '{utt}', which {has} has; add it, or run utils/fix_data_dir.sh {self.folder}"
                )
        for utt in self.utts:
            for recording in self.recordings_of(utt):
                if recording not in self.wav_scp:
                    raise InputError(
                        f"{self.folder}/wav.scp: no '{recording}', which utterance '{utt}' needs; add it, "
                        f"or run utils/fix_data_dir.sh {self.folder}"
                    )
        for name, table in (("segments", self.segments), ("joins", self.joins)):
            for utt in in_byte_order(table.keys() - self.utt2spk.keys())[:1]:
                raise InputError(f"{self.folder}/utt2spk: no '{utt}', which {name} has; run utils/fix_data_dir.sh {self.folder}")
