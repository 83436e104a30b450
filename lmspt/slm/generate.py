"""Batched generation with a key-value cache. An utterance gets the same result alone and in any batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lmspt.slm.config import SamplingConfig
from lmspt.slm.model import SpeechLM
from lmspt.slm.pattern import undelay
from lmspt.slm.sequence import asr_prompt, tts_prompt
from lmspt.slm.vocab import ASR, END, PAD, TTS


class Steps:
    """Prompts read by the model, and the steps that follow them: left-padded, positions counted from each one's own begin."""

    def __init__(self, model: SpeechLM, prompts: list[np.ndarray]) -> None:
        self.model = model
        longest = max(map(len, prompts))
        ids = np.full((len(prompts), longest, model.n_streams), PAD, dtype=np.int64)
        for row, prompt in zip(ids, prompts, strict=True):
            row[longest - len(prompt) :] = prompt
        device = model.head.weight.device
        self.attend = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
        self.positions = (self.attend.cumsum(1) - 1).clamp_min(0)
        self.cache = None
        self.hidden = self._advance(torch.from_numpy(ids).to(device))

    def write(self, ids: Tensor) -> None:
        """Append one step (B, K); ``hidden`` (B, D) then predicts the next."""
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
def transcribe(model: SpeechLM, semantic: list[np.ndarray], max_units: int = 200) -> list[tuple[list[int], bool]]:
    """Greedy recognition.

    Args:
        model: in eval mode.
        semantic: codes (F,) of each utterance.
        max_units: text units after which an utterance counts as not ended.

    Returns:
        Unit numbers and whether the end was written, for each utterance.
    """
    vocab = model.vocab
    steps = Steps(model, [asr_prompt(vocab, codes) for codes in semantic])
    legal = model.legal(ASR, 0)
    written = torch.full((len(semantic), 0), END, device=legal.device)
    ended = torch.zeros(len(semantic), dtype=torch.bool, device=legal.device)
    while not ended.all() and written.shape[1] < max_units:
        ids = legal[model.logits(steps.hidden, ASR, 0).argmax(-1)].where(~ended, END)
        written = torch.cat([written, ids[:, None]], dim=1)
        ended |= ids == END
        steps.write(_alone(ids, model.n_streams))
    texts = [[unit - vocab.text.begin for unit in row if unit != END] for row in written.tolist()]
    return list(zip(texts, ended.tolist(), strict=True))


@torch.inference_mode()
def speak(
    model: SpeechLM, units: list[list[int]], speakers: list[int], numbers: list[int], config: SamplingConfig
) -> list[tuple[np.ndarray, bool]]:
    """Codes for texts.

    Args:
        model: in eval mode.
        units: text unit numbers of each utterance.
        speakers: ids of the speakers' tags.
        numbers: each utterance's own number, which seeds its draws.
        config: how codes are drawn.

    Returns:
        Codes (K, F), F at least 1, and whether the end was written, for each utterance.
    """
    vocab, n_streams = model.vocab, model.n_streams
    steps = Steps(model, [tts_prompt(vocab, u, s) for u, s in zip(units, speakers, strict=True)])
    draw = _Draw(config, numbers, steps.hidden.device)
    limits = torch.tensor([max(1, int(config.length_limit * vocab.frames_a_unit * (len(u) + 1))) for u in units])
    n_frames = torch.full((len(units),), -1)  # known once the end or the limit is reached
    ended = torch.zeros(len(units), dtype=torch.bool)
    rows: list[Tensor] = []
    while bool((n_frames < 0).any()) or len(rows) < int(n_frames.max()) + n_streams - 1:
        ids = torch.full((len(units), n_streams), PAD, device=steps.hidden.device)
        for stream in range(min(len(rows) + 1, n_streams)):
            scores = model.logits(steps.hidden, TTS, stream)
            if stream == 0 and not rows:
                scores[:, 0] = -torch.inf  # speech has at least one frame
            ids[:, stream] = model.legal(TTS, stream)[draw(scores)]
        now = torch.tensor(len(rows))
        just_ended = (n_frames < 0) & (ids[:, 0].cpu() == END)
        ended |= just_ended
        n_frames = n_frames.where(~(just_ended | ((n_frames < 0) & (now >= limits))), now)
        # as in training: the end fills stream 0 from the last frame on, and a stream that is through falls silent
        over = n_frames.to(ids.device)
        ids[:, 0] = ids[:, 0].where(over < 0, END)
        for stream in range(1, n_streams):
            ids[:, stream] = ids[:, stream].where((over < 0) | (now.to(ids.device) - stream < over), PAD)
        rows.append(ids)
        steps.write(ids)
    written = torch.stack(rows, dim=1).cpu().numpy()  # (B, T, K)
    begins = np.array([block.begin for block in vocab.streams])[:, None]
    return [(undelay(w, n) - begins, e) for w, n, e in zip(written, n_frames.tolist(), ended.tolist(), strict=True)]


class _Draw:
    """Draws an index of scores (B, n) for each utterance from that utterance's own random numbers (Gumbel's trick)."""

    def __init__(self, config: SamplingConfig, numbers: list[int], device: torch.device) -> None:
        self.config, self.device = config, device
        self.rngs = [np.random.default_rng([config.sampling_seed, number]) for number in numbers]

    def __call__(self, scores: Tensor) -> Tensor:
        """Scores (B, n) -> (B,)."""
        if self.config.temperature == 0:
            return scores.argmax(-1)
        least = scores.topk(min(self.config.top_k, scores.shape[-1])).values[:, -1:]
        noise = np.stack([rng.gumbel(size=scores.shape[-1]) for rng in self.rngs])
        noisy = scores / self.config.temperature + torch.from_numpy(noise).to(self.device, scores.dtype)
        return noisy.masked_fill(scores < least, -torch.inf).argmax(-1)


def _alone(ids: Tensor, n_streams: int) -> Tensor:
    """``ids`` (B,) in the first stream of a step (B, K)."""
    return torch.cat([ids[:, None], ids.new_full((len(ids), n_streams - 1), PAD)], dim=1)
