#!/usr/bin/env python3
"""What a unit of work will take and write: from the same unit done before, one like it on this machine, or rates.tsv.

estimate.py SECONDS BYTES prints the two as one would say them.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACES = ("data", "dump", "exp")  # of a recipe, that have markers
RATES = Path(__file__).with_name("rates.tsv")

Record = dict[str, Any]


@dataclass
class Estimate:
    """Seconds and bytes, and what they are drawn from."""

    seconds: float
    size: float
    source: str


@dataclass
class Rate:
    """A line of rates.tsv: (start, each) of seconds and of bytes."""

    seconds: tuple[float, float]
    size: tuple[float, float]


def read_rates() -> dict[tuple[str, str], Rate]:
    """Rates by stage and kind of work."""
    rates = {}
    for line in RATES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            stage, kind, *numbers = line.split("\t")
            seconds, size = (tuple(map(float, pair.split())) for pair in numbers)
            rates[stage, kind] = Rate(seconds, size)
    return rates


def like_it(marker: Path, kind: str) -> Record | None:
    """Marker of the work that is most like this one: the same unit, here or in another recipe, or the stage's largest.

    Those of other machines, and of work that was taken up again (its time is that of the last session), do not count. Of
    work that is not counted in anything (runs), only the same unit here says something.
    """
    if kind == "runs":
        return counted(marker, kind)
    stage = marker.name.partition(".")[0]
    folders = [marker.parent, *sorted(path for place in PLACES for path in Path("../..").glob(f"*/*/{place}/.done"))]
    same = [folder / marker.name for folder in folders]
    records = [record for path in same if (record := counted(path, kind))]
    if records:
        return records[0]
    paths = (path for folder in folders for path in folder.glob(f"{stage}*.json"))
    records = [record for path in paths if (record := counted(path, kind))]
    return max(records, key=lambda record: record["work"][kind], default=None)


def counted(path: Path, kind: str) -> Record | None:
    """A marker, if it says how long work of this kind took on this machine."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = record.get("host") == socket.gethostname() and record.get("sessions") == 1
    return record if ours and kind in record.get("work", {}) else None


def estimate(marker: Path, work: dict[str, float]) -> Estimate | None:
    """What the unit of ``marker`` will take for ``work`` ({kind: amount}); None when nothing like it was measured."""
    ((kind, amount),) = work.items()
    name = marker.stem.partition("_")[2].partition(".")[0]
    rate = read_rates().get((name, kind))
    past = like_it(marker, kind)
    if past:
        grown = amount / max(past["work"][kind], 1e-9)
        starts = (rate.seconds[0], rate.size[0]) if rate else (0.0, 0.0)
        seconds, size = (
            min(start, then) + max(0.0, then - start) * grown
            for start, then in zip(starts, (past["seconds"], past["bytes"]), strict=True)
        )
        tag = past["tag"] and f" of {past['tag']}"
        return Estimate(seconds, size, f"as {past['name']}{tag} here")
    if rate:
        seconds, size = (start + each * amount for start, each in (rate.seconds, rate.size))
        return Estimate(seconds, size, "as on two cores, utils/rates.tsv")
    return None


def written(folder: Path, since: float) -> int:
    """Bytes of the files in a folder, or of a file, that were changed since a time."""
    paths = [Path(root, name) for root, _, names in os.walk(folder) for name in names] if folder.is_dir() else [folder]
    sizes = (path.lstat() for path in paths if path.exists())
    return sum(stat.st_size for stat in sizes if stat.st_mtime >= since - 1)


def free(folder: Path) -> int:
    """Bytes that are free where a folder is or will be."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def span(seconds: float) -> str:
    """A time as one would say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def amount_of(size: float) -> str:
    """An amount of bytes as one would say it."""
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.{1 if size < 10 else 0}f} {unit}"
    return f"{size / 1000:.1f} TB"


def plan(marker: Path, folder: str, work: dict[str, float]) -> str:
    """``<seconds> <bytes> <sentence>`` about a unit that is to be done; -1 for what is not known."""
    guess = estimate(marker, work) if work else None
    if guess is None:
        why = "nothing like it was measured" if work else "how much there is to do is not known yet"
        return f"-1 -1 writes {folder}: {why}"
    sentence = f"writes {folder}: about {amount_of(guess.size)}, {span(guess.seconds)} ({guess.source})"
    if guess.size > free(Path(folder)):
        sentence += f"; ONLY {amount_of(free(Path(folder)))} ARE FREE THERE"
    return f"{guess.seconds:.0f} {guess.size:.0f} {sentence}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        asked = sys.argv[1:] == ["--help"]
        print(__doc__, file=sys.stdout if asked else sys.stderr)
        sys.exit(0 if asked else 2)
    print(f"about {amount_of(float(sys.argv[2]))} and {span(float(sys.argv[1]))}")
