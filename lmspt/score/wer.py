"""Word and character error rates, pooled over a set, with intervals and a table by speaker.

Alignments and counts are jiwer's. Character errors are counted on the normalised words with one space between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jiwer
import numpy as np

from lmspt.errors import InputError
from lmspt.score.bootstrap import ratio_interval, sums_by
from lmspt.score.normalize import Normalizer

Pairs = list[tuple[str, str, str]]


@dataclass(frozen=True)
class Utterance:
    """One utterance, aligned.

    Attributes:
        ref: normalised reference, never empty.
        hyp: normalised hypothesis; an empty one is all deletions.
        pairs: (operation, reference word or "", hypothesis word or ""), operation one of C, S, D, I.
    """

    utt: str
    speaker: str
    ref: str
    hyp: str
    pairs: Pairs
    char_errors: int

    def count(self, operation: str) -> int:
        """How many words were C(orrect), S(ubstituted), D(eleted) or I(nserted)."""
        return sum(pair[0] == operation for pair in self.pairs)

    @property
    def n_words(self) -> int:
        """Words of the reference."""
        return len(self.ref.split())

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return sum(pair[0] != "C" for pair in self.pairs)


def align(refs: dict[str, str], hyps: dict[str, str], speakers: dict[str, str], normalizer: Normalizer) -> list[Utterance]:
    """Join references and hypotheses by key and align their words.

    Args:
        refs: transcript by utterance.
        hyps: hypothesis by utterance, for every key of ``refs`` and no other.
        speakers: speaker by utterance.

    Raises:
        InputError: a hypothesis is missing or has no reference, or a reference has no words once normalised.
    """
    _check_keys(refs, hyps)
    utts = sorted(refs)
    ref_texts, hyp_texts = [normalizer(refs[u]) for u in utts], [normalizer(hyps[u]) for u in utts]
    for utt, text in zip(utts, ref_texts, strict=True):
        if not text:
            raise InputError(
                f"utterance '{utt}': its reference '{refs[utt]}' is empty after --normalizer {normalizer.name}; "
                "mend the transcript or drop the utterance"
            )
    words, characters = jiwer.process_words(ref_texts, hyp_texts), jiwer.process_characters(ref_texts, hyp_texts)
    return [
        Utterance(
            utt=utt,
            speaker=speakers[utt],
            ref=ref_texts[i],
            hyp=hyp_texts[i],
            pairs=_pairs(words.references[i], words.hypotheses[i], words.alignments[i]),
            char_errors=sum(
                max(c.ref_end_idx - c.ref_start_idx, c.hyp_end_idx - c.hyp_start_idx)
                for c in characters.alignments[i]
                if c.type != "equal"
            ),
        )
        for i, utt in enumerate(utts)
    ]


def summarise(utterances: list[Utterance]) -> dict[str, Any]:
    """The error-rate part of ``result.json``; rates are fractions.

    ``ci95`` resamples utterances, ``ci95_speakers`` (several speakers only) whole speakers.
    """
    errors, n_words = _columns(utterances)
    char_errors = np.array([u.char_errors for u in utterances])
    n_chars = np.array([len(u.ref) for u in utterances])
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    result: dict[str, Any] = {
        "n_utts": len(utterances),
        "n_words": int(n_words.sum()),
        "errors": int(errors.sum()),
        "sub": sum(u.count("S") for u in utterances),
        "ins": sum(u.count("I") for u in utterances),
        "del": sum(u.count("D") for u in utterances),
        "wer": float(errors.sum() / n_words.sum()),
        "ci95": ratio_interval(errors, n_words),
        "cer": float(char_errors.sum() / n_chars.sum()),
        "cer_ci95": ratio_interval(char_errors, n_chars),
    }
    if len(by_speaker) > 1:
        speakers = [u.speaker for u in utterances]
        result["ci95_speakers"] = ratio_interval(sums_by(speakers, errors), sums_by(speakers, n_words))
    result["by_speaker"] = {speaker: _brief(by_speaker[speaker]) for speaker in sorted(by_speaker)}
    result["missing"] = 0  # a missing hypothesis has stopped the scoring before this
    result["empty"] = sum(not u.hyp for u in utterances)
    keys = ("utt", "speaker", "ref", "hyp", "errors", "n_words")
    result["utts"] = [{key: getattr(u, key) for key in keys} for u in utterances]
    return result


def _brief(utterances: list[Utterance]) -> dict[str, Any]:
    errors, n_words = _columns(utterances)
    return {
        "n_utts": len(utterances),
        "n_words": int(n_words.sum()),
        "errors": int(errors.sum()),
        "wer": float(errors.sum() / n_words.sum()),
        "ci95": ratio_interval(errors, n_words),
    }


def _columns(utterances: list[Utterance]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([u.errors for u in utterances]), np.array([u.n_words for u in utterances])


def _check_keys(refs: dict[str, str], hyps: dict[str, str]) -> None:
    missing, unknown = sorted(refs.keys() - hyps.keys()), sorted(hyps.keys() - refs.keys())
    if not refs:
        raise InputError("no utterance to score")
    if missing:
        raise InputError(
            f"{len(missing)} of {len(refs)} utterances have no hypothesis, the first is '{missing[0]}'; decode them "
            "(a system that found nothing writes the id alone)"
        )
    if unknown:
        raise InputError(f"{len(unknown)} hypotheses have no reference, the first is '{unknown[0]}'; another set?")


def _pairs(ref: list[str], hyp: list[str], chunks: list[Any]) -> Pairs:
    pairs: Pairs = []
    for chunk in chunks:
        words_r, words_h = ref[chunk.ref_start_idx : chunk.ref_end_idx], hyp[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "delete":
            pairs += [("D", word, "") for word in words_r]
        elif chunk.type == "insert":
            pairs += [("I", "", word) for word in words_h]
        else:
            operation = "C" if chunk.type == "equal" else "S"
            pairs += [(operation, r, h) for r, h in zip(words_r, words_h, strict=True)]
    return pairs
