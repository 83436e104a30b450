"""From the utterances of a corpus to data directories, and an account of what became of each file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lmspt.data.corpus import UNKNOWN, Corpus, Entry
from lmspt.data.scp import write_scp
from lmspt.errors import InputError, some_of
from lmspt.files import write_text


def require_good(corpus: Corpus, drop_bad: bool) -> None:
    """Stop at utterances that cannot be used, unless they are to be left out.

    Raises:
        InputError: lists them.
    """
    if corpus.bad and not (drop_bad and corpus.entries):
        problems = [f"{name}: {why}" for name, why in corpus.bad.items()]
        head = f"{corpus.root}: {len(problems)} of {len(problems) + len(corpus.entries)} utterances cannot be used; mend them"
        raise InputError(f"{head}, or leave them out: --drop_bad of local/data.sh\n" + some_of(problems))


def write_sets(out: Path, sets: Mapping[str, list[Entry]], left_out: Mapping[str, str]) -> list[str]:
    """Write ``<set>/{wav.scp,text,utt2spk[,segments][,channel][,ctm]}``, ``split.tsv`` and ``dropped.tsv``.

    Args:
        out: ``data``.
        sets: utterances by set.
        left_out: reason by name.

    Returns:
        Lines that say what was written.

    Raises:
        InputError: a set is of several channels, which a data directory cannot say.
    """
    for name, entries in sets.items():
        if len(channels := {entry.channel for entry in entries}) > 1:
            told = " and ".join(sorted("no channel" if channel is None else f"channel {channel}" for channel in channels))
            raise InputError(f"{name}: is made of directories that say {told}; write one into the file 'channel' of all of them")
    for name, entries in sets.items():
        _write_set(out / name, entries)
    rows = [(name, entry.utt, entry.speaker, entry.source) for name, entries in sets.items() for entry in entries]
    write_text(out / "split.tsv", _tsv([("set", "utterance", "speaker", "audio"), *rows]))
    write_text(out / "dropped.tsv", _tsv([("name", "reason"), *left_out.items()]))
    said = [f"{out / name}: {len(entries)} utterances, {_speakers(entries)}" for name, entries in sets.items()]
    if left_out:
        said.append(f"{out / 'dropped.tsv'}: {len(left_out)} left out, each with its reason")
    if all(entry.speaker == UNKNOWN for entries in sets.values() for entry in entries):
        said.append("no speaker is known: if there are several, name the column, or give --speaker 'folder' or an expression")
    return said


def _write_set(folder: Path, entries: list[Entry]) -> None:
    write_scp(folder / "wav.scp", {entry.recording: entry.source for entry in entries})
    write_scp(folder / "text", {entry.utt: entry.text for entry in entries})
    write_scp(folder / "utt2spk", {entry.utt: entry.speaker for entry in entries})
    beside = {
        "segments": [f"{entry.utt} {entry.recording} {entry.times}" for entry in entries if entry.times],
        "channel": [str(entry.channel) for entry in entries[:1] if entry.channel is not None],
        "ctm": [line for entry in entries for line in entry.ctm],
        "spk2utt": [],  # of what was there before
        "joins": [],
    }
    for name, lines in beside.items():
        if lines:
            write_text(folder / name, "".join(f"{line}\n" for line in lines))
        else:
            (folder / name).unlink(missing_ok=True)


def _speakers(entries: list[Entry]) -> str:
    n = len({entry.speaker for entry in entries} - {UNKNOWN})
    return f"{n} speaker{'' if n == 1 else 's'}" if n else "speakers unknown"


def _tsv(rows: list[tuple[str, ...]]) -> str:
    """Lines of a table. A file name need not be UTF-8; what is not is escaped."""
    text = "".join("\t".join(" ".join(word.split()) for word in row) + "\n" for row in rows)
    return text.encode(errors="backslashreplace").decode()
