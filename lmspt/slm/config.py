"""What the YAML files of a speech language model say: its shape, batches and schedule, and how it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

from lmspt.train.config import TrainConfig


@dataclass
class SLMConfig:
    """Shape of the language model, and how much each task counts.

    ``backbone`` names a pretrained causal language model (a folder or a name on the Hugging Face hub); empty, a small Llama
    of the given shape starts from scratch, with ``text_units`` SentencePiece units. ``stream_weights`` weighs the streams of
    TTS, the last one stands for all that follow.
    """

    backbone: str = ""
    dim: int = 192
    n_layers: int = 4
    n_heads: int = 3
    ff_dim: int = 512
    text_units: int = 64
    asr_weight: float = 1.0
    tts_weight: float = 1.0
    stream_weights: list[float] = field(default_factory=lambda: [1.0, 0.5])


@dataclass
class SLMBatchConfig:
    """Utterances a batch (each is heard and spoken), and what training blurs: ``mask_tokens`` is the share of semantic
    tokens that ASR does not see, ``any_speaker`` the share of utterances that TTS speaks without being told who."""

    batch_size: int = 32
    mask_tokens: float = 0.1
    any_speaker: float = 0.1


@dataclass
class SamplingConfig:
    """How codes are drawn: among the ``top_k`` likeliest, at ``temperature``; 0 takes the likeliest. ``sampling_seed`` and
    the utterance's own number seed each utterance's draws. Speech stops at ``length_limit`` times the frames that training
    speech had at most for as many text units, and counts as not ended."""

    temperature: float = 0.5
    top_k: int = 30
    sampling_seed: int = 0
    length_limit: float = 1.2


CONFIGS = (SLMConfig, SLMBatchConfig, TrainConfig)  # of a training; decoding has SamplingConfig
