"""Published tables put together: systems that were scored alike, on several machines or days, pooled and compared anew.

A part is a folder of results with its ``benchmark.json`` and ``counts.tsv``. Rows of one configuration under other seeds, wherever
they were made, become one group.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lmspt.errors import InputError
from lmspt.report.benchmark import UNREAD, UNSCORED
from lmspt.report.counts import SECOND, TASKS, Counts, comparisons, counts_of, pooled, read_counts
from lmspt.report.groups import unseeded
from lmspt.report.probe_tables import PROBES, correlations
from lmspt.report.system import Result, read_json
from lmspt.score.contract import PARTS, require_same

ALIKE = ("objective", "teacher", "frame_rate", "bitrate")  # what the seeds of a group have in common
Results = dict[tuple[str, str], dict[str, Result]]  # by (set, task) and system


def merge(folders: Sequence[Path]) -> tuple[dict[str, Any], Results]:
    """The joint ``benchmark.json``, and what its ``counts.tsv`` is made of.

    A row that several parts have, with the same errors, is taken once, with all that any of them scored. Of a part where no judge
    was asked, recognition alone is compared; a second judge counts where every other part has one. Probes are means over a group's
    tokenizers, and are set against what language models make of the tokens, not against the speech of tokenizers alone.

    Raises:
        InputError: a file is missing, contracts differ, systems were scored on other utterances, parts say different things under
            one name, or nothing was scored.
    """
    parts = {folder: _read(folder / "benchmark.json") for folder in folders}
    contract = _contract(parts)
    rows, groups, results = _gather(parts)
    results = {(name, task): found for (name, task), found in results.items() if "second" in contract or not task.endswith(SECOND)}
    if not any(results.values()):
        raise InputError(f"{folders[0]} and the others hold no scores, probes alone: report such tokenizers in one run of stage 13")
    tok_ids = {name: row["tok_id"] for name, row in rows.items()}
    counts: dict[str, dict[str, dict[str, Counts]]] = {}  # by set, task and group
    for (name, task), found in results.items():
        scored = {group: {n: found[n] for n in names if n in found} for group, names in groups.items()}
        counts.setdefault(name, {})[task] = {group: counts_of(own, tok_ids) for group, own in scored.items() if own}
    probes = {name: _probes(parts.values(), groups, name) for name in counts}
    joint = []
    for group, names in groups.items():
        first, scores = rows[names[0]], {}
        for name, tasks in counts.items():
            for task, found in tasks.items():
                why = first.get(task, {}).get(name, UNSCORED if task == "asr" or name not in first["controls"] else UNREAD)
                scores.setdefault(task, {})[name] = pooled(found[group]) if group in found else why
        of_sets = {name: values[group] for name, values in probes.items()}
        joint.append({"name": group, "systems": names, **{key: first[key] for key in ALIKE}, **scores, "probes": of_sets})
    benchmark = {
        "contract": contract,
        "parts": list(map(str, folders)),
        "systems": list(rows.values()),
        "groups": joint,
        "probe_correlations": {name: correlations(probes[name], _wers(tasks)) for name, tasks in counts.items() if "asr" in tasks},
        "comparisons": {name: {task: comparisons(found) for task, found in tasks.items()} for name, tasks in counts.items()},
    }
    return benchmark, results


def _gather(parts: dict[Path, Result]) -> tuple[dict[str, Result], dict[str, list[str]], Results]:
    """Rows of all parts by name, the names by group, and their errors."""
    rows: dict[str, Result] = {}
    groups: dict[str, list[str]] = {}
    results: Results = {}
    for folder, part in parts.items():
        group_of = {system: unseeded(group["name"]) for group in part["groups"] for system in group["systems"]}
        for row in part["systems"]:
            name, found = row["name"], _results(folder, row)
            if name in rows:
                if any(results.get(key, {}).get(name, result) != result for key, result in found.items()):
                    raise InputError(f"{folder}: its row '{name}' has other errors than that of an earlier part; leave one out")
                rows[name] = _united(rows[name], row)
                for key, result in found.items():
                    results.setdefault(key, {}).setdefault(name, result)
                continue
            members = groups.setdefault(group_of[name], [])
            if members and any(row[key] != rows[members[0]][key] for key in ALIKE):
                raise InputError(f"{folder}: '{name}' and '{members[0]}' differ in more than their seeds; rename one of them")
            rows[name] = row
            members.append(name)
            for key, result in found.items():
                results.setdefault(key, {})[name] = result
    return rows, groups, results


def _united(first: Any, second: Any) -> Any:
    """A row of one part, and what it lacks of the same row in another, where more of it was scored."""
    if not isinstance(first, dict) or not isinstance(second, dict) or "not_run" in second:
        return first
    if "not_run" in first:
        return second
    return {**second, **{key: _united(value, second.get(key)) for key, value in first.items()}}


def _probes(parts: Iterable[Result], groups: Iterable[str], name: str) -> dict[str, dict[str, float | None]]:
    """Of each group on a set: the mean over its tokenizers. A part has that of those it had."""
    found: dict[str, dict[frozenset[str], dict[str, float | None]]] = {group: {} for group in groups}
    for part in parts:
        tok_ids = {row["name"]: row["tok_id"] for row in part["systems"]}
        for group in part["groups"]:
            if name not in group.get("probes", {}):  # of other sets, or joint before joint tables had probes
                continue
            toks = frozenset(tok_ids[system] for system in group["systems"])
            known = found[unseeded(group["name"])].setdefault(toks, {})
            known |= {title: value for title, value in group["probes"][name].items() if value is not None}
    return {group: {probe.title: _mean(of_toks, probe.title) for probe in PROBES} for group, of_toks in found.items()}


def _mean(values: dict[frozenset[str], dict[str, float]], title: str) -> float | None:
    """Of a probe, over sets of tokenizers; ``None`` if it was not run on all, or on none. What is in a larger set counts there."""
    values = {toks: known for toks, known in values.items() if not any(toks < others for others in values)}
    if not values or any(title not in known for known in values.values()):
        return None
    return float(np.average([known[title] for known in values.values()], weights=[len(toks) for toks in values]))


def _wers(tasks: dict[str, dict[str, Counts]]) -> dict[str, dict[str, float]]:
    """Mean error rates, by task and group."""
    return {task: {group: counts.wer for group, counts in found.items()} for task, found in tasks.items()}


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


def _results(folder: Path, row: Result) -> dict[tuple[str, str], Result]:
    """Errors of one system, in the words of ``result.json``; none of a tokenizer alone that cannot speak."""
    found = {}
    scored = any("wer" in scores for task in TASKS for scores in row.get(task, {}).values())
    for key, counts in read_counts(folder / "counts.tsv", {row["name"]: row["tok_id"]} if scored else {}).items():
        rows = zip(counts.utts, counts.speakers, counts.words.tolist(), counts.errors[0].tolist(), strict=True)
        found[key] = {"utts": [{"utt": u, "speaker": s, "n_words": words, "errors": n} for u, s, words, n in rows]}
    return found


def _read(path: Path) -> Result:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give folders of results, which stage 13 writes")
    return read_json(path, 13, ("systems", "groups", "contract"))
