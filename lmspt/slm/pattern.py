"""How the streams of a frame share the steps of a language model. One interface, four patterns:

    delay          parallel       coarse_first   flatten
    s0 s1 s2 e  e  s0 s1 s2 e     s0 s1 s2 e  e  s0 a0 b0 s1 a1 b1 s2 a2 b2 e
    .  a0 a1 a2 .  a0 a1 a2 .     .  a0 a1 a2 .
    .  .  b0 b1 b2 b0 b1 b2 .     .  b0 b1 b2 .

(s semantic, a and b acoustic, e the end; a column is a step, in which all rows are predicted at once.)

- ``delay`` (Copet et al. 2023, MusicGen): a code is written when the codes of the streams before it, in the same frame, are
  known. K - 1 more steps than frames.
- ``parallel``: no stream knows the others of its frame. The fewest steps.
- ``coarse_first``: the language model writes the semantic code, and a step later a small model of depth
  (:mod:`lmspt.slm.depth`) writes the acoustic ones, each knowing those before it (Défossez et al. 2024, Moshi).
- ``flatten``: each code is a step of its own and knows all before it. K times the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np


class Place(NamedTuple):
    """What stands in a column of a step: the code of ``stream`` in ``frame``."""

    stream: int
    column: int
    frame: int


class Pattern(Protocol):
    """Frames to steps and back.

    Attributes:
        width: ids a step (columns).
    """

    width: int

    def n_steps(self, n_frames: int) -> int:
        """Steps of so many frames, their end included."""
        ...

    def n_frames(self, n_steps: int) -> int:
        """Frames of which all codes stand in the first so many steps."""
        ...

    def places(self, step: int) -> list[Place]:
        """What stands in a step, counted from 0, as long as the end is not written; the stream of column 0 first."""
        ...

    def spread(self, codes: np.ndarray, end: int, pad: int) -> np.ndarray:
        """``codes`` (K, F) -> steps (T, width): the end in column 0 once the frames are over, ``pad`` where nothing stands."""
        ...

    def gather(self, steps: np.ndarray, n_frames: int) -> np.ndarray:
        """Steps (T, width), T at least ``n_steps(n_frames) - 1``, -> codes (K, ``n_frames``)."""
        ...


@dataclass(frozen=True)
class Staggered:
    """A column a stream, stream k ``delays[k]`` steps late; the first is never late."""

    delays: tuple[int, ...]

    @property
    def width(self) -> int:
        """K."""
        return len(self.delays)

    def n_steps(self, n_frames: int) -> int:
        """F, the longest delay, and a step that holds nothing but the end."""
        return n_frames + max(self.delays) + 1

    def n_frames(self, n_steps: int) -> int:
        """All but the longest delay."""
        return max(0, n_steps - max(self.delays))

    def places(self, step: int) -> list[Place]:
        """The streams whose time has come."""
        return [Place(stream, stream, step - delay) for stream, delay in enumerate(self.delays) if step >= delay]

    def spread(self, codes: np.ndarray, end: int, pad: int) -> np.ndarray:
        """See :class:`Pattern`; the end is repeated while late streams are written."""
        n_frames = codes.shape[1]
        steps = np.full((self.n_steps(n_frames), self.width), pad, dtype=np.int64)
        for stream, (row, delay) in enumerate(zip(codes, self.delays, strict=True)):
            steps[delay : delay + n_frames, stream] = row
        steps[n_frames:, 0] = end
        return steps

    def gather(self, steps: np.ndarray, n_frames: int) -> np.ndarray:
        """See :class:`Pattern`."""
        return np.stack([steps[delay : delay + n_frames, stream] for stream, delay in enumerate(self.delays)])


@dataclass(frozen=True)
class Flat:
    """One column; the codes of a frame follow each other."""

    n_streams: int
    width: int = 1

    def n_steps(self, n_frames: int) -> int:
        """K F, and the end."""
        return n_frames * self.n_streams + 1

    def n_frames(self, n_steps: int) -> int:
        """One in K steps."""
        return n_steps // self.n_streams

    def places(self, step: int) -> list[Place]:
        """The one code."""
        return [Place(step % self.n_streams, 0, step // self.n_streams)]

    def spread(self, codes: np.ndarray, end: int, pad: int) -> np.ndarray:
        """See :class:`Pattern`."""
        return np.append(codes.T.reshape(-1), end).astype(np.int64)[:, None]

    def gather(self, steps: np.ndarray, n_frames: int) -> np.ndarray:
        """See :class:`Pattern`."""
        return steps[: n_frames * self.n_streams, 0].reshape(n_frames, self.n_streams).T


def make_pattern(name: str, n_streams: int) -> Pattern:
    """The pattern that a config names: ``delay``, ``parallel``, ``coarse_first`` or ``flatten``."""
    if name == "flatten":
        return Flat(n_streams)
    late = {"delay": range(n_streams), "parallel": [0] * n_streams, "coarse_first": [0] + [1] * (n_streams - 1)}
    return Staggered(tuple(late[name]))
