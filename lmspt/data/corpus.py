"""The utterances of a corpus that somebody else laid out: a table and audio, audio with a text beside each, or Kaldi's files.

What is found gets ids that Kaldi's tables can hold: spaces and slashes become ``_``, a known speaker comes first, and what is
too long for the name of a file ends in a hash. Texts keep their words; white space is squeezed, Unicode composed (NFC).
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from lmspt.data.audio import AUDIO, is_pipe
from lmspt.data.datadir import DataDir, has_words
from lmspt.data.metadata import TABLES, Row, read_rows, read_utf8
from lmspt.data.scp import KEY_BYTES, is_key
from lmspt.errors import InputError

TEXT = (".txt", ".lab")
UNKNOWN = "unknown"  # speaker


@dataclass(frozen=True)
class Entry:
    """One utterance.

    Attributes:
        utt, speaker: keys of tables.
        text: what is said, on one line.
        source: value of ``wav.scp``: an absolute path or a pipe.
        recording: key of ``wav.scp``; ``utt`` unless it is a part of it.
        times: begin and end (s) of a part, as written, or nothing.
        set: where the corpus says that it belongs; "" if it does not.
        channel: which one of the recording, where a Kaldi directory says so.
        ctm: lines of a Kaldi directory's ``ctm`` that are about it.
    """

    utt: str
    speaker: str
    text: str
    source: str
    recording: str
    times: str = ""
    set: str = ""
    channel: int | None = None
    ctm: tuple[str, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """What was found.

    Attributes:
        root: the folder.
        entries: utterances in the order of their ids.
        bad: by name, why an utterance cannot be used.
        unused: by name, files that belong to nothing.
    """

    root: Path
    entries: list[Entry]
    bad: dict[str, str]
    unused: dict[str, str]


def read_corpus(root: Path, metadata: Path | None = None, columns: Mapping[str, str] | None = None, speaker: str = "") -> Corpus:
    """Find the utterances below a folder.

    Args:
        root: the corpus. With a ``wav.scp`` in it or in its subfolders it is read as Kaldi's; else by its table; without one,
            every audio file has its text in a ``.txt`` or ``.lab`` of its name, beside it or the only one of that name.
        metadata: the table, if it is not the only ``.csv`` or ``.tsv`` in ``root``; its name there will do.
        columns: as of :func:`read_rows`.
        speaker: how to tell speakers where no column does: ``folder`` (of the audio), or a regular expression whose first
            group, searched in the path below ``root``, is the name. "": all are ``unknown``.

    Raises:
        InputError: nothing there, or a table that cannot be read.
    """
    root = Path(os.path.abspath(root))
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; name the corpus in db.sh")
    files = None
    if metadata is None and (folders := _kaldi_folders(root)):
        found = chain.from_iterable(_from_kaldi(folder, root) for folder in folders)
    else:
        files, who = Files(root), _Speakers(root, speaker)
        metadata = _only_table(root) if metadata is None else root / metadata if (root / metadata).is_file() else metadata
        found = _from_table(read_rows(metadata, columns or {}), files, who) if metadata else _from_texts(files, who)
    bad: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    for name, value in found:
        if isinstance(value, str):
            bad[name] = value
        elif value.utt in entries:
            bad[name] = f"its id '{value.utt}' is that of another ({entries[value.utt].source}), too; give them other names"
        else:
            entries[value.utt] = value
    if not entries and not bad:
        raise InputError(f"{root}: no utterance; is it the corpus, with audio ({', '.join(AUDIO[:4])} ...) and texts?")
    idle = [path for path in files.texts if path not in files.used] if files and not metadata else []
    unused = {str(path.relative_to(root)): "a text without audio" for path in idle}
    return Corpus(root, [entries[utt] for utt in sorted(entries)], bad, unused)


class Files:
    """Audio and text files below a folder, found by path, by name, or by name without suffix. Hidden ones are passed over."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.audio: list[Path] = []
        self.texts: list[Path] = []
        self.used: set[Path] = set()
        self._named: dict[str, list[Path]] = {}
        self._texts_of: dict[str, list[Path]] = {}
        self._stems: set[Path] = set()  # of audio, with its folder
        seen: set[str] = set()  # links are followed, once
        for folder, folders, names in os.walk(root, followlinks=True):
            if (real := os.path.realpath(folder)) in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in names if not name.startswith(".")):
                path, suffix = Path(folder, name), os.path.splitext(name)[1].lower()
                if suffix in AUDIO:
                    self.audio.append(path)
                    self._stems.add(path.with_suffix(""))
                    for key in {name, name[: -len(suffix)]}:
                        self._named.setdefault(key, []).append(path)
                elif suffix in TEXT:
                    self.texts.append(path)
                    self._texts_of.setdefault(path.stem, []).append(path)

    def find(self, name: str) -> Path:
        """The audio file of a path (below the folder or absolute), or of a name that is there once: in a folder of the same name,
        if the name has one.

        Raises:
            InputError: none, or several.
        """
        path = os.path.normpath(self.root / name)
        if os.path.isfile(path):  # False, too, for what cannot be a path
            return Path(path)
        folder, base = os.path.split(name)
        paths = self._named.get(base, [])
        if folder:
            paths = [path for path in paths if path.parent.name == os.path.basename(folder)]
        if len(paths) > 1:
            raise InputError(f"audio '{name}' may be {paths[0]} or {paths[1]}; write its path")
        if not paths:
            raise InputError(f"no audio '{name}' below {self.root}")
        return paths[0]

    def text_of(self, audio: Path) -> str:
        """The text that belongs to an audio file: beside it, or of the same name elsewhere, if it lies beside no other audio.

        Raises:
            InputError: none, several, or one that cannot be read or has no word.
        """
        paths = [path for suffix in TEXT if (path := audio.with_suffix(suffix)).is_file()]
        paths = paths or [path for path in self._texts_of.get(audio.stem, []) if path.with_suffix("") not in self._stems]
        if not paths:
            raise InputError(f"no {audio.stem}.txt; write it, or a table of all texts")
        if len(paths) > 1:
            raise InputError(f"its text may be {paths[0]} or {paths[1]}; remove one")
        self.used.add(paths[0])
        text = _one_line(read_utf8(paths[0]))
        if not has_words(text):
            raise InputError(f"{paths[0]}: has no word, but '{text}'" if text else f"{paths[0]}: is empty")
        return text


