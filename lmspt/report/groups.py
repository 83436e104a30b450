"""Systems that differ in their seeds alone are one row of a summary: their errors pooled, the spread of seeds beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lmspt.report.counts import SECOND, Counts, counts_of, pooled
from lmspt.report.system import READ_IN, Result, System

SEEDS = re.compile(r"_t\d+(?=_|$)|_s\d+$")


@dataclass(frozen=True)
class Group:
    """One tokenizer configuration and, if there is one, one language model configuration, under one or more seeds.

    Attributes:
        name: of its first system, without the seeds that differ.
        systems: one a seed.
        asr: errors by set, of recognition from its own tokens; empty without a language model.
        judged: errors by set and ``AUDIO``; empty if it cannot speak. Resynthesis has a row of errors a tokenizer.
        second: as ``judged``, by the second judge; empty if there is none.
    """

    name: str
    systems: tuple[System, ...]
    asr: dict[str, Counts]
    judged: dict[str, dict[str, Counts]]
    second: dict[str, dict[str, Counts]]

    @property
    def first(self) -> System:
        """The system that stands for what all seeds have in common."""
        return self.systems[0]

    @property
    def tokenizers(self) -> list[System]:
        """A system for each of its tokenizers."""
        return list({system.tok_id: system for system in self.systems}.values())

    def errors(self, name: str, task: str) -> Counts | None:
        """Errors on a set in a task, or of what was said (a key of ``AUDIO``); nothing if there was nothing."""
        if task == "asr":
            return self.asr.get(name)
        judged, task = self.second if task.endswith(SECOND) else self.judged, task.removesuffix(SECOND)
        return judged.get(name, {}).get(READ_IN.get(task, task))

    def summary(self, name: str, task: str) -> dict[str, Any] | None:
        """Error rate, with its intervals and seeds; of the tasks of :meth:`errors`."""
        counts = self.errors(name, task)
        return pooled(counts) if counts else None


def groups_of(systems: Iterable[System], sets: Sequence[str]) -> tuple[Group, ...]:
    """Groups in the order of their first systems.

    Raises:
        InputError: systems of one group were scored on other utterances.
    """
    alike: dict[str, list[System]] = {}
    for system in systems:
        configs = [{key: value for key, value in c.items() if key != "seed"} for c in (system.config, system.slm_config)]
        alike.setdefault(json.dumps(configs, sort_keys=True), []).append(system)
    return tuple(_group(members, sets) for members in alike.values())


def _group(systems: Sequence[System], sets: Sequence[str]) -> Group:
    tok_ids = {system.name: system.tok_id for system in systems}
    return Group(
        name=_name(systems),
        systems=tuple(systems),
        asr={name: counts_of({s.name: s.asr[name]["own"] for s in systems}, tok_ids) for name in sets if systems[0].has_model},
        judged=_readings([(system, system.judged) for system in systems]),
        second=_readings([(system, system.second) for system in systems]),
    )


# for the notes of tables; see lmspt.score.bootstrap
UNSEEN = "What is of one training, or of one language model on it, knows nothing of others, of two or three too little."


def unseeded(name: str) -> str:
    """A system's name without the seeds of its tokenizer and of its language model."""
    return SEEDS.sub("", name)


def _name(systems: Sequence[System]) -> str:
    """Of the first system, without the seeds in which others differ."""
    name, tok = systems[0].name, systems[0].tokenizer.name.removeprefix("tok_")
    if len({system.tok_id for system in systems}) > 1:
        name = name.replace(tok, re.sub(r"_t\d+$", "", tok), 1)
    return re.sub(r"_s\d+$", "", name) if len(systems) > 1 else name


def _readings(systems: Sequence[tuple[System, dict[str, dict[str, Result]]]]) -> dict[str, dict[str, Counts]]:
    """Errors that a judge found, by set and ``AUDIO``; systems of one tokenizer share what it resynthesised."""
    _, first = systems[0]
    tok_ids = {name: system.tok_id for system, _ in systems for name in (system.name, system.tok_id)}
    return {
        name: {
            audio: counts_of({(s.name if audio == "tts" else s.tok_id): read[name][audio] for s, read in systems}, tok_ids)
            for audio in first[name]
        }
        for name in first
    }
