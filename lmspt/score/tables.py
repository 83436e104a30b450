"""The tables of an experiment, as text. Rates are printed in percent, intervals are of 95 %."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import log2

import numpy as np

from lmspt.data.variation import SHIFTS
from lmspt.score.amounts import amounts_table
from lmspt.score.bootstrap import ratio_interval
from lmspt.score.counts import pooled
from lmspt.score.groups import Group
from lmspt.score.judges import judges_table
from lmspt.score.markers import markers_of, seconds_of, shared_markers, taken_up
from lmspt.score.probe_tables import correlation_tables, probe_table
from lmspt.score.results import Experiment
from lmspt.score.system import CANNOT_SPEAK, CODEC_KEYS, HEARD, Result
from lmspt.score.table import NONE, NOT_RUN, Table, mean, measured, percent, percents, rate
from lmspt.score.told import MEASURES

RECORDINGS = "recordings"
NO_SPEECH = {"not_run": "no decoder"}
SPOKEN = {"all": "resynthesis, all streams", "semantic": "resynthesis, semantic only", "tts": "TTS"}
READ = {"own": "its tokens", "other": "another utterance's tokens", "shuffled": "its tokens, shuffled in time"}
COUNTS = ("Snt", "Wrd", "Corr", "Sub", "Del", "Ins", "Err", "by speaker", "S.Err", "CER")
KIND = ("Hz", "bit/s", "in use %", "objective", "teacher")  # of a system, in the summaries
SHARED = "all systems"


def tables_of(experiment: Experiment) -> list[Table]:
    """All tables, the summaries first."""
    tables, with_models = [], experiment.has_models
    of_speech = (_tts, _sound, _speakers) if experiment.groundtruth else ()
    summaries = (_summary, _asr) if with_models else (_resynthesis,) if experiment.groundtruth else (_tokens,)
    for of_set in (*summaries, *of_speech):
        first, *others = (of_set(experiment, name) for name in experiment.sets)
        tables += [first, *(replace(table, note="As above.") for table in others)]
    if experiment.second:
        tables += [judges_table(experiment, name, SPOKEN) for name in experiment.sets]
    tables += [table for name in experiment.sets for table in _differences(experiment, name)]
    for name in experiment.sets:
        tables.append(probe_table(name, experiment.probes[name], experiment.told[name]))
        tables += _told_differences(experiment, name)
        if with_models:
            titles = {task: experiment.title(task, "WER") for task in experiment.tasks}
            tables += correlation_tables(name, experiment.probe_correlations[name], titles)
    tables += [_codec(experiment), _codebooks(experiment), _edit_distance(experiment)]
    if with_models:
        tables.append(amounts_table(experiment))
    return [*tables, _seconds(experiment)]


def semantic(tokens: Result) -> Result:
    """The semantic stream of a ``tokens.json``."""
    return next(stream for stream in tokens["streams"].values() if stream["semantic"])


def semantic_bitrate(tokens: Result) -> float:
    """Nominal bits per second of the semantic stream alone."""
    return tokens["frame_rate"] * log2(semantic(tokens)["size"])


def _summary(experiment: Experiment, name: str) -> Table:
    spoken, rows = experiment.spoken, []
    if spoken:
        by_judges = _recordings(experiment, name)
        rows.append((RECORDINGS, NONE, by_judges[0], *by_judges, *[NONE] * 6))
    for group in experiment.groups:
        controls = (np.mean([system.asr[name][control]["wer"] for system in group.systems]) for control in ("other", "shuffled"))
        rows.append(
            (
                group.name,
                pooled_rate(group.summary(name, "asr")),
                *([pooled_rate(group.summary(name, "all"))] if spoken else []),
                *(pooled_rate(group.summary(name, task)) for task in spoken),
                " / ".join(map(percent, controls)),
                *_kind(experiment, group),
            )
        )
    titles = (experiment.title(task, "WER") for task in spoken)
    of_speech = "No judge was asked: speech is not compared. "
    if spoken:
        of_speech = (
            f"Resynthesis: the judge ({_judge(experiment)}) reads the tokenizer's own speech, no language model between. TTS: a "
            "judge reads what the language model spoke. Recordings: it reads the originals. "
        )
    return Table(
        f"Summary on `{name}`",
        f"ASR: the language model writes what semantic tokens say. {of_speech}Controls: ASR given another utterance's tokens / its "
        "own shuffled in time. The k-means row is the topline of the teacher's own features. In use: codes of the semantic stream, "
        f"on `{experiment.valid}`. Several seeds: their mean, an interval for seeds and utterances drawn together, ± the standard "
        "deviation of the seeds.",
        ("system", "ASR WER", *(["resynthesis WER"] if spoken else []), *titles, "ASR controls", *KIND),
        rows,
    )


def _resynthesis(experiment: Experiment, name: str) -> Table:
    """The summary of tokenizers alone."""
    rows = [(RECORDINGS, *_recordings(experiment, name), *[NONE] * (1 + len(KIND)))]
    for group in experiment.groups:
        tasks = (*experiment.spoken, "semantic")
        rows.append((group.name, *(pooled_rate(group.summary(name, task)) for task in tasks), *_kind(experiment, group)))
    titles = (experiment.title(task, "WER") for task in experiment.spoken)
    return Table(
        f"Summary on `{name}`",
        f"What a judge reads in the tokenizer's own speech, from all streams and ({_judge(experiment)}) from the semantic one "
        "alone (of a codec without one, from the first); recordings: in the originals. No language model was trained. In use: "
        f"codes of that stream, on `{experiment.valid}`. Several seeds: their mean, an interval for seeds and utterances drawn "
        "together, ± the standard deviation of the seeds.",
        ("system", *titles, "semantic only WER", *KIND),
        rows,
    )


def _tokens(experiment: Experiment, name: str) -> Table:
    """The summary of tokenizers alone that no judge has read."""
    rows = []
    for group in experiment.groups:
        told = experiment.told[name].get(group.name, {})
        measures = (measured(told[measure]) if told else NOT_RUN for measure in MEASURES)
        rows.append((group.name, *measures, *_kind(experiment, group)))
    return Table(
        f"Summary on `{name}`",
        "PNMI and purity: what a code of the semantic stream tells of the word, or phone, that is said, above what chance makes of "
        f"it. No language model was trained, and no judge asked. In use: codes of that stream, on `{experiment.valid}`. Intervals "
        "are over utterances and know nothing of another training.",
        ("system", *MEASURES.values(), *KIND),
        rows,
    )


def _recordings(experiment: Experiment, name: str) -> list[str]:
    """What the judges read in the recordings."""
    return [rate(results[name]) for results in (experiment.groundtruth, experiment.second) if results]


def _kind(experiment: Experiment, group: Group) -> tuple[str, ...]:
    """The columns ``KIND`` of a group."""
    tokens = group.first.tokens[experiment.valid]
    return (
        f"{tokens['frame_rate']:g}",
        f"{tokens['bitrate']:.0f}",
        percent(np.mean([semantic(system.tokens[experiment.valid])["use"] for system in group.systems])),
        group.first.objective,
        group.first.teacher or "none",
    )


def _judge(experiment: Experiment) -> str:
    return experiment.contract["speech"]["judge"]["name"]


def pooled_rate(summary: Result | None) -> str:
    """An error rate over seeds, of :func:`lmspt.score.counts.pooled`; of nothing, that there is no decoder."""
    spread = f" ± {percent(summary['seeds']['sd'])}" if summary and "sd" in summary.get("seeds", {}) else ""
    return rate(summary or NO_SPEECH) + spread


def _differences(experiment: Experiment, name: str) -> Iterator[Table]:
    """Every system against every other, a table a task."""
    for task, pairs in experiment.comparisons[name].items():
        if pairs:
            yield differences_table(f"{experiment.title(task, 'differences')} on `{name}`", pairs)


def _told_differences(experiment: Experiment, name: str) -> Iterator[Table]:
    """What the codes of every system tell against those of every other, a table a measure."""
    for measure, pairs in experiment.told_comparisons[name].items():
        if pairs:
            title = f"{MEASURES[measure]} differences on `{name}`"
            yield Table(
                title[0].upper() + title[1:],
                "Above chance, row minus column. *: p < 0.05 by a jackknife over utterances, with Holm's correction for "
                f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''}. Intervals, by utterance and by speaker: `benchmark.json`.",
                *_matrix(pairs, "{:+.2f}".format),
            )


def differences_table(title: str, pairs: Sequence[Result]) -> Table:
    """Every system against every other.

    Args:
        title: of the table.
        pairs: as :func:`lmspt.score.counts.comparisons` gives them.
    """
    return Table(
        f"{title[0].upper()}{title[1:]}",
        "Word error rate of the row minus that of the column, in points. *: p < 0.05 by a paired bootstrap over utterances "
        f"and seeds, with Holm's correction for {len(pairs)} pair{'s' if len(pairs) > 1 else ''}. Intervals, by "
        "utterance and by speaker, are in `benchmark.json`.",
        *_matrix(pairs, lambda difference: f"{100 * difference:+.1f}"),
    )


def _matrix(pairs: Sequence[Result], show: Callable[[float], str]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a table of differences, each system against each other."""
    groups = list(dict.fromkeys(group for pair in pairs for group in (pair["a"], pair["b"])))
    cells = {(a, a): NONE for a in groups}
    for pair in pairs:
        star = " *" if pair["p_holm"] < 0.05 else ""
        cells[pair["a"], pair["b"]] = show(pair["difference"]) + star
        cells[pair["b"], pair["a"]] = show(-pair["difference"]) + star
    head = ("system", *map(str, range(1, len(groups) + 1)))
    return head, [(f"{i} {a}", *(cells[a, b] for b in groups)) for i, a in enumerate(groups, 1)]


