"""How well the speaker is known from which codes of the semantic stream an utterance uses, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lmspt.score.bootstrap import mean_interval

FOLDS = 5
UTTERANCES = 2000  # at most so many are learned from
SEED = 20260103

Codes = Mapping[str, np.ndarray]  # (F,) of one stream, by utterance


def speaker_leakage(train: Codes, train_speakers: Mapping[str, str], codes: Codes, speakers: Mapping[str, str]) -> dict[str, Any]:
    """Share of utterances whose speaker logistic regression names, from square roots of relative code counts.

    Learned on the training set if it has all speakers (whose recordings there are others); else in the set itself, in five
    parts of which each is tested once.

    Returns:
        ``accuracy``, ``ci95``, ``chance`` (share of the most frequent speaker), ``n_speakers``, ``learned_on``; or ``not_run``.
    """
    known = np.array([speakers[utt] for utt in codes])
    names, frequency = np.unique(known, return_counts=True)
    if len(names) < 2:
        return {"not_run": "one speaker"}
    tested, seen = _bags(codes), {utt: row for utt, row in train.items() if train_speakers[utt] in names}
    if set(names) <= {train_speakers[utt] for utt in seen}:
        chosen = set(np.random.default_rng(SEED).permutation(len(seen))[:UTTERANCES].tolist())
        utts = [utt for i, utt in enumerate(seen) if i in chosen]
        learned = _bags({utt: seen[utt] for utt in utts})
        size = max(learned.shape[1], tested.shape[1])
        right = _fit(_wide(learned, size), [train_speakers[utt] for utt in utts]).predict(_wide(tested, size)) == known
        learned_on = "training set"
    elif frequency.min() >= FOLDS:
        from sklearn.model_selection import StratifiedKFold

        right = np.zeros(len(known), bool)
        for rest, part in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(tested, known):
            right[part] = _fit(tested[rest], known[rest]).predict(tested[part]) == known[part]
        learned_on = f"{FOLDS} parts of the set"
    else:
        return {"not_run": f"a speaker of the set is not in the training set and has fewer than {FOLDS} utterances"}
    return {
        "accuracy": float(right.mean()),
        "ci95": mean_interval(right),
        "chance": float(frequency.max() / frequency.sum()),
        "n_speakers": len(names),
        "learned_on": learned_on,
    }


def _bags(codes: Codes) -> np.ndarray:
    """(N, size) square roots of the share that each code has of each utterance."""
    size = max(int(row.max()) for row in codes.values()) + 1
    return np.sqrt(np.stack([np.bincount(row, minlength=size) / len(row) for row in codes.values()]).astype(np.float32))


def _wide(bags: np.ndarray, size: int) -> np.ndarray:
    return np.pad(bags, ((0, 0), (0, size - bags.shape[1])))


def _fit(bags: np.ndarray, speakers: Any) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)).fit(bags, speakers)
