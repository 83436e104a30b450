"""Systems that differ in their seeds alone are one row of a summary: their errors pooled, the spread of seeds beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lmspt.score.counts import Counts, counts_of, pooled
from lmspt.score.system import AUDIO, System


@dataclass(frozen=True)
class Group:
    """One tokenizer configuration and one language model configuration, under one or more seeds.

    Attributes:
        name: of its first system, without the seed.
        systems: one a seed.
        asr: errors by set, of recognition from its own tokens.
        judged: errors by set and ``AUDIO``; empty if it cannot speak. Resynthesis has a row of errors a tokenizer.
    """

    name: str
    systems: tuple[System, ...]
    asr: dict[str, Counts]
    judged: dict[str, dict[str, Counts]]

    @property
    def first(self) -> System:
        """The system that stands for what all seeds have in common."""
        return self.systems[0]

    def errors(self, name: str, task: str) -> Counts | None:
        """Errors on a set in ``asr`` or of one of ``AUDIO``; nothing if it cannot speak."""
        return self.asr[name] if task == "asr" else self.judged.get(name, {}).get(task)

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
    first, several = systems[0], len(systems) > 1
    judged: dict[str, dict[str, Counts]] = {}
    if first.speaks:
        for name in sets:
            # systems of one tokenizer share what it resynthesised
            read = {audio: {(s.name if audio == "tts" else s.tok_id): s.judged[name][audio] for s in systems} for audio in AUDIO}
            judged[name] = {audio: counts_of(results) for audio, results in read.items()}
    return Group(
        name=re.sub(r"_s\d+$", "", first.name) if several else first.name,
        systems=tuple(systems),
        asr={name: counts_of({s.name: s.asr[name]["own"] for s in systems}) for name in sets},
        judged=judged,
    )