def _asr(experiment: Experiment, name: str) -> Table:
    rows = []
    if experiment.groundtruth:
        rows.append((RECORDINGS, "as they are, by the judge", *_counts(experiment.groundtruth[name]), NONE))
    for tag, systems in experiment.tokenizers.items():
        if systems[0].judged:
            rows.append((tag, f"{SPOKEN['all']}, by the judge", *_counts(systems[0].judged[name]["all"]), NONE))
        for system in systems:
            for heard in HEARD:
                result = system.asr[name][heard]
                rows.append((system.name, READ[heard], *_counts(result), str(result["no_end"])))
    return Table(
        f"ASR on `{name}`",
        "What the language model writes, in sclite's columns, and what the judge does, if one was asked. By speaker: the interval "
        "when speakers are drawn and not utterances. The controls must be near chance: what they still get right comes from the "
        "language model and not from the tokens. No end: it went on writing until it was stopped.",
        ("system", "what is read", *COUNTS, "no end"),
        rows,
        labels=2,
    )


def _counts(result: Result) -> tuple[str, ...]:
    """The columns of sclite's summary, in percent."""
    words, wrong = result["n_words"], sum(u["errors"] > 0 for u in result["utts"])
    shares = [words - result["sub"] - result["del"], result["sub"], result["del"], result["ins"]]
    by_speaker = percents(result["ci95_speakers"]) if "ci95_speakers" in result else "one speaker"
    return (
        str(result["n_utts"]),
        str(words),
        *(percent(share / words) for share in shares),
        rate(result),
        by_speaker,
        percent(wrong / result["n_utts"]),
        percent(result["cer"]),
    )


