"""Token probes: what codes say of words and speakers, and how hard they are to guess, without training a language model.

All is by the second, not by the token: tokenizers of other rates are compared. Whatever grows with the size of a codebook by
itself (mutual information and purity do) has beside it what it is when labels are shuffled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from lmspt.score.bootstrap import ratio_interval
from lmspt.score.information import entropy, information_bits, told, told_above_chance
from lmspt.score.labels import Labels, Stretch, codes_of, frame_labels
from lmspt.score.ngram import NGram

ORDER = 3  # of the n-gram model
HASHES = 20  # draws of the planes that sequences are hashed by
PAIRS = 1000  # of words, whose edit distance is taken
STRETCHES = 2000  # of a set, whose code sequences are looked at
PLACE = 0.5  # seconds
SEED = 20260102

Codes = Mapping[str, np.ndarray]  # (F,) of one stream, by utterance


def entropies(codes: Codes, frame_rate: float) -> dict[str, float]:
    """Entropy of a stream and its entropy given the code before, bits a second, and the perplexity of its use.

    They are of these utterances as they are: in a small set the conditional one comes out much too low (most pairs of codes
    are there once), and :func:`guessing` is the one to trust.
    """
    all_codes = np.concatenate(list(codes.values()))
    pairs = np.concatenate([np.stack([row[:-1], row[1:]]) for row in codes.values()], axis=1)
    alone = entropy(np.unique(all_codes, return_counts=True)[1])
    both = entropy(np.unique(pairs, axis=1, return_counts=True)[1])
    before = entropy(np.unique(pairs[0], return_counts=True)[1])
    return {
        "perplexity": 2.0**alone,
        "entropy_bps": alone * frame_rate,
        "conditional_entropy_bps": (both - before) * frame_rate,
    }


def guessing(train: Codes, codes: Codes, size: int, frame_rate: float) -> dict[str, Any]:
    """Bits a second that an n-gram model, fitted on ``train``, needs for the codes of other utterances."""
    model = NGram(ORDER, size).fit(row.tolist() for row in train.values())
    bits = np.array([model.bits(row.tolist()) for row in codes.values()])
    seconds = np.array([len(row) / frame_rate for row in codes.values()])
    bps = float(bits.sum() / seconds.sum())
    return {"order": ORDER, "bps": bps, "ci95": ratio_interval(bits, seconds), "perplexity": 2.0 ** (bps / frame_rate)}


def word_information(codes: Codes, labels: Labels, speakers: Mapping[str, str], frame_rate: float) -> dict[str, Any]:
    """What single codes tell of the label of their frame, silence being one.

    Returns:
        ``pnmi`` and ``purity`` of :func:`lmspt.score.information.told`; ``*_shuffled``: with shuffled labels; ``without_utts``,
        ``without_speakers``: what is above chance without each, for intervals.
    """
    having = [utt for utt in codes if utt in labels]
    said = np.concatenate([frame_labels(labels[utt], len(codes[utt]), frame_rate) for utt in having])
    heard = np.concatenate([codes[utt] for utt in having])
    shuffled = np.random.default_rng(SEED).permutation(said)
    n_codes = [len(codes[utt]) for utt in having]
    units = {"utts": having, "speakers": [speakers[utt] for utt in having]}
    return {
        **told(said, heard),
        **{f"{key}_shuffled": value for key, value in told(shuffled, heard).items()},
        **{f"without_{kind}": told_above_chance(said, heard, shuffled, np.repeat(of, n_codes)) for kind, of in units.items()},
    }


def place_information(codes: Codes, frame_rate: float) -> dict[str, float]:
    """Bits that a code tells of the ``PLACE`` seconds of the utterance it stands in, counted from the beginning, which is none of
    its business; ``bits_shuffled``: with shuffled places."""
    places = np.concatenate([np.arange(len(row)) // (PLACE * frame_rate) for row in codes.values()])
    heard, rng = np.concatenate(list(codes.values())), np.random.default_rng(SEED)
    return {"bits": information_bits(places, heard), "bits_shuffled": information_bits(rng.permutation(places), heard)}


def sequence_information(codes: Codes, labels: Labels, frame_rate: float) -> dict[str, float]:
    """What the code sequence of a stretch tells of its label, in the manner of the paper's SNMI (appendix B, table 8).

    The paper hashes token sequences of sentences that many speakers read, near ones to one bucket, and takes the mutual
    information of sentence and bucket over the entropy of sentences. Its hash is not published; here it is signs of random
    projections of the counts of codes and code pairs, with four times as many buckets as labels, a mean over ``HASHES`` draws.
    """
    stretches = _stretches(codes, labels, frame_rate)
    said = np.array([stretch.label for _, stretch, _ in stretches])
    counts = _ngram_counts([row for _, _, row in stretches])
    n_bits = int(np.ceil(np.log2(len(np.unique(said))))) + 2
    rng = np.random.default_rng(SEED)
    found, chance = [], []
    for _ in range(HASHES):
        signs = counts @ rng.standard_normal((counts.shape[1], n_bits)) > 0
        buckets = signs @ (1 << np.arange(n_bits))
        found.append(told(said, buckets)["pnmi"])
        chance.append(told(rng.permutation(said), buckets)["pnmi"])
    return {"snmi": float(np.mean(found)), "snmi_shuffled": float(np.mean(chance))}


def word_distances(codes: Codes, labels: Labels, speakers: Mapping[str, str], frame_rate: float) -> dict[str, float | None]:
    """Mean edit distance between the codes of two recordings of a word by one speaker, by two, and of two words.

    Normalised by the longer one; ``None`` where the set has no such pair. The first two should be small, the third large.
    """
    heard = {stretch.source: (stretch.label, speakers[utt], row) for utt, stretch, row in _stretches(codes, labels, frame_rate)}
    words, voices, rows = zip(*heard.values(), strict=True)
    first, second = np.triu_indices(len(rows), 1)
    same_word = np.array(words)[first] == np.array(words)[second]
    same_voice = np.array(voices)[first] == np.array(voices)[second]
    kinds = {"same_speaker": same_word & same_voice, "other_speaker": same_word & ~same_voice, "other_word": ~same_word}
    rng, means = np.random.default_rng(SEED), {}
    for kind, where in kinds.items():
        pairs = rng.permutation(np.flatnonzero(where))[:PAIRS]
        distances = [Levenshtein.normalized_distance(rows[first[pair]], rows[second[pair]]) for pair in pairs]
        means[kind] = float(np.mean(distances)) if distances else None
    return means


def lengths(codes: Codes, text: Mapping[str, str], frame_rate: float) -> dict[str, float]:
    """Tokens a word and a character of the text, and how many a second are left when repeated ones are counted once."""
    n_tokens = sum(map(len, codes.values()))
    runs = sum(1 + sum(a != b for a, b in pairwise(row.tolist())) for row in codes.values())
    return {
        "per_word": n_tokens / sum(len(text[utt].split()) for utt in codes),
        "per_character": n_tokens / sum(len(text[utt]) for utt in codes),
        "runs_per_second": runs / n_tokens * frame_rate,
    }


def _stretches(codes: Codes, labels: Labels, frame_rate: float) -> list[tuple[str, Stretch, list[int]]]:
    """Utterance, stretch and its codes; a seeded choice where there are more than ``STRETCHES``."""
    found = [(utt, stretch) for utt in codes for stretch in labels.get(utt, ())]
    chosen = np.random.default_rng(SEED).permutation(len(found))[:STRETCHES]
    return [
        (utt, stretch, codes_of(stretch, codes[utt], frame_rate).tolist()) for utt, stretch in (found[i] for i in sorted(chosen))
    ]


def _ngram_counts(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """(N, D) how often each code and each pair of codes that occurs at all is in each sequence."""
    found = [[*((code,) for code in codes), *pairwise(codes)] for codes in sequences]
    where = {gram: i for i, gram in enumerate(dict.fromkeys(gram for grams in found for gram in grams))}
    counts = np.zeros((len(sequences), len(where)), np.float32)
    for row, grams in zip(counts, found, strict=True):
        for gram in grams:
            row[where[gram]] += 1
    return counts
