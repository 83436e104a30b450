"""Batched generation with a key-value cache. An utterance gets the same result alone and in any batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lmspt.slm.config import SamplingConfig
from lmspt.slm.model import SpeechLM
from lmspt.slm.vocab import ASR, END, PAD, TTS

FEWEST_UNITS, UNITS_A_SECOND = 200, 30.0  # of text: nobody speaks 30 characters a second


class Steps:
    """Prompts read by the model, and the steps that follow them: left-padded, positions counted from each one's own begin."""

    def __init__(self, model: SpeechLM, prompts: list[np.ndarray]) -> None:
        self.model = model
        longest = max(map(len, prompts))
        ids = np.full((len(prompts), longest, model.layout.pattern.width), PAD, dtype=np.int64)
        for row, prompt in zip(ids, prompts, strict=True):
            row[longest - len(prompt) :] = prompt
        device = model.head.weight.device
        self.attend = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
        self.positions = (self.attend.cumsum(1) - 1).clamp_min(0)
        self.cache = None
        self.hidden = self._advance(torch.from_numpy(ids).to(device))

    def write(self, ids: Tensor) -> None:
        """Append one step (B, W); ``hidden`` (B, D) then predicts the next."""
        self.attend = torch.cat([self.attend, torch.ones_like(self.attend[:, :1])], dim=1)
        self.positions = self.positions[:, -1:] + 1
        self.hidden = self._advance(ids[:, None])

    def _advance(self, ids: Tensor) -> Tensor:
        output = self.model.backbone(
            inputs_embeds=self.model.embed(ids),
            attention_mask=self.attend,
            position_ids=self.positions,
            cache=self.cache,
            use_cache=True,
        )
        self.cache = output.cache
        return output.last_hidden_state[:, -1]


@torch.inference_mode()
def transcribe(model: SpeechLM, semantic: list[np.ndarray], max_units: int | None = None) -> list[tuple[list[int], bool]]:
    """Greedy recognition.

    Args:
        model: in eval mode.
        semantic: codes (F,) of each utterance.
        max_units: text units after which an utterance counts as not ended; by default ``UNITS_A_SECOND``, and ``FEWEST_UNITS``
            for a short one.

    Returns:
        Unit numbers and whether the end was written, for each utterance.
    """
    vocab = model.vocab
    steps = Steps(model, [model.layout.asr_prompt(codes) for codes in semantic])
    legal, table = model.legal(ASR, 0), model.table(ASR, 0)
    written = torch.full((len(semantic), 0), END, device=legal.device)
    ended = torch.zeros(len(semantic), dtype=torch.bool, device=legal.device)
    by_length = (max(FEWEST_UNITS, int(UNITS_A_SECOND * len(codes) / vocab.frame_rate)) for codes in semantic)
    limits = torch.tensor([max_units or limit for limit in by_length], device=legal.device)
    while (over := ended | (limits <= written.shape[1])).logical_not().any():
        ids = legal[(steps.hidden @ table.T).argmax(-1)].where(~over, END)
        written = torch.cat([written, ids[:, None]], dim=1)
        ended |= (ids == END) & ~over
        step = ids.new_full((len(ids), model.layout.pattern.width), PAD)
        step[:, 0] = ids
        steps.write(step)
    texts = [[unit - vocab.text.begin for unit in row if unit != END] for row in written.tolist()]
    return list(zip(texts, ended.tolist(), strict=True))


@torch.inference_mode()
def speak(
    model: SpeechLM,
    units: list[list[int]],
    speakers: list[int],
    numbers: list[int],
    config: SamplingConfig,
    voices: list[np.ndarray] | None = None,
) -> list[tuple[np.ndarray, bool]]:
    """Codes for texts.

    Args:
        model: in eval mode.
        units: text unit numbers of each utterance.
        speakers: ids of the speakers' tags.
        numbers: each utterance's own number, which seeds its draws.
        config: how codes are drawn.
        voices: codes (K, F) of another utterance in each one's voice, for a model that was trained with ``voice_seconds``.

    Returns:
        Codes (K, F), F at least 1, and whether the end was written, for each utterance.
    """
    frames = Frames(model, units, speakers, numbers, config, voices)
    while not frames.are_written():
        frames.write_step()
    return frames.codes()


