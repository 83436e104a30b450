"""Two or more systems against each other, read from their folders or from a published ``benchmark.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from lmspt.errors import InputError
from lmspt.report.counts import SECOND, TASKS, Counts, comparisons, counts_of, read_counts
from lmspt.report.groups import unseeded
from lmspt.report.system import PROBE_KEYS, read_config, read_json, teacher_of, tokenizer_of
from lmspt.report.table import measured, percent
from lmspt.report.told import MEASURES, differences, told, words_of
from lmspt.score.contract import PARTS, relatives, require_same

Key = tuple[str, str]  # set, task


@dataclass(frozen=True)
class Scored:
    """A system that can be compared.

    Attributes:
        name: as it was asked for.
        teachers: frozen encoders behind its tokens.
        contracts: by task.
        counts: by (set, task).
        words: what the codes of tokenizers alone tell of words, by set, as :func:`lmspt.report.told.words_of` gives it.
    """

    name: str
    teachers: frozenset[str]
    contracts: dict[str, dict[str, Any]]
    counts: dict[Key, Counts]
    words: dict[str, list[dict[str, Any]]]


def read_scored(name: str) -> Scored:
    """A system by name.

    Args:
        name: a folder ``exp/slm_<tag>`` or, for resynthesis and probes, ``exp/tok_<tag>``; the name of folders without their
            seeds, ``exp/slm_<tok>_<slm>`` for all ``exp/slm_<tok>_t<seed>_<slm>_s<seed>``; or ``results/benchmark.json:<row>``, a
            row of one seed or of all.

    Raises:
        InputError: there is nothing under this name, or it lacks a part.
    """
    file, colon, row = name.rpartition(":")
    return _from_benchmark(name, Path(file), row) if colon else _from_folders(name, Path(name))


def compare(systems: Sequence[Scored]) -> list[str]:
    """Lines that say how the systems differ on each set and task that all were scored on, and in what their codes tell of words.

    Raises:
        InputError: they have no set in common, were scored under different contracts, or on other utterances.
    """
    keys = [key for key in systems[0].counts if all(key in system.counts for system in systems)]
    sets = [name for name in systems[0].words if all(name in system.words for system in systems)]
    if not (keys or sets):
        raise InputError(f"{' and '.join(system.name for system in systems)} were scored on no common set; run stages 6 to 12")
    lines: list[str] = []
    for set_name, task in keys:
        require_same({system.name: system.contracts[task] for system in systems})
        counts = {system.name: system.counts[set_name, task] for system in systems}
        lines += [*_heading(_title(systems[0], set_name, task), counts), *map(_pair, comparisons(counts)), ""]
    for set_name, measure in product(sets, MEASURES):
        lines += [*_told({system.name: system.words[set_name] for system in systems}, set_name, measure), ""]
    return lines[:-1]


def warnings_of(systems: Sequence[Scored]) -> list[str]:
    """What a reader of the comparison must know: scores that a system lacks, and judges that are relatives of a teacher."""
    warnings = []
    for key in dict.fromkeys(key for system in systems for key in system.counts):
        for system in systems:
            if key not in system.counts:
                set_name, task = key
                warnings.append(f"{system.name}: has no {task} score on {set_name}, which is left out")
    for system in systems:
        for judge in filter(None, (_judge(system, task) for task in system.contracts)):
            for teacher in sorted(system.teachers):
                if relatives(teacher, judge):
                    who = "its teacher" if teacher == judge else f"of its teacher's family ({teacher})"
                    warnings.append(
                        f"{system.name}: judge {judge} is {who}, and may read its speech with fewer errors than people would make"
                    )
    return warnings


def _judge(system: Scored, task: str) -> str | None:
    """Who read the speech that a task is scored by."""
    return system.contracts.get(task, {}).get("judge", {}).get("name")


def _title(system: Scored, set_name: str, task: str) -> str:
    judge = _judge(system, task)
    return f"{TASKS[task]} on {set_name}" + (f", read by {judge}" if judge else "")


def _heading(title: str, counts: dict[str, Counts]) -> list[str]:
    first, *_ = counts.values()
    size = f"{len(first.utts)} utterances, {first.words.sum()} words, {len(set(first.speakers))} speakers"
    width = max(map(len, counts))
    lines = [f"{title}: {size}"]
    for name, found in counts.items():
        seeds = f"  seeds: {' '.join(map(percent, found.wers))}" if len(found.wers) > 1 else "  one seed"
        lines.append(f"  {name:<{width}}  {percent(found.wer):>5} % WER{seeds}")
    return lines


def _pair(pair: dict[str, Any]) -> str:
    low, high = (100 * edge for edge in pair["ci95"])
    by_speaker = "one speaker"
    if "ci95_speakers" in pair:
        by_speaker = "[{:+.1f}, {:+.1f}] by speakers".format(*(100 * edge for edge in pair["ci95_speakers"]))
    return (
        f"  {pair['a']} - {pair['b']}: {100 * pair['difference']:+.1f} points, 95 % [{low:+.1f}, {high:+.1f}] by utterances, "
        f"{by_speaker}, {_chances(pair)}"
    )


def _chances(pair: dict[str, Any]) -> str:
    p, corrected = (f"= {value:.4f}" if value >= 0.0001 else "< 0.0001" for value in (pair["p"], pair["p_holm"]))
    return f"p {p}, with Holm's correction {corrected.removeprefix('= ')}"


def _told(words: dict[str, list[dict[str, Any]]], set_name: str, measure: str) -> list[str]:
    """What codes tell of words, by one measure."""
    first, *_ = words.values()
    size = f"{len(first[0]['without_utts'])} utterances, {len(first[0]['without_speakers'])} speakers"
    width = max(map(len, words))
    lines = [f"{MEASURES[measure]} above chance on {set_name}: {size}"]
    lines += [f"  {name:<{width}}  {measured(told(found, measure))}" for name, found in words.items()]
    for pair in differences(words, measure):
        low, high = pair["ci95"]
        by_speaker = "[{:+.3f}, {:+.3f}] by speakers".format(*pair["ci95_speakers"]) if "ci95_speakers" in pair else "one speaker"
        lines.append(
            f"  {pair['a']} - {pair['b']}: {pair['difference']:+.3f}, 95 % [{low:+.3f}, {high:+.3f}] by utterances, {by_speaker}, "
            f"{_chances(pair)}"
        )
    return lines


def _from_folders(name: str, folder: Path) -> Scored:
    # as exp/slm_x_t1_small_s2 is of exp/slm_x_small; exp/slm_x_small_s2.until_..., which other options made, is not
    beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
    seeds = [folder] if folder.is_dir() else sorted(path for path in beside if unseeded(path.name) == folder.name)
    seeds = [seed for seed in seeds if any((seed / file).is_file() for file in ("tokenizer", "tok_id"))]
    if not seeds:
        raise InputError(f"{folder}: no such system; give exp/slm_<tag>, exp/tok_<tag>, or results/benchmark.json:<row>")
    results: dict[Key, dict[str, dict[str, Any]]] = {}
    for seed in seeds:
        for key, path in _scores_in(seed):
            results.setdefault(key, {})[str(seed)] = read_json(path, 10 if key[1] == "asr" else 12, ("contract", "utts"))
    for (set_name, task), found in results.items():
        if len(found) < len(seeds):
            raise InputError(f"{folder}: not all of its {len(seeds)} seeds have {task} scores on {set_name}; run stages 9 to 12")
    contracts: dict[str, dict[str, Any]] = {}
    for task in dict.fromkeys(task for _, task in results):
        every = [(key[0], found) for key, found in results.items() if key[1] == task]
        contracts[task] = require_same(
            {f"{seed} on {set_name}": result["contract"] for set_name, found in every for seed, result in found.items()}
        )
    tok_ids = {str(seed): (tokenizer_of(seed) / "tok_id").read_text(encoding="utf-8").strip() for seed in seeds}
    counts = {key: counts_of(found, tok_ids) for key, found in results.items()}
    teachers = (teacher_of(read_config(tokenizer_of(seed) / "config.yaml", 4)) for seed in seeds)
    return Scored(name, frozenset(filter(None, teachers)), contracts, counts, _words(seeds))


def _words(seeds: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """What the codes of tokenizers tell of words, by set; nothing of language models."""
    probes: dict[str, list[dict[str, Any]]] = {}
    for path in (path for seed in seeds for path in sorted(seed.glob("eval/*/probes.json"))):
        probes.setdefault(path.parent.name, []).append(read_json(path, 6, PROBE_KEYS))
    return {name: words for name, found in probes.items() if len(found) == len(seeds) and (words := words_of(found))}


def _scores_in(folder: Path) -> list[tuple[Key, Path]]:
    """``result.json`` of a system of one seed, by (set, task); the controls of recognition are none."""
    found = []
    for path in sorted(folder.glob("asr_*/result.json")):
        if read_json(path.parent / "stats.json", 9, ("control",))["control"] is None:
            found.append(((path.parent.name.removeprefix("asr_"), "asr"), path))
    for path in sorted(folder.glob("tts_*/result.json")):
        found.append(((path.parent.name.removeprefix("tts_"), "tts"), path))
    for path in sorted(folder.glob("tts_*/second/result.json")):
        found.append(((path.parts[-3].removeprefix("tts_"), "tts" + SECOND), path))
    for path in sorted(folder.glob("eval/*/all/result.json")):
        found.append(((path.parts[-3], "resynthesis"), path))
    for path in sorted(folder.glob("eval/*/all/second/result.json")):
        found.append(((path.parts[-4], "resynthesis" + SECOND), path))
    return found


def _from_benchmark(name: str, path: Path, row: str) -> Scored:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give exp/slm_<tag>, exp/tok_<tag>, or results/benchmark.json:<row>")
    benchmark = read_json(path, 13, ("systems", "contract"))
    groups = {group["name"]: group["systems"] for group in benchmark.get("groups", [])}
    rows = {system["name"]: system for system in benchmark["systems"]}
    cells = groups.get(row) or ([row] if row in rows else None)  # a row of all seeds may have the name of its first
    if cells is None:
        raise InputError(f"{path}: has no row '{row}'; it has {', '.join(dict.fromkeys([*groups, *rows]))}")
    teachers = frozenset(rows[cell]["teacher"] for cell in cells if rows[cell]["teacher"])
    counts = read_counts(path.with_name("counts.tsv"), {cell: rows[cell]["tok_id"] for cell in cells})
    return Scored(name, teachers, {task: benchmark["contract"][PARTS[task]] for _, task in counts}, counts, {})
