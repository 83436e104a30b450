"""Is a data directory sound? All that is wrong with it at once, from its tables and the headers of its audio, or all of it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from lmspt.data.audio import is_pipe, pipe_commands, read_header
from lmspt.data.content import compare_sets
from lmspt.data.datadir import TABLES, DataDir, has_words, spk2utt_of
from lmspt.data.report import Report, many
from lmspt.data.scp import Found, Problem, read_scp
from lmspt.data.signal import read_signals
from lmspt.errors import InputError, some_of


def validate(folder: str | Path, **checks: Any) -> Report:
    """:func:`inspect`, and stop at problems.

    Raises:
        InputError: lists them.
    """
    report = inspect(folder, **checks)
    if report.problems:
        messages = [problem.message for problem in report.problems]
        raise InputError(f"{folder}: {many(len(messages), 'problem')}\n" + some_of(messages))
    return report


def inspect(
    folder: str | Path,
    optional: Collection[str] = (),
    non_print: bool = False,
    read: bool = False,
    nj: int = 1,
    against: Collection[str | Path] = (),
) -> Report:
    """Look through a data directory; nothing is written.

    Args:
        folder: ``data/<set>``.
        optional: of ``wav.scp`` and ``text``, what may be missing.
        non_print: whether transcripts may hold characters that are not printed.
        read: whether to read all audio, not the headers alone; pipes are run then.
        nj: threads that read.
        against: directories that none of its utterances may be in.

    Raises:
        InputError: no such folder, or one of ``against`` that cannot be read.
    """
    problems: list[Problem] = []
    found = problems.append
    data = DataDir(folder, optional, found)
    for path in (data.folder / name for name in (*TABLES, "spk2utt")):
        if path.is_file():
            _find_disorder(path, found)
    if not non_print:
        _find_unprintable(data, found)
    _find_wordless(data, found)
    _find_other_speakers(data, found)
    if not data.segments and not data.joins and data.utt2spk:
        for name in sorted(data.wav_scp.keys() - data.utt2spk.keys()):
            mend = f"add it, or run utils/fix_data_dir.sh {data.folder}"
            found(Problem(f"{data.folder}/utt2spk: no '{name}', which wav.scp has; {mend}", name))
    signals = read_signals(data, found, nj) if read else {}
    headers = {name: (round(signal.seconds * signal.rate), signal.rate) for name, signal in signals.items()}
    if not read:
        headers = dict(_headers(data, found))
    for utt, segment in data.segments.items():
        if segment.recording in headers and segment.is_past(*headers[segment.recording]):
            samples, rate = headers[segment.recording]
            what = f"{data.folder}/segments: '{utt}' ends at {segment.end} s, {data.wav_scp[segment.recording]} has"
            found(Problem(f"{what} {samples / rate:.2f} s; mend the times or remove the line", utt))
    shared: list[str] = []
    for other in against:
        leaks, warnings = compare_sets(data, DataDir(other))
        problems += leaks
        shared += warnings
    seconds = {name: samples / rate for name, (samples, rate) in headers.items()}
    return Report(data, problems, seconds, Counter(rate for _, rate in headers.values()), signals, shared)


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


def _find_wordless(data: DataDir, found: Found) -> None:
    """Texts of signs alone, of which a normaliser would leave nothing to be recognised."""
    for utt, text in data.text.items():
        if text and not has_words(text):
            mend = f"mend it, or run utils/fix_data_dir.sh {data.folder}"
            found(Problem(f"{data.folder}/text: '{utt}' has neither letter nor digit, but '{text}'; {mend}", utt))


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
                yield name, read_header(source, data.channel)
        except InputError as error:
            found(Problem(f"{data.folder}/wav.scp: '{name}': {error}", name, of_recording=True))