class Frames:
    """Frames of speech that are being written, step by step; arguments as of :func:`speak`.

    Attributes:
        n_frames: of each utterance (B,), -1 as long as neither its end nor its limit is reached.
        ended: was the end written (B,)?
    """

    def __init__(
        self,
        model: SpeechLM,
        units: list[list[int]],
        speakers: list[int],
        numbers: list[int],
        config: SamplingConfig,
        voices: list[np.ndarray] | None = None,
    ) -> None:
        self.model, self.pattern = model, model.layout.pattern
        shown = voices or [None] * len(units)
        self.steps = Steps(model, [model.layout.tts_prompt(*prompt) for prompt in zip(units, speakers, shown, strict=True)])
        self.tables = [model.table(TTS, stream) for stream in range(model.n_streams if model.depth is None else 1)]
        self.draw = _Draw(config, numbers, self.steps.hidden.device)
        longest = [config.length_limit * model.vocab.frames_a_unit * (len(u) + 1) for u in units]
        self.limits = torch.tensor([max(1, int(limit)) for limit in longest])
        self.n_frames = torch.full((len(units),), -1)
        self.ended = torch.zeros(len(units), dtype=torch.bool)
        self.rows: list[Tensor] = []

    def are_written(self) -> bool:
        """Is every utterance's last code written?"""
        return bool((self.n_frames >= 0).all()) and len(self.rows) >= self.pattern.n_steps(int(self.n_frames.max())) - 1

    def write_step(self) -> None:
        """Draw the codes of one step, and have the model read them."""
        ids = torch.full((len(self.limits), self.pattern.width), PAD, device=self.steps.hidden.device)
        for stream, column, frame in self.pattern.places(len(self.rows)):
            scores = self._scores(stream, ids)
            if stream == 0 and frame == 0:
                scores[:, 0] = -torch.inf  # speech has at least one frame
            drawn = self.model.legal(TTS, stream)[self.draw(scores)]
            if stream == 0:
                self._look_for_ends(drawn.cpu() == END, frame)
            # as in training: the end fills stream 0 from the last frame on, and a stream that is through falls silent
            over = ((self.n_frames >= 0) & (self.n_frames <= frame)).to(drawn.device)
            ids[:, column] = drawn.where(~over, END if stream == 0 else PAD)
        self.rows.append(ids)
        self.steps.write(ids)

    def codes(self) -> list[tuple[np.ndarray, bool]]:
        """Codes (K, F) that are written of each utterance, and whether its end is."""
        written = torch.stack(self.rows, dim=1).cpu().numpy()  # (B, T, W)
        begins = np.array([block.begin for block in self.model.vocab.streams])[:, None]
        whole = self.pattern.n_frames(len(self.rows))
        n_frames = [whole if n < 0 else min(n, whole) for n in self.n_frames.tolist()]
        codes = [self.pattern.gather(row, n) - begins for row, n in zip(written, n_frames, strict=True)]
        return list(zip(codes, self.ended.tolist(), strict=True))

    def _scores(self, stream: int, ids: Tensor) -> Tensor:
        """Scores (B, n) of a stream's legal ids, given the step's ids (B, W) that are drawn already."""
        if stream == 0 or self.model.depth is None:
            return self.steps.hidden @ self.tables[stream].T
        states = self.model.depth(self.steps.hidden, ids[:, 1:stream])
        return self.model.depth.logits(states[:, -1], stream)

    def _look_for_ends(self, is_end: Tensor, frame: int) -> None:
        running = self.n_frames < 0
        self.ended |= running & is_end
        self.n_frames[running & (is_end | (frame >= self.limits))] = frame


class _Draw:
    """Draws an index of scores (B, n) for each utterance from that utterance's own random numbers (Gumbel's trick)."""

    def __init__(self, config: SamplingConfig, numbers: list[int], device: torch.device) -> None:
        self.config, self.device = config, device
        self.rngs = [np.random.default_rng([config.sampling_seed, number]) for number in numbers]

    def __call__(self, scores: Tensor) -> Tensor:
        """Scores (B, n) -> (B,)."""
        if self.config.temperature == 0:
            return scores.argmax(-1)
        best = scores.topk(min(self.config.top_k, scores.shape[-1])).values
        least = best[:, -1:]
        if self.config.top_p < 1:
            mass = (best / self.config.temperature).softmax(-1).cumsum(-1)
            n_kept = (mass < self.config.top_p).sum(-1, keepdim=True)  # and the one that reaches it
            least = best.gather(-1, n_kept.clamp_max(best.shape[-1] - 1))
        noise = np.stack([rng.gumbel(size=scores.shape[-1]) for rng in self.rngs])
        noisy = scores / self.config.temperature + torch.from_numpy(noise).to(self.device, scores.dtype)
        return noisy.masked_fill(scores < least, -torch.inf).argmax(-1)
