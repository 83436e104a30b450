"""Mend a data directory: sorted tables that hold the same utterances, and nothing that could not be used."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmspt.data.datadir import REQUIRED, TABLES, spk2utt_of
from lmspt.data.scp import in_byte_order, read_scp, scp_text
from lmspt.data.validate import Report, inspect
from lmspt.errors import InputError, some_of
from lmspt.files import write_text

BACKUP = ".backup"


@dataclass(frozen=True)
class Fixed:
    """What :func:`fix_data` did.

    Attributes:
        kept: utterances that are left.
        dropped: the reason by utterance.
        changed: names of the tables that were written anew.
    """

    kept: list[str]
    dropped: dict[str, str]
    changed: list[str]


def fix_data(folder: str | Path, **checks: Any) -> Fixed:
    """Sort the tables of a data directory bytewise, keep the utterances that every table has, and write ``spk2utt``.

    An utterance goes, too, if its audio cannot be used, or if a table has two different lines for it. What a table was
    before is in ``.backup/``, and in ``.backup/dropped.tsv`` what went and why. Files that are none of a data directory's
    tables are left as they are.

    Args:
        folder: ``data/<set>``; ``wav.scp`` and ``text`` may be missing.
        checks: ``read``, ``nj``, ``against`` of :func:`lmspt.data.validate.inspect`.

    Raises:
        InputError: a table that cannot be read at all, or no utterance would be left; nothing was changed then.
    """
    folder = Path(folder)
    report = inspect(folder, optional=("wav.scp", "text"), non_print=True, **checks)
    tables = {name: read_scp(folder / name, True, lambda _: None) for name in TABLES if (folder / name).exists()}
    unread = [name for name, table in tables.items() if not table and (name in REQUIRED or (folder / name).stat().st_size)]
    if unread or "utt2spk" not in tables:
        raise InputError(f"{folder}: cannot be mended\n" + some_of([problem.message for problem in report.problems]))
    dropped = _reasons(report)
    kept = in_byte_order(report.data.utt2spk.keys() - dropped.keys())
    if not kept:
        reasons = [f"{utt}: {why}" for utt, why in dropped.items()]
        raise InputError(f"{folder}: no utterance would be left; nothing was changed\n" + some_of(reasons))
    keys = {name: set(kept) for name in tables}
    keys["wav.scp"] = {name for utt in kept for name in report.data.recordings_of(utt)}
    new = {name: {key: table[key] for key in table.keys() & keys[name]} for name, table in tables.items()}
    new["spk2utt"] = spk2utt_of(new["utt2spk"])
    changed = [name for name, table in new.items() if _replace(folder / name, scp_text(table))]
    if dropped:
        lines = (f"{utt}\t{' '.join(why.split())}\n" for utt, why in dropped.items())
        write_text(folder / BACKUP / "dropped.tsv", "utterance\treason\n" + "".join(lines))
    return Fixed(kept, dropped, changed)


def _reasons(report: Report) -> dict[str, str]:
    """Why each utterance goes that cannot stay, in byte order."""
    lost = {problem.key: problem.message for problem in report.problems if problem.of_recording}
    reasons: dict[str, str] = {}
    for problem in report.problems:
        if problem.key and not problem.of_recording:
            reasons.setdefault(problem.key, problem.message)
    for utt in report.data.utts:
        for name in report.data.recordings_of(utt):
            if name in lost:
                reasons.setdefault(utt, lost[name])
    return {utt: reasons[utt] for utt in in_byte_order(reasons)}


def _replace(path: Path, text: str) -> bool:
    """Write a table unless it is so already; what was there before is kept."""
    if path.exists():
        if path.read_bytes() == text.encode():
            return False
        backup = path.parent / BACKUP
        backup.mkdir(exist_ok=True)
        shutil.copy2(path, backup / path.name)
    write_text(path, text)
    return True
