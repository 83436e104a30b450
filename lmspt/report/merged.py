"""``RESULTS.md`` of published tables that were put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import Any

from lmspt.report.benchmark import UNREAD
from lmspt.report.counts import SECOND, title_of
from lmspt.report.differences import differences_table
from lmspt.report.groups import UNSEEN
from lmspt.report.markdown import flat, markdown
from lmspt.report.probe_tables import correlation_tables, probe_table
from lmspt.report.speech_tables import RECORDINGS
from lmspt.report.summaries import pooled_rate
from lmspt.report.system import Result
from lmspt.report.table import NONE, Table, mean, percent, rate

KIND = ("Hz", "bit/s", "objective", "teacher")
SOUND = (("speaker_similarity",), ("dnsmos", "ovrl"), ("distillmos",))


def merged_md(name: str, benchmark: dict[str, Any], pictures: Iterable[str]) -> str:
    """Parts, contract, pictures (files beside it) and tables of a joint ``benchmark.json`` (:func:`lmspt.report.merge.merge`)."""
    lines = [
        "# RESULTS",
        "",
        f"Recipe {name}. Error rates in percent, with 95 % bootstrap intervals over utterances and seeds.",
        "",
    ]
    lines += ["Put together of", "", *(f"- `{part}`" for part in benchmark["parts"]), "", "which have the commands.", ""]
    lines += ["## Contract", "", *(f"- {key}: `{value}`" for key, value in flat(benchmark["contract"])), "", "## Scores", ""]
    lines += [line for file in pictures for line in (f"![{file.removesuffix('.svg').replace('_', ' on ')}]({file})", "")]
    for set_name in benchmark["comparisons"]:
        for table in _tables(benchmark, set_name):
            lines += [f"### {table.title}", "", table.note, "", markdown(table), ""]
    return "\n".join(lines)


def _tables(benchmark: dict[str, Any], name: str) -> Iterator[Table]:
    """Those of a set, systems by their rate, and at one rate by their errors in the first task."""
    tasks = benchmark["comparisons"][name]
    first = next(iter(tasks))
    by_rate = sorted(benchmark["groups"], key=lambda group: (-group["frame_rate"], group[first][name].get("wer", inf)))
    benchmark = {**benchmark, "groups": by_rate}
    titles = {task: title_of(task) for task in tasks}
    yield _summary(benchmark, name, titles)
    yield _sound(benchmark, name)
    yield probe_table(name, {group["name"]: group["probes"][name] for group in benchmark["groups"]}, {})
    if name in benchmark["probe_correlations"]:
        with_wers = {task: f"{title} WER" for task, title in titles.items()}
        yield from correlation_tables(name, benchmark["probe_correlations"][name], with_wers)
    yield from (differences_table(f"{titles[task]} differences on `{name}`", pairs) for task, pairs in tasks.items() if pairs)


def _summary(benchmark: dict[str, Any], name: str, titles: dict[str, str]) -> Table:
    read = [task != "asr" and not task.endswith(SECOND) for task in titles]  # by the judge that read the recordings
    controlled = ("ASR controls",) if "asr" in titles else ()
    head = ("system", "seeds", *(f"{title} WER" for title in titles.values()), *controlled, *KIND)
    rest = [NONE] * (len(head) - 2 - len(titles))
    rows = _recordings(benchmark, name, lambda scores: [NONE, *(rate(scores) if judged else NONE for judged in read), *rest])
    for group in benchmark["groups"]:
        scores = (_score(group, task, name) for task in titles)
        controls = [_controls(benchmark, name, group["systems"])] if controlled else []
        kind = (f"{group['frame_rate']:g}", f"{group['bitrate']:.0f}", group["objective"], group["teacher"] or "none")
        rows.append((group["name"], str(len(group["systems"])), *scores, *controls, *kind))
    return Table(
        f"Summary on `{name}`",
        "Means over tokenizers, of means over the language models on each; an interval for tokenizers, language models and "
        f"utterances drawn together, ± the standard deviation of all seeds; in brackets of how many, if not of all. {UNSEEN} By "
        "rate, then by the errors of the first column. Recordings: the (first) judge reads the originals. ASR controls: given "
        "another utterance's tokens / its own shuffled in time.",
        head,
        rows,
    )


def _score(group: Result, task: str, name: str) -> str:
    score, n_systems = group[task][name], len(group["systems"])
    some = f" ({score['seeds']['n']})" if "seeds" in score and score["seeds"]["n"] < n_systems else ""
    return pooled_rate(score) + some


def _controls(benchmark: dict[str, Any], name: str, systems: Sequence[str]) -> str:
    rows = [row["controls"].get(name, {}) for row in benchmark["systems"] if row["name"] in systems]
    rows = [row for row in rows if "asr_other" in row]  # of language models that were scored on this set
    if not rows:
        return NONE
    means = (sum(row[f"asr_{heard}"]["wer"] for row in rows) / len(rows) for heard in ("other", "shuffled"))
    return " / ".join(map(percent, means))


def _sound(benchmark: dict[str, Any], name: str) -> Table:
    """How the tokenizers' own speech sounds, a row each; what it has of a codec if the parts measured that alike."""
    codec = {"stoi": "STOI", "pesq": "PESQ", "mel_distance": "mel distance, dB"} if "codec" in benchmark["contract"] else {}
    rows = _recordings(benchmark, name, lambda scores: [*(_mean(scores, *keys) for keys in SOUND), *[NONE] * len(codec)])
    seen = set()
    for row in benchmark["systems"]:
        spoken = row["controls"].get(name, {}).get("resynthesis_all", UNREAD)
        if "not_run" in spoken or row["tok_id"] in seen:
            continue
        seen.add(row["tok_id"])
        to_recording = (_mean(row["codec"][name], key) for key in codec)
        rows.append((row["name"], *(_mean(spoken, *keys) for keys in SOUND), *to_recording))
    return Table(
        f"Sound on `{name}`",
        "Of the resynthesis from all streams, each tokenizer once. Speaker similarity: cosine to other recordings of the same "
        "speaker. DNSMOS (overall) and DistillMOS: predicted opinions, 1 to 5. STOI, PESQ (wide band) and the distance of mels, "
        "where all parts measured them alike: to the recording.",
        ("system", "speaker similarity", "DNSMOS", "DistillMOS", *codec.values()),
        rows,
    )


def _recordings(benchmark: dict[str, Any], name: str, show: Callable[[Result], Sequence[str]]) -> list[tuple[str, ...]]:
    """Rows of the recordings: one, if ``show`` finds the same cells in the scores of all parts (at another place a judge may read
    a word otherwise)."""
    readings = (row["controls"].get(name, {}).get("groundtruth") for row in benchmark["systems"])
    cells = dict.fromkeys(tuple(show(reading)) for reading in readings if reading)
    return [(f"{RECORDINGS} ({i})" if len(cells) > 1 else RECORDINGS, *row) for i, row in enumerate(cells, 1)]


def _mean(scores: Result, *keys: str) -> str:
    """A mean, if it was measured; the part says why not."""
    for key in keys:
        scores = scores.get(key, {})
    return mean(scores) if "mean" in scores else NONE