def _spoken(experiment: Experiment, name: str) -> Iterator[tuple[str, str, Result]]:
    """All audio of a set that the judge read: whose it is, what it is, result. Who cannot speak has a row, too."""
    yield RECORDINGS, "as they are", experiment.groundtruth[name]
    for tag, systems in experiment.tokenizers.items():
        if systems[0].speaks:
            yield from ((tag, SPOKEN[audio], systems[0].judged[name][audio]) for audio in ("all", "semantic"))
            yield from ((system.name, SPOKEN["tts"], system.judged[name]["tts"]) for system in systems if system.has_model)
        else:
            yield tag, CANNOT_SPEAK, NO_SPEECH


def _tts(experiment: Experiment, name: str) -> Table:
    rows = []
    for system, audio, result in _spoken(experiment, name):
        if result is NO_SPEECH:
            rows.append((system, audio))
        else:
            failures = result.get("failures", {})
            failed = (str(failures.get(key, NONE)) for key in ("not_ended", "repeated", "empty"))
            rows.append((system, audio, *_counts(result), str(result["judge_loops"]), *failed))
    return Table(
        f"{'TTS' if experiment.has_models else 'Resynthesis'} on `{name}`, read by {_judge(experiment)}",
        "The judge's errors on the recordings are its own. What resynthesis adds is the tokenizer's, what TTS adds to that is the "
        "language model's. Loops: readings in which the judge got stuck. Failures of TTS: speech without an end, speech stuck in a "
        "loop, nothing said.",
        ("system", "what is read", *COUNTS, "loops", "not ended", "repeated", "empty"),
        rows,
        labels=2,
    )


def _sound(experiment: Experiment, name: str) -> Table:
    scores = ("ovrl", "sig", "bak", "p808")
    rows = []
    for system, audio, result in _spoken(experiment, name):
        if result is NO_SPEECH:
            rows.append((system, audio))
        else:
            mos = (*(mean(result["dnsmos"][score]) for score in scores), mean(result["distillmos"]))
            similarity, duration = mean(result["speaker_similarity"]), mean(result["duration"]["ratio_to_reference"])
            rows.append((system, audio, similarity, *mos, duration))
    return Table(
        f"Sound on `{name}`",
        "Speaker similarity: cosine to other recordings of the same speaker. DNSMOS (overall, signal, background, P.808) and "
        "DistillMOS: predicted opinions, 1 to 5. Duration: ratio to the recording.",
        ("system", "audio", "speaker similarity", "DNSMOS overall", "signal", "background", "P.808", "DistillMOS", "duration"),
        rows,
        labels=2,
    )


