"""Errors of each utterance under each seed of a system: what intervals and comparisons are made of.

``counts.tsv`` holds those of an experiment, beside its ``benchmark.json``: a line an utterance, a column a system.

    set   task  utt          speaker  words  resynthesis_12.5hz_small_s1  kmeans_12.5hz_small_s1
    test  asr   george-0006  george   4      0                            1
    test  tts   george-0006  george   4      2                            -

Tasks are those of ``TASKS``: tokenizers without a language model are scored on their resynthesis; ``_second`` is what a second
judge read in the same speech.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmspt.errors import InputError
from lmspt.files import write_text
from lmspt.score.bootstrap import holm, paired_differences, ratio_interval, sums_by

SECOND = "_second"
TASKS = {"asr": "ASR", "tts": "TTS", "tts_second": "TTS", "resynthesis": "resynthesis", "resynthesis_second": "resynthesis"}
HEAD = ("set", "task", "utt", "speaker", "words")
NONE = "-"  # of a system that was not scored on the task

Heard = Mapping[str, tuple[str, int]]


def title_of(task: str) -> str:
    """What an error rate in a task is called, beside those of others."""
    return TASKS[task] + (", second judge," if task.endswith(SECOND) else "")


@dataclass(frozen=True)
class Counts:
    """One system on one set.

    Attributes:
        utts, speakers: of length N, utterances in their order.
        words: (N,) of the references.
        errors: (S, N), a row a seed.
        tokenizers: of length S, whose language model, or whose speech, a row is about.
    """

    utts: tuple[str, ...]
    speakers: tuple[str, ...]
    words: np.ndarray
    errors: np.ndarray
    tokenizers: tuple[str, ...]

    @property
    def wer(self) -> float:
        """Mean over tokenizers of the mean over the seeds of each."""
        return float(np.mean([block.sum(axis=1).mean() for block in self.blocks])) / int(self.words.sum())

    @property
    def heard(self) -> Heard:
        """Speaker and number of words by utterance."""
        return dict(zip(self.utts, zip(self.speakers, self.words.tolist(), strict=True), strict=True))

    @property
    def blocks(self) -> list[np.ndarray]:
        """Errors (S, N) of the seeds of each tokenizer."""
        rows = np.array(self.tokenizers)
        return [self.errors[rows == tokenizer] for tokenizer in dict.fromkeys(self.tokenizers)]

    @property
    def wers(self) -> list[float]:
        """Error rate of each seed."""
        return (self.errors.sum(axis=1) / self.words.sum()).tolist()

    def of_speaker(self, speaker: str) -> Counts:
        """The part of one speaker."""
        own = [i for i, name in enumerate(self.speakers) if name == speaker]
        utts = tuple(self.utts[i] for i in own)
        return Counts(utts, (speaker,) * len(own), self.words[own], self.errors[:, own], self.tokenizers)


def counts_of(results: Mapping[str, dict[str, Any]], tok_ids: Mapping[str, str] | None = None) -> Counts:
    """Counts of one set under several seeds.

    Args:
        results: ``result.json`` by the name of its system or its path.
        tok_ids: of their tokenizers, by the same names; by default they have one in common.

    Raises:
        InputError: they are not of the same utterances, or were written before they told speakers.
    """
    rows = {name: {row["utt"]: row for row in result["utts"]} for name, result in results.items()}
    first, *_ = rows
    utts = tuple(sorted(rows[first]))
    for name, found in rows.items():
        if any("speaker" not in row for row in found.values()):
            raise InputError(f"{name}: its utterances have no 'speaker'; score it again (stage 10 or 12)")
        require_alike(first, heard(rows[first].values()), name, heard(found.values()))
    speakers = tuple(rows[first][utt]["speaker"] for utt in utts)
    words = np.array([rows[first][utt]["n_words"] for utt in utts])
    errors = np.array([[found[utt]["errors"] for utt in utts] for found in rows.values()])
    return Counts(utts, speakers, words, errors, tuple(tok_ids[name] if tok_ids else "" for name in rows))


def heard(rows: Iterable[Mapping[str, Any]]) -> Heard:
    """Speaker and number of words by utterance, of the rows of a ``result.json``."""
    return {row["utt"]: (row["speaker"], row["n_words"]) for row in rows}


def require_alike(first: str, utts: Heard, second: str, others: Heard) -> None:
    """Check that two systems were scored on the same utterances.

    Raises:
        InputError: naming one that only one of them has, or that is of another speaker or has other words.
    """
    if differing := utts.keys() ^ others.keys():
        utt = min(differing)
        has, lacks = (first, second) if utt in utts else (second, first)
        raise InputError(
            f"{lacks} has no score of utterance '{utt}', which {has} has ({len(differing)} differ in all); "
            "score both with the same --max_eval_utts"
        )
    for utt, found in utts.items():
        if found != others[utt]:
            (speaker, n), (their_speaker, their_n) = found, others[utt]
            raise InputError(
                f"utterance '{utt}' is {n} words of {speaker} to {first}, and {their_n} words of {their_speaker} to {second}: "
                "they were scored on other data; score both on the same"
            )


def pooled(counts: Counts) -> dict[str, Any]:
    """Error rate over all seeds as a part of ``benchmark.json``: its intervals, and the spread of the seeds."""
    result: dict[str, Any] = {"wer": counts.wer, "ci95": ratio_interval(counts.blocks, counts.words)}
    if len(set(counts.speakers)) > 1:
        result["ci95_speakers"] = ratio_interval(_by_speaker(counts), sums_by(counts.speakers, counts.words))
    seeds = {"n": len(counts.wers), "wer": counts.wers}
    if len(counts.wers) > 1:
        seeds["sd"] = float(np.std(counts.wers, ddof=1))
    return {**result, "seeds": seeds, "n_utts": len(counts.utts), "n_words": int(counts.words.sum())}


def comparisons(systems: Mapping[str, Counts]) -> list[dict[str, Any]]:
    """All pairs of systems on one set: difference of error rates, its intervals by utterance and by speaker, p.

    ``p_holm`` is corrected for the number of pairs.

    Raises:
        InputError: they were not scored on the same utterances.
    """
    if len(systems) < 2:
        return []
    (first, counts), *others = systems.items()
    for name, other in others:
        require_alike(first, counts.heard, name, other.heard)
    pairs = paired_differences({name: found.blocks for name, found in systems.items()}, counts.words)
    if len(set(counts.speakers)) > 1:
        sums = {name: _by_speaker(found) for name, found in systems.items()}
        for pair, by_speaker in zip(pairs, paired_differences(sums, sums_by(counts.speakers, counts.words)), strict=True):
            pair["ci95_speakers"] = by_speaker["ci95"]
    for pair, p in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p_holm"] = p
    return pairs


def _by_speaker(counts: Counts) -> list[np.ndarray]:
    return [sums_by(counts.speakers, block) for block in counts.blocks]


def write_counts(path: Path, results: Mapping[tuple[str, str], Mapping[str, dict[str, Any]]]) -> None:
    """Write ``counts.tsv``.

    Args:
        path: of the file.
        results: by (set, task), ``result.json`` by system, each system of one seed.
    """
    names = list(dict.fromkeys(name for found in results.values() for name in found))
    lines = ["\t".join([*HEAD, *names])]
    for (set_name, task), found in results.items():
        if not found:
            continue
        counts = counts_of(found)
        columns = dict(zip(found, counts.errors.tolist(), strict=True))
        for i, utt in enumerate(counts.utts):
            errors = (str(columns[name][i]) if name in columns else NONE for name in names)
            lines.append("\t".join([set_name, task, utt, counts.speakers[i], str(counts.words[i]), *errors]))
    write_text(path, "\n".join(lines) + "\n")


def read_counts(path: Path, tok_ids: Mapping[str, str]) -> dict[tuple[str, str], Counts]:
    """Counts of one system, by (set, task).

    Args:
        path: ``counts.tsv``.
        tok_ids: columns of the system's seeds, and whose tokenizer each has; those count that were scored on the task.

    Raises:
        InputError: no such file or column, a line that is none, or a seed that has only some utterances of a set.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file, so utterances cannot be compared; run stage 13 (report) again")
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    columns = head.split("\t")
    if lacking := [name for name in (*HEAD, *tok_ids) if name not in columns]:
        raise InputError(f"{path}: has no column '{lacking[0]}'; run stage 13 (report) again")
    found: dict[tuple[str, str], list[tuple[str, str, int, dict[str, int]]]] = {}
    for number, line in enumerate(lines, 2):
        try:
            cells = dict(zip(columns, line.split("\t"), strict=True))
            if errors := {name: int(cells[name]) for name in tok_ids if cells[name] != NONE}:
                row = (cells["utt"], cells["speaker"], int(cells["words"]), errors)
                found.setdefault((cells["set"], cells["task"]), []).append(row)
        except ValueError:
            raise InputError(f"{path}:{number}: '{line[:60]}' is no line of counts; run stage 13 (report) again") from None
    for (set_name, task), rows in found.items():
        if len({tuple(errors) for *_, errors in rows}) > 1:
            raise InputError(f"{path}: a seed has {task} scores of only some utterances of {set_name}; run stage 13 (report) again")
    return {key: _counts(rows, tok_ids) for key, rows in found.items()}


def _counts(rows: list[tuple[str, str, int, dict[str, int]]], tok_ids: Mapping[str, str]) -> Counts:
    utts, speakers, words, errors = zip(*rows, strict=True)
    tokenizers = tuple(tok_ids[name] for name in errors[0])
    return Counts(utts, speakers, np.array(words), np.array([list(row.values()) for row in errors]).T, tokenizers)
