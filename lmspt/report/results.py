"""What an experiment's stages 4 to 12 found, read from their files: whole, agreeing, comparable, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lmspt.errors import InputError
from lmspt.report.counts import SECOND, TASKS, comparisons
from lmspt.report.groups import Group, groups_of
from lmspt.report.markers import RECOGNISED, SCORED, Marker, read_markers, reported_markers
from lmspt.report.probe_tables import Values, correlations, probed
from lmspt.report.system import (
    CANNOT_SPEAK,
    HEARD,
    RATE_KEYS,
    SPEECH_KEYS,
    Result,
    System,
    read_json,
    read_second,
    read_system,
)
from lmspt.report.told import MEASURES, differences, told, words_of
from lmspt.score.contract import PARTS, require_same


@dataclass(frozen=True)
class Experiment:
    """Systems that were scored alike.

    Attributes:
        sets: test sets.
        valid: validation set.
        systems: in the order given.
        groups: those that differ in their seeds alone, together.
        groundtruth: ``result.json`` of the recordings, by set; empty if no judge was asked.
        second: the same, by the second judge; empty if there is none.
        contract: of ``asr``, ``speech``, ``codec`` and ``second`` scores.
        markers: of what was done for them.
    """

    sets: tuple[str, ...]
    valid: str
    systems: tuple[System, ...]
    groups: tuple[Group, ...]
    groundtruth: dict[str, Result]
    second: dict[str, Result]
    contract: dict[str, Any]
    markers: list[Marker]

    @property
    def has_models(self) -> bool:
        """Are there language models, or tokenizers alone?"""
        return self.systems[0].has_model

    @property
    def spoken(self) -> tuple[str, ...]:
        """The task by which speech is compared, if a judge has read it; where a second has, by that, too."""
        if not self.groundtruth:
            return ()
        task = "tts" if self.has_models else "resynthesis"
        return (task, task + SECOND) if self.second else (task,)

    @property
    def tasks(self) -> tuple[str, ...]:
        """What systems are compared by; tokenizers alone that no judge has read, by their probes, which are no task."""
        return ("asr", *self.spoken) if self.has_models else self.spoken

    @property
    def tokenizers(self) -> dict[str, list[System]]:
        """Systems by the name of their tokenizer: what was found of it is the same for all of them."""
        found: dict[str, list[System]] = {}
        for system in self.systems:
            found.setdefault(system.tokenizer.name.removeprefix("tok_"), []).append(system)
        return found

    def title(self, task: str, what: str) -> str:
        """How ``what`` of a task is called: ``TTS WER``, or ``TTS WER by ctc`` where there are two judges."""
        judge = self.contract[PARTS[task]].get("judge", {}).get("name")
        return f"{TASKS[task]} {what}" + (f" by {judge}" if judge and self.second else "")

    @cached_property
    def comparisons(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """All pairs of groups, by set and task."""
        return {name: {task: self._compared(name, task) for task in self.tasks} for name in self.sets}

    @cached_property
    def probes(self) -> dict[str, dict[str, Values]]:
        """Of the tokens of each group, by set and group."""
        return {name: {group.name: probed(group, name) for group in self.groups} for name in self.sets}

    @cached_property
    def told(self) -> dict[str, dict[str, dict[str, Result]]]:
        """PNMI and purity above chance, by set, group and measure, of groups whose probes have intervals."""
        return {
            name: {group: {measure: told(words, measure) for measure in MEASURES} for group, words in self._words(name).items()}
            for name in self.sets
        }

    @cached_property
    def told_comparisons(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """All pairs of these groups, by set and measure."""
        return {name: {measure: differences(self._words(name), measure) for measure in MEASURES} for name in self.sets}

    @cached_property
    def probe_correlations(self) -> dict[str, dict[str, dict[str, Any]]]:
        """With what language models make of the tokens, by set, probe and task; of no set without language models."""
        return {name: correlations(self.probes[name], self._wers(name)) for name in self.sets if self.has_models}

    def _words(self, name: str) -> dict[str, list[Result]]:
        """What the tokenizers of each group tell of words, with what intervals are made of."""
        found = {group.name: words_of([system.probes[name] for system in group.tokenizers]) for group in self.groups}
        return {group: words for group, words in found.items() if words}

    def _wers(self, name: str) -> dict[str, dict[str, float]]:
        """Mean error rates of the groups that were scored, by task and group."""
        return {
            task: {group.name: counts.wer for group in self.groups if (counts := group.errors(name, task))} for task in self.tasks
        }

    def _compared(self, name: str, task: str) -> list[dict[str, Any]]:
        errors = {group.name: group.errors(name, task) for group in self.groups}
        return comparisons({group: counts for group, counts in errors.items() if counts})


def read_experiment(
    folders: Sequence[Path],
    sets: Sequence[str],
    valid: str,
    groundtruth: Path | None,
    done: Sequence[Path],
    second_judge: bool = False,
) -> Experiment:
    """Read the results of the systems in ``folders``.

    Args:
        folders: ``exp/slm_<tok tag>_<slm tag>``, each with a file ``tokenizer`` that holds the path of its tokenizer; or
            tokenizers alone, ``exp/tok_<tok tag>``.
        sets: test sets.
        valid: validation set.
        groundtruth: ``exp/groundtruth``; None where no judge was asked.
        done: ``data/.done``, ``dump/.done``, ``exp/.done``.
        second_judge: has a second judge read what was spoken?

    Raises:
        InputError: a file is missing or lacks a part, contracts differ, systems were scored on other utterances, or only some are
            tokenizers alone.
    """
    n_judges = 0 if groundtruth is None else 1 + second_judge
    systems = tuple(read_system(folder, sets, valid, n_judges) for folder in folders)
    if len({system.has_model for system in systems}) > 1:
        alone = next(system.folder for system in systems if not system.has_model)
        raise InputError(f"{alone} is a tokenizer alone, others are language models: report them in two folders of results")
    recordings, second = {}, {}
    if n_judges:
        recordings = {name: read_json(groundtruth / name / "result.json", 12, RATE_KEYS + SPEECH_KEYS) for name in sets}
    if n_judges > 1:
        second = {name: read_second(groundtruth / name) for name in sets}
    contract = _contract(systems, {f"recordings, {name}": result for name, result in recordings.items()})
    if second:
        contract["second"] = require_same(_second_contracts(systems, second))
    for name in sets:
        _require_same_utts({f"{s.name}, {heard}": found for s in systems for heard, found in s.asr.get(name, {}).items()})
        judged = {f"{s.name}, {audio}": found for s in systems for audio, found in s.judged.get(name, {}).items()}
        again = {f"{s.name}, {audio}, second judge": found for s in systems for audio, found in s.second.get(name, {}).items()}
        _require_same_utts({**({"recordings": recordings[name]} if recordings else {}), **judged, **again})
    folders_of = [(system.folder, system.tokenizer, system.tok_id) for system in systems]
    markers = reported_markers(read_markers(done), folders_of, SCORED if n_judges else RECOGNISED)
    return Experiment(tuple(sets), valid, systems, groups_of(systems, sets), recordings, second, contract, markers)


def _contract(systems: Iterable[System], recordings: dict[str, Result]) -> dict[str, Any]:
    """The contract that all results of a kind have; those of texts and of speech have their normaliser in common."""
    asr, speech, codec = {}, {place: result["contract"] for place, result in recordings.items()}, {}
    for system in systems:
        for name, results in system.asr.items():
            asr |= {str(system.folder / f"asr_{name}{HEARD[heard]}"): r["contract"] for heard, r in results.items()}
        for name, results in system.judged.items():
            speech |= {f"{system.name}, {name}, {audio}": r["contract"] for audio, r in results.items()}
        codec |= {str(system.tokenizer / "eval" / name): r["contract"] for name, r in system.codec.items()}
    found: dict[str, Any] = {}
    if asr:
        found["asr"] = require_same(asr)
    if speech:
        found["speech"] = require_same(speech)
    if asr and speech:
        text = found["asr"]
        require_same({"what the recogniser wrote": text, "what the judge read": _text_part(found["speech"], text)})
    return {**found, "codec": require_same(codec) if codec else {"not_run": CANNOT_SPEAK}}


def _second_contracts(systems: Iterable[System], recordings: dict[str, Result]) -> dict[str, Any]:
    """Contracts of all that the second judge read, by what it is."""
    contracts = {f"recordings, {name}, second judge": result["contract"] for name, result in recordings.items()}
    for system in systems:
        for name, results in system.second.items():
            contracts |= {f"{system.name}, {name}, {audio}, second judge": r["contract"] for audio, r in results.items()}
    return contracts


def _text_part(contract: dict[str, Any], text: dict[str, Any]) -> dict[str, Any]:
    """What a contract of speech says of the things that a contract of texts names."""
    part = {key: contract.get(key) for key in text}
    part["versions"] = {package: (part["versions"] or {}).get(package) for package in text["versions"]}
    return part


def _require_same_utts(results: dict[str, Result]) -> None:
    first, result = next(iter(results.items()), ("", {}))
    for name, other in results.items():
        differing = {u["utt"] for u in result["utts"]} ^ {u["utt"] for u in other["utts"]}
        if differing:
            raise InputError(
                f"set {result['set']}: {first} and {name} were scored on other utterances, e.g. '{min(differing)}'; "
                "run stages 9 to 12 for both with the same --max_eval_utts"
            )