class _Speakers:
    """Names speakers by where their audio lies."""

    def __init__(self, root: Path, rule: str) -> None:
        self.root, self.by_folder = root, rule == "folder"
        try:
            self.pattern = re.compile(rule)
        except re.error as error:
            raise InputError(f"--speaker '{rule}': {error}; write 'folder', or a regular expression with a group") from None
        if rule and not self.by_folder and not self.pattern.groups:
            raise InputError(f"--speaker '{rule}': has no group; write e.g. '([^_/]+)_[^/]*$' for what comes before a '_'")

    def of(self, audio: Path) -> str:
        """A name, or ``unknown``."""
        if self.by_folder:
            return audio.parent.name
        if not self.pattern.groups:
            return UNKNOWN
        below = os.path.relpath(audio, self.root)
        if not (match := self.pattern.search(below)) or not match[1]:
            raise InputError(f"--speaker '{self.pattern.pattern}' matches nothing in {below}")
        return match[1]


Found = Iterator[tuple[str, Entry | str]]


def _from_table(rows: Iterable[Row], files: Files, speakers: _Speakers) -> Found:
    for row in rows:
        try:
            audio = files.find(row["audio"] or row["id"])
            times, text = _times(row), _one_line(row["text"])
            if not has_words(text):
                raise InputError(f"no text, but '{text}'" if text else "no text")
            name = row["id"] or (f"{audio.stem}-{times}" if times else audio.stem)
            yield row.place, _entry(name, audio, row["speaker"] or speakers.of(audio), text, times, row["set"])
        except InputError as error:
            yield row.place, str(error)


