"""All probes of a tokenizer on a set: ``probes.json``."""

from __future__ import annotations

from typing import Any

import numpy as np

from lmspt.data.datadir import DataDir
from lmspt.data.tokens import TokenStore, base_key
from lmspt.score.labels import Labels
from lmspt.score.leakage import speaker_leakage
from lmspt.score.probes import (
    entropies,
    guessing,
    lengths,
    place_information,
    sequence_information,
    word_distances,
    word_information,
)

NO_LABELS = {"not_run": "the set has neither joins of a recording a word nor a ctm"}


def probe(tokens: TokenStore, data: DataDir, train_tokens: TokenStore, train: DataDir, labels: Labels) -> dict[str, Any]:
    """Probe the tokens of a set.

    Args:
        tokens: of the set.
        data: the set.
        train_tokens: what n-grams and speakers are learned from; one variant of each utterance is.
        train: the training set.
        labels: what is said when; none are ``not_run``.

    Returns:
        ``streams`` (each: entropies, information on labels), and of the semantic stream: ``guessing``, ``word_distances``,
        ``speaker``, ``place``, ``lengths``.

    Raises:
        InputError: the stores are of two tokenizers.
    """
    rate, names = tokens.meta["frame_rate"], [stream["name"] for stream in tokens.meta["streams"]]
    train_tokens = TokenStore(train_tokens.folder, tokens.meta["tok_id"])
    labelled = any(utt in labels for utt in tokens)
    streams = {}
    for row, name in enumerate(names):
        codes = _stream(tokens, row)
        streams[name] = {
            "semantic": tokens.meta["streams"][row]["semantic"],
            **entropies(codes, rate),
            "words": word_information(codes, labels, data.utt2spk, rate) if labelled else NO_LABELS,
            "sequences": sequence_information(codes, labels, rate) if labelled else NO_LABELS,
        }
    codes, learned = _stream(tokens, 0), _stream(train_tokens, 0)
    return {
        "tok_id": tokens.meta["tok_id"],
        "set": data.folder.name,
        "frame_rate": rate,
        "n_utts": len(codes),
        "streams": streams,
        "guessing": guessing(learned, codes, tokens.meta["streams"][0]["size"], rate),
        "word_distances": word_distances(codes, labels, data.utt2spk, rate) if labelled else NO_LABELS,
        "speaker": speaker_leakage(learned, train.utt2spk, codes, data.utt2spk),
        "place": place_information(codes, rate),
        "lengths": lengths(codes, data.text, rate),
    }


def _stream(tokens: TokenStore, row: int) -> dict[str, np.ndarray]:
    """Codes (F,) of one stream by utterance; the first of its variants where there are several."""
    codes: dict[str, np.ndarray] = {}
    for key in tokens:
        codes.setdefault(base_key(key), tokens[key][row])
    return codes
