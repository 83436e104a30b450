"""What all judges have in common: what they are asked, and what they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Reading:
    """What the judge read in an utterance, and whether it had to read again because of a loop."""

    text: str
    looped: bool


class AnyJudge(Protocol):
    """What the scores know of a judge."""

    name: str

    def contract(self) -> dict[str, Any]:
        """What its readings depend on."""
        ...

    def read(self, speech: Mapping[str, np.ndarray], utts: Iterable[str]) -> dict[str, Reading]:
        """Read ``utts`` of ``speech``, waveforms (T,) at 16 kHz."""
        ...
