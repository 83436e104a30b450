"""What is in a data directory, and what is odd in it: counts, lengths, and warnings about what does no harm by itself."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from lmspt.data.content import Contents
from lmspt.data.datadir import DataDir
from lmspt.data.scp import Problem
from lmspt.data.signal import Signal

EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 60.0)  # seconds, of the bars
BAR = 40  # characters of the longest
# Text and audio do not belong together where the median speaker would need three times as long as there is, or a third of it;
# a pause of SLACK seconds is nothing, and so few utterances have no median.
FACTOR, SLACK, FEW = 3.0, 2.0, 20
CLIPPED, QUIET = 1e-3, 1e-2  # share of samples at full scale; peak


@dataclass(frozen=True)
class Report:
    """What :func:`lmspt.data.validate.inspect` found.

    Attributes:
        data: the directory; where there are problems, as far as it could be read.
        problems: none if it is sound.
        seconds: length by recording; without pipes and what cannot be opened.
        rates: recordings by rate (Hz).
        signals: by recording, where the audio was read.
        shared: warnings about what is in another set, too.
    """

    data: DataDir
    problems: list[Problem]
    seconds: dict[str, float]
    rates: Counter[int]
    signals: Mapping[str, Signal] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """One line: utterances, speakers, hours, rates."""
        known, n = self.lengths(), len(self.data.utts)
        parts = [
            many(n, "utterance"),
            many(len(set(self.data.utt2spk.values())), "speaker"),
            f"{sum(known.values()) / 3600:.2f} hours",
        ]
        if len(known) < n:
            parts[-1] += f" and {many(n - len(known), 'utterance')} of unknown length (audio not read)"
        several = len(self.rates) > 1
        parts += [
            f"{rate} Hz" + (f" ({many(count, 'recording')})" if several else "") for rate, count in sorted(self.rates.items())
        ]
        return f"{self.data.folder}: {', '.join(parts)}"

    def durations(self) -> list[str]:
        """How long utterances are: a line of numbers, and a line with a bar for each range of seconds that occurs."""
        lengths = sorted(self.lengths().values())
        if not lengths:
            return []
        numbers = f"  seconds: {lengths[0]:.2f} at least, {median(lengths):.2f} in the middle, {lengths[-1]:.2f} at most"
        if rate := self._characters_a_second():
            numbers += f"; {rate:.1f} characters of text a second"
        counts = Counter(sum(edge <= length for edge in EDGES) - 1 for length in lengths)
        uppers = [f"{edge:g}" for edge in EDGES[1:]] + [""]
        bars = []
        for i in range(min(counts), max(counts) + 1):
            bar = "#" * -(-BAR * counts[i] // max(counts.values()))
            bars.append(f"  {EDGES[i]:>5g} - {uppers[i]:<4} {counts[i]:>8} {bar}".rstrip())
        return [numbers, *bars]

    def warnings(self, spk_sort: bool = True) -> list[str]:
        """What is odd but does no harm; ``spk_sort``: also utterances that do not begin with their speaker."""
        data, warnings = self.data, []
        unlike = [utt for utt in data.utts if not utt.startswith(data.utt2spk[utt])]
        if unlike and spk_sort and len(set(data.utt2spk.values())) > 1:
            warnings.append(
                f"{data.folder}/utt2spk: {len(unlike)} utterances, the first '{unlike[0]}', do not begin with their speaker's "
                "name; nothing here needs it, programs of Kaldi do"
            )
        unused = data.wav_scp.keys() - {name for utt in data.utts for name in data.recordings_of(utt)}
        if unused:
            warnings.append(f"{data.folder}/wav.scp: {many(len(unused), 'recording')} in no utterance, the first '{min(unused)}'")
        decomposed = [utt for utt, text in data.text.items() if not unicodedata.is_normalized("NFC", text)]
        if decomposed:
            what = f"{many(len(decomposed), 'transcript')} with letters in several pieces (not NFC), the first '{decomposed[0]}'"
            warnings.append(f"{data.folder}/text: {what}; equal words may count as different ones")
        return warnings + self._repeated() + self._unlikely() + self._heard() + self.shared

    def lengths(self) -> dict[str, float]:
        """Seconds by utterance, where they are known."""
        return {utt: length for utt in self.data.utts if (length := self._length(utt)) is not None}

    def _length(self, utt: str) -> float | None:
        if utt in self.data.segments:
            segment = self.data.segments[utt]
            return segment.end - segment.begin
        names = self.data.recordings_of(utt)
        if not all(name in self.seconds for name in names):
            return None
        pauses = self.data.joins[utt].pauses if utt in self.data.joins else ()
        return sum(self.seconds[name] for name in names) + sum(pauses)

    def _characters_a_second(self) -> float:
        """The median over utterances; 0 where there are too few."""
        rates = [len(self.data.text[utt]) / length for utt, length in self.lengths().items() if length and utt in self.data.text]
        return median(rates) if len(rates) >= FEW else 0.0

    def _repeated(self) -> list[str]:
        """Utterances that are the same audio."""
        contents, first, same = Contents([self.data]), {}, []
        for utt in self.data.utts:
            key = contents.of(self.data, utt)
            if (earlier := first.setdefault(key, utt)) != utt:
                same.append((earlier, utt))
        if not same:
            return []
        texts = self.data.text
        apart = [pair for pair in same if texts.get(pair[0]) != texts.get(pair[1])]
        one, other = (apart or same)[0]
        warning = f"{many(len(same), 'utterance')} with the audio of another, e.g. '{other}' that of '{one}'"
        return [f"{self.data.folder}: {warning}" + (f"; {len(apart)} with another text" if apart else "")]

    def _unlikely(self) -> list[str]:
        """Utterances with far more or far less text than their length allows."""
        rate = self._characters_a_second()
        if not rate:
            return []
        odd = {}
        for utt, length in self.lengths().items():
            expected = len(self.data.text[utt]) / rate if utt in self.data.text else length
            if expected > FACTOR * length + SLACK or length > FACTOR * expected + SLACK:
                odd[utt] = f"{len(self.data.text[utt])} characters in {length:.2f} s"
        if not odd:
            return []
        utt, what = next(iter(odd.items()))
        what = f"{many(len(odd), 'utterance')} with far more or less text than others of that length, e.g. '{utt}': {what}"
        return [f"{self.data.folder}: {what} (others: {rate:.1f} characters a second)"]

    def _heard(self) -> list[str]:
        """Recordings that were read and are clipped or very quiet."""
        warnings = []
        clipped = {name: signal.clipped for name, signal in self.signals.items() if signal.clipped > CLIPPED}
        if clipped:
            worst = max(clipped, key=clipped.__getitem__)
            what = f"{many(len(clipped), 'recording')} clipped, the worst '{worst}' in {clipped[worst]:.1%} of its samples"
            warnings.append(f"{self.data.folder}/wav.scp: {what}")
        quiet = {name: signal.peak for name, signal in self.signals.items() if signal.peak < QUIET}
        if quiet:
            worst = min(quiet, key=quiet.__getitem__)
            what = f"{many(len(quiet), 'recording')} very quiet, the worst '{worst}' with a peak of {quiet[worst]:.4f}"
            warnings.append(f"{self.data.folder}/wav.scp: {what}")
        return warnings


def many(n: int, name: str) -> str:
    """``1 utterance``, ``2 utterances``."""
    return f"{n} {name}" + ("" if n == 1 else "s")
