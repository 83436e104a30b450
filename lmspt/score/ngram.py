"""An n-gram model of codes: how many bits a second a language model of small memory would still need to guess them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log2

Context = tuple[int, ...]


class NGram:
    """Codes given the ``order - 1`` before them, smoothed after Witten and Bell (1991): what never followed a context is as
    likely as new codes were in it, and is shared out by the next shorter one; at last all ``size`` codes are alike.

    Args:
        order: 1 counts codes alone.
        size: of the codebook.
    """

    def __init__(self, order: int, size: int) -> None:
        self.order, self.size = order, size
        self._follow: dict[Context, Counter[int]] = defaultdict(Counter)
        self._total: Counter[Context] = Counter()

    def fit(self, utterances: Iterable[Sequence[int]]) -> NGram:
        """Count the codes of utterances."""
        for codes in utterances:
            for i, code in enumerate(codes):
                for length in range(min(self.order, i + 1)):
                    context = tuple(codes[i - length : i])
                    self._follow[context][code] += 1
                    self._total[context] += 1
        return self

    def bits(self, codes: Sequence[int]) -> float:
        """Bits that an utterance takes: minus the sum of log2 p."""
        return -sum(log2(self._p(codes[i], tuple(codes[max(0, i - self.order + 1) : i]))) for i in range(len(codes)))

    def _p(self, code: int, context: Context) -> float:
        p = 1 / self.size
        for length in range(len(context) + 1):
            shorter = context[len(context) - length :]
            if followers := self._follow.get(shorter):
                new, total = len(followers), self._total[shorter]
                p = (followers[code] + new * p) / (total + new)
        return p
