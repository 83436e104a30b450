"""Published tables put together: systems that were scored alike, on several machines or days, pooled and compared anew.

A part is a folder of results with its ``benchmark.json`` and ``counts.tsv``. Rows of one configuration under other seeds, wherever
they were made, become one group.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lmspt.errors import InputError
from lmspt.score.benchmark import UNREAD
from lmspt.score.contract import PARTS, require_same
from lmspt.score.counts import SECOND, comparisons, counts_of, pooled, read_counts
from lmspt.score.system import Result

ALIKE = ("objective", "teacher", "frame_rate", "bitrate")  # what the seeds of a group have in common
SEEDS = re.compile(r"_t\d+(?=_|$)|_s\d+$")  # of the tokenizer and of the language model, in a name
Results = dict[tuple[str, str], dict[str, Result]]  # by (set, task) and system


def merge(folders: Sequence[Path]) -> tuple[dict[str, Any], Results]:
    """The joint ``benchmark.json``, and what its ``counts.tsv`` is made of.

    A row that several parts have, with the same errors, is taken once. Of a part where no judge was asked, recognition alone is
    compared; a second judge counts where every other part has one.

    Raises:
        InputError: a file is missing, contracts differ, systems were scored on other utterances, or parts say different things
            under one name.
    """
    parts = {folder: _read(folder / "benchmark.json") for folder in folders}
    contract = _contract(parts)
    rows: dict[str, Result] = {}
    groups: dict[str, list[str]] = {}
    results: Results = {}
    for folder, part in parts.items():
        group_of = {system: SEEDS.sub("", group["name"]) for group in part["groups"] for system in group["systems"]}
        for row in part["systems"]:
            name, found = row["name"], _results(folder, row["name"])
            if name in rows:
                if any(results.get(key, {}).get(name, result) != result for key, result in found.items()):
                    raise InputError(f"{folder}: its row '{name}' has other errors than that of an earlier part; leave one out")
                continue
            members = groups.setdefault(group_of[name], [])
            if members and any(row[key] != rows[members[0]][key] for key in ALIKE):
                raise InputError(f"{folder}: '{name}' and '{members[0]}' differ in more than their seeds; rename one of them")
            rows[name] = row
            members.append(name)
            for key, result in found.items():
                results.setdefault(key, {})[name] = result
    results = {(name, task): found for (name, task), found in results.items() if "second" in contract or not task.endswith(SECOND)}
    counts = {
        key: {group: counts_of(own) for group, names in groups.items() if (own := {n: found[n] for n in names if n in found})}
        for key, found in results.items()
    }
    compared: dict[str, dict[str, list[Result]]] = {}
    for (name, task), found in counts.items():
        compared.setdefault(name, {})[task] = comparisons(found)
    joint = []
    for group, names in groups.items():
        scores: dict[str, dict[str, Result]] = {}
        for (name, task), found in counts.items():
            why = rows[names[0]].get(task, {}).get(name, UNREAD)  # of what has no errors
            scores.setdefault(task, {})[name] = pooled(found[group]) if group in found else why
        joint.append({"name": group, "systems": names, **{key: rows[names[0]][key] for key in ALIKE}, **scores})
    benchmark = {"contract": contract, "parts": list(map(str, folders)), "systems": list(rows.values()), "groups": joint}
    return {**benchmark, "comparisons": compared}, results


def _contract(parts: dict[Path, Result]) -> dict[str, Any]:
    """The contracts of what is compared here, which must agree, and others where all parts do."""
    having: dict[str, dict[str, Result]] = {}
    for folder, part in parts.items():
        for name, contract in part["contract"].items():
            having.setdefault(name, {})[str(folder)] = contract
    if len(having.get("second", {})) < len(having.get("speech", {})):
        having.pop("second", None)
    alike = {name for name, found in having.items() if len({json.dumps(c, sort_keys=True) for c in found.values()}) == 1}
    return {name: require_same(found) for name, found in having.items() if name in PARTS.values() or name in alike}


def _results(folder: Path, system: str) -> dict[tuple[str, str], Result]:
    """Errors of one system, in the words of ``result.json``."""
    found = {}
    for key, counts in read_counts(folder / "counts.tsv", [system]).items():
        rows = zip(counts.utts, counts.speakers, counts.words.tolist(), counts.errors[0].tolist(), strict=True)
        found[key] = {"utts": [{"utt": u, "speaker": s, "n_words": words, "errors": n} for u, s, words, n in rows]}
    return found


def _read(path: Path) -> Result:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give folders of results, which stage 13 writes")
    return json.loads(path.read_text(encoding="utf-8"))