def _speakers(experiment: Experiment, name: str) -> Table:
    speakers = experiment.groundtruth[name]["by_speaker"]
    lines = [
        ("speaker", *speakers),
        ("Wrd", *(str(result["n_words"]) for result in speakers.values())),
        (RECORDINGS, *map(rate, speakers.values())),
    ]
    for group in experiment.groups:
        for audio, counts in group.judged.get(name, {}).items():
            if audio == "semantic":
                continue
            lines.append((f"{group.name}: {SPOKEN[audio]}", *(rate(pooled(counts.of_speaker(speaker))) for speaker in speakers)))
    head, *rows = lines if len(lines) > len(speakers) else zip(*lines, strict=True)  # the longer side goes down
    note = "By the judge, who does not read all voices equally well. Systems that cannot speak are left out."
    return Table(f"WER by speaker on `{name}`", note, head, rows)


def _codec(experiment: Experiment) -> Table:
    rows = [(f"{RECORDINGS} (by definition)", "all", "1.00", "4.64", "0.00")]
    for tag, (system, *_) in experiment.tokenizers.items():
        for name in experiment.sets:
            scores = [mean(system.codec[name][key]) for key in CODEC_KEYS] if system.speaks else None
            rows.append((tag, name, *(scores or [CANNOT_SPEAK])))
    return Table(
        "Codec",
        "Resynthesis from all streams against the recording.",
        ("tokenizer", "set", "STOI", "PESQ (wide band)", "mel distance, dB"),
        rows,
        labels=2,
    )


def _codebooks(experiment: Experiment) -> Table:
    rows = []
    for tag, (system, *_) in experiment.tokenizers.items():
        for name, tokens in system.tokens.items():
            for stream, health in tokens["streams"].items():
                nominal = tokens["frame_rate"] * log2(health["size"])
                numbers = (health["perplexity"], health["dead"], health["entropy_bps"], nominal)
                shown = (str(health["size"]), percent(health["use"]), *(f"{number:.0f}" for number in numbers))
                rows.append((tag, name, stream, *shown))
    return Table(
        "Codebooks",
        "Codes that occur in the set at all, and how evenly. A codebook whose codes were all used alike would have its size as "
        "perplexity and its nominal bit/s as entropy.",
        ("tokenizer", "set", "stream", "size", "in use %", "perplexity", "dead", "entropy bit/s", "nominal bit/s"),
        rows,
        labels=3,
    )


def _edit_distance(experiment: Experiment) -> Table:
    rows = [("the same audio again (by definition)", "all", *["0.0"] * len(SHIFTS))]
    for tag, (system, *_) in experiment.tokenizers.items():
        for name, tokens in system.tokens.items():
            edits, total = tokens["stability"]["edits"], np.array(tokens["stability"]["tokens"])
            found = ({"wer": sum(edits[s]) / total.sum(), "ci95": ratio_interval(np.array(edits[s]), total)} for s in SHIFTS)
            rows.append((tag, name, *map(rate, found)))
    return Table(
        "Token edit distance",
        "Semantic tokens of an utterance against those of the same utterance shifted: edits in percent of its tokens. A listener "
        "would call both the same. Noise: white, seeded by utterance, at this ratio of the utterance's power to its own.",
        ("tokenizer", "set", *SHIFTS),
        rows,
        labels=2,
    )


def _seconds(experiment: Experiment) -> Table:
    done = {SHARED: shared_markers(experiment.markers)}
    done |= {s.name: markers_of(experiment.markers, s.folder, s.tokenizer) for s in experiment.systems}
    stages = list(dict.fromkeys(marker["name"] for marker in experiment.markers))
    rows = []
    for name, markers in done.items():
        found, again = seconds_of(markers), taken_up(markers)
        cells = (f"{'> ' if stage in again else ''}{found[stage]:.0f}" if stage in found else NONE for stage in stages)
        rows.append((name, *cells, f"{sum(found.values()):.0f}"))
    return Table(
        "Seconds a stage",
        f"Wall time. {SHARED.capitalize()}: done once. What was done once for a tokenizer stands with each of its systems. >: a "
        f"part was broken off and taken up again; its last session is counted. {NONE}: not done for this system.",
        ("system", *stages, "sum"),
        rows,
    )
