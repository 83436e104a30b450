"""Is a data directory sound? All that is wrong with it at once, from its tables and the headers of its audio alone."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from lmspt.data.audio import is_pipe, pipe_commands, read_header
from lmspt.data.datadir import TABLES, DataDir, spk2utt_of
from lmspt.data.scp import Found, Problem, read_scp
from lmspt.errors import InputError, some_of


@dataclass(frozen=True)
class Report:
    """What :func:`inspect` found.

    Attributes:
        data: the directory; where there are problems, as far as it could be read.
        problems: none if it is sound.
        seconds: length by recording; without pipes and what cannot be opened.
        rates: recordings by rate (Hz).
    """

    data: DataDir
    problems: list[Problem]
    seconds: dict[str, float]
    rates: Counter[int]

    def summary(self) -> str:
        """One line: utterances, speakers, hours, rates."""
        data, lengths = self.data, [self._length(utt) for utt in self.data.utts]
        known = [seconds for seconds in lengths if seconds is not None]
        speakers = len(set(data.utt2spk.values()))
        parts = [_many(len(lengths), "utterance"), _many(speakers, "speaker"), f"{sum(known) / 3600:.2f} hours"]
        if len(known) < len(lengths):
            parts[-1] += f" and {_many(len(lengths) - len(known), 'utterance')} of unknown length (audio not read)"
        several = len(self.rates) > 1
        parts += [f"{rate} Hz" + (f" ({_many(n, 'recording')})" if several else "") for rate, n in sorted(self.rates.items())]
        return f"{data.folder}: {', '.join(parts)}"

    def warnings(self, spk_sort: bool = True) -> list[str]:
        """What is odd but does no harm; ``spk_sort``: also utterances that do not begin with their speaker."""
        data, warnings = self.data, []
        unlike = [utt for utt in data.utts if not utt.startswith(data.utt2spk[utt])]
        if unlike and spk_sort:
            warnings.append(
                f"{data.folder}/utt2spk: {len(unlike)} utterances, the first '{unlike[0]}', do not begin with their speaker's "
                "name; nothing here needs it, programs of Kaldi do"
            )
        unused = data.wav_scp.keys() - {name for utt in data.utts for name in data.recordings_of(utt)}
        if unused:
            warnings.append(f"{data.folder}/wav.scp: {_many(len(unused), 'recording')} in no utterance, the first '{min(unused)}'")
        return warnings

    def _length(self, utt: str) -> float | None:
        if utt in self.data.segments:
            segment = self.data.segments[utt]
            return segment.end - segment.begin
        names = self.data.recordings_of(utt)
        if not all(name in self.seconds for name in names):
            return None
        pauses = self.data.joins[utt].pauses if utt in self.data.joins else ()
        return sum(self.seconds[name] for name in names) + sum(pauses)


def validate(folder: str | Path, optional: Collection[str] = (), non_print: bool = False) -> Report:
    """:func:`inspect`, and stop at problems.

    Raises:
        InputError: lists them.
    """
    report = inspect(folder, optional, non_print)
    if report.problems:
        messages = [problem.message for problem in report.problems]
        raise InputError(f"{folder}: {_many(len(messages), 'problem')}\n" + some_of(messages))
    return report


def inspect(folder: str | Path, optional: Collection[str] = (), non_print: bool = False) -> Report:
    """Look through a data directory; nothing is written.

    Args:
        folder: ``data/<set>``.
        optional: of ``wav.scp`` and ``text``, what may be missing.
        non_print: whether transcripts may hold characters that are not printed.

    Raises:
        InputError: no such folder.
    """
    problems: list[Problem] = []
    found = problems.append
    data = DataDir(folder, optional, found)
    for path in (data.folder / name for name in (*TABLES, "spk2utt")):
        if path.is_file():
            _find_disorder(path, found)
    if not non_print:
        _find_unprintable(data, found)
    _find_other_speakers(data, found)
    if not data.segments and not data.joins and data.utt2spk:
        for name in sorted(data.wav_scp.keys() - data.utt2spk.keys()):
            mend = f"add it, or run utils/fix_data_dir.sh {data.folder}"
            found(Problem(f"{data.folder}/utt2spk: no '{name}', which wav.scp has; {mend}", name))
    headers = dict(_headers(data, found))
    for utt, segment in data.segments.items():
        if segment.recording in headers and segment.is_past(*headers[segment.recording]):
            samples, rate = headers[segment.recording]
            what = f"{data.folder}/segments: '{utt}' ends at {segment.end} s, {data.wav_scp[segment.recording]} has"
            found(Problem(f"{what} {samples / rate:.2f} s; mend the times or remove the line", utt))
    seconds = {name: samples / rate for name, (samples, rate) in headers.items()}
    return Report(data, problems, seconds, Counter(rate for _, rate in headers.values()))


def _many(n: int, name: str) -> str:
    return f"{n} {name}" + ("" if n == 1 else "s")


def _find_disorder(path: Path, found: Found) -> None:
    """The first line that comes before the one above it in byte order."""
    above = b""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        key = line.split(maxsplit=1)[0] if line.strip() else above
        if key < above:
            names = f"'{key.decode(errors='replace')}' comes after '{above.decode(errors='replace')}'"
            found(Problem(f"{path}:{number}: {names}; sort it with LC_ALL=C sort, or run utils/fix_data_dir.sh {path.parent}"))
            return
        above = key


def _find_unprintable(data: DataDir, found: Found) -> None:
    for utt, text in data.text.items():
        for character in text:
            if unicodedata.category(character) in ("Cc", "Cn", "Zs", "Zl", "Zp") and character not in " \t":
                name = unicodedata.name(character, "no character that is printed")
                what = f"{data.folder}/text: '{utt}' has U+{ord(character):04X} ({name})"
                found(Problem(f"{what}; replace it, or give --non-print", utt))
                break


def _find_other_speakers(data: DataDir, found: Found) -> None:
    path = data.folder / "spk2utt"
    if not path.is_file() or not data.utt2spk:
        return
    listed, expected = read_scp(path, found=lambda problem: found(Problem(problem.message))), spk2utt_of(data.utt2spk)
    for speaker in sorted(listed.keys() | expected.keys()):
        if listed.get(speaker, "").split() != expected.get(speaker, "").split():
            what = f"{path}: '{speaker}' has other utterances than in utt2spk"
            found(Problem(f"{what}; remove the file, or run utils/fix_data_dir.sh {data.folder}"))


def _headers(data: DataDir, found: Found) -> Iterator[tuple[str, tuple[int, int]]]:
    """Samples and rate (Hz) by recording; a pipe is not run, its programs are looked for."""
    for name, source in data.wav_scp.items():
        try:
            if is_pipe(source):
                pipe_commands(source)
            elif source:
                yield name, read_header(source)
        except InputError as error:
            found(Problem(f"{data.folder}/wav.scp: '{name}': {error}", name, of_recording=True))
