"""Tokenizers by themselves: their codebooks, how stable their tokens are, and what their decoders lose."""

from __future__ import annotations

from math import log2

import numpy as np

from lmspt.data.variation import SHIFTS
from lmspt.report.results import Experiment
from lmspt.report.speech_tables import RECORDINGS
from lmspt.report.system import CANNOT_SPEAK, CODEC_KEYS, Result, semantic_stream
from lmspt.report.table import Table, mean, percent, rate
from lmspt.score.bootstrap import ratio_interval


def codec_table(experiment: Experiment) -> Table:
    """What decoders lose."""
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


def codebook_table(experiment: Experiment) -> Table:
    """How many codes of each stream are used, and how evenly."""
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


def edit_table(experiment: Experiment) -> Table:
    """How many semantic tokens change where a listener hears the same."""
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


def semantic_bitrate(tokens: Result) -> float:
    """Nominal bits per second of the semantic stream alone."""
    return tokens["frame_rate"] * log2(semantic_stream(tokens)["size"])
