"""What was recognised and what judges read, in full: counts, sound, speakers."""

from __future__ import annotations

from collections.abc import Iterator

from lmspt.report.counts import pooled
from lmspt.report.results import Experiment
from lmspt.report.system import CANNOT_SPEAK, HEARD, Result
from lmspt.report.table import NONE, Table, mean, percent, percents, rate

RECORDINGS = "recordings"
NO_SPEECH = {"not_run": "no decoder"}
SPOKEN = {"all": "resynthesis, all streams", "semantic": "resynthesis, semantic only", "tts": "TTS"}
READ = {"own": "its tokens", "other": "another utterance's tokens", "shuffled": "its tokens, shuffled in time"}
COUNTS = ("Snt", "Wrd", "Corr", "Sub", "Del", "Ins", "Err", "by speaker", "S.Err", "CER")


def asr_table(experiment: Experiment, name: str) -> Table:
    """What language models write on a set, and what the judge does, in sclite's columns."""
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


def tts_table(experiment: Experiment, name: str) -> Table:
    """What the judge reads on a set, by whose audio it is."""
    rows = []
    for system, audio, result in _spoken(experiment, name):
        if result is NO_SPEECH:
            rows.append((system, audio))
        else:
            failures = result.get("failures", {})
            failed = (str(failures.get(key, NONE)) for key in ("not_ended", "repeated", "empty"))
            rows.append((system, audio, *_counts(result), str(result["judge_loops"]), *failed))
    return Table(
        f"{'TTS' if experiment.has_models else 'Resynthesis'} on `{name}`, read by {judge_name(experiment)}",
        "The judge's errors on the recordings are its own. What resynthesis adds is the tokenizer's, what TTS adds to that is the "
        "language model's. Loops: readings in which the judge got stuck. Failures of TTS: speech without an end, speech stuck in a "
        "loop, nothing said.",
        ("system", "what is read", *COUNTS, "loops", "not ended", "repeated", "empty"),
        rows,
        labels=2,
    )


def sound_table(experiment: Experiment, name: str) -> Table:
    """Voice and predicted opinions of the same audio."""
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


def speakers_table(experiment: Experiment, name: str) -> Table:
    """The judge's errors by speaker."""
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


def judge_name(experiment: Experiment) -> str:
    """Who reads the speech, of two judges the first."""
    return experiment.contract["speech"]["judge"]["name"]


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