def _from_texts(files: Files, speakers: _Speakers) -> Found:
    times_used = Counter(audio.stem for audio in files.audio)
    for audio in files.audio:
        below = str(audio.relative_to(files.root))
        name = audio.stem if times_used[audio.stem] == 1 else os.path.splitext(below)[0]
        try:
            yield below, _entry(name, audio, speakers.of(audio), files.text_of(audio))
        except InputError as error:
            yield below, str(error)


def _entry(name: str, audio: Path, speaker: str, text: str, times: str = "", in_set: str = "") -> Entry:
    source = str(audio)
    if source != source.strip() or "\n" in source or is_pipe(source) or not source.isprintable():
        raise InputError(f"{source!r}: wav.scp cannot hold this path (a line break, '|' or space at its end, not UTF-8); rename it")
    speaker = as_key(speaker)
    utt = as_key(name if speaker == UNKNOWN or name.startswith(speaker) else f"{speaker}-{name}")
    recording = as_key(f"{audio.stem}-{_digest(source)}") if times else utt
    return Entry(utt, speaker, text, source, recording, times, in_set)


def _times(row: Row) -> str:
    if not row["begin"] and not row["end"]:
        return ""
    try:
        begin, end = float(row["begin"]), float(row["end"])
        if not 0 <= begin < end < math.inf:
            raise ValueError
    except ValueError:
        raise InputError(f"begin '{row['begin']}' and end '{row['end']}' are not seconds, the end after the begin") from None
    return f"{begin:.3f} {end:.3f}"


def as_key(name: str) -> str:
    """An id of a corpus as a key of Kaldi's tables: the nearest name that one can be.

    Raises:
        InputError: nothing of it is left.
    """
    key = re.sub(r"[\s/\x00-\x1f\x7f]+", "_", unicodedata.normalize("NFC", name).strip()).lstrip(".")
    key = re.sub(r"#(?=\d+\Z)", "_", key)
    if len(key.encode(errors="replace")) > KEY_BYTES:
        head = key.encode()[: KEY_BYTES - 9].decode(errors="ignore")
        key = f"{head}-{_digest(key)}"
    if not is_key(key):
        raise InputError(f"{name!r} is no name for an utterance or a speaker; rename it")
    return key


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _one_line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).replace("\ufeff", "").split())


def _only_table(root: Path) -> Path | None:
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() in TABLES and path.is_file())
    if len(tables) > 1:
        raise InputError(f"{root}: which table has the texts, {' or '.join(path.name for path in tables)}? Say so: --metadata FILE")
    return tables[0] if tables else None


def _kaldi_folders(root: Path) -> list[Path]:
    if (root / "wav.scp").is_file():
        return [root]
    return sorted(path.parent for path in root.glob("*/wav.scp"))


def _from_kaldi(folder: Path, root: Path) -> Found:
    """A data directory; paths in it that are not absolute are those of the folder it was made in."""
    data = DataDir(folder)
    if data.joins:
        raise InputError(f"{folder}: has joins; such a directory is ready, copy it to data/")
    bases = [Path.cwd(), folder, *folder.parents]
    ctm = _lines_by_utt(folder / "ctm")
    for utt in data.utts:
        (recording,) = data.recordings_of(utt)
        source = data.wav_scp[recording]
        if not is_pipe(source) and not os.path.isabs(source):
            source = str(next((base / source for base in bases if (base / source).is_file()), source))
        segment = data.segments.get(utt)
        times = f"{segment.begin} {segment.end}" if segment else ""
        in_set = folder.name if folder != root else ""
        if in_set and times:  # another folder may have another recording of this name
            recording = as_key(f"{recording}-{_digest(source)}")
        said = (data.utt2spk[utt], data.text[utt])
        yield f"{folder.name}/{utt}", Entry(utt, *said, source, recording, times, in_set, data.channel, tuple(ctm.get(utt, ())))


def _lines_by_utt(ctm: Path) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = {}
    for line in read_utf8(ctm).splitlines() if ctm.is_file() else ():
        if line.strip() and not line.startswith(";;"):
            lines.setdefault(line.split()[0], []).append(line)
    return lines
