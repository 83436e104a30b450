"""What the YAML files of a speech language model say: its shape, batches and schedule, and how it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lmspt.config import require_at_least
from lmspt.errors import InputError
from lmspt.train.config import TrainConfig


@dataclass
class SLMConfig:
    """Shape of the language model, and how much each task counts.

    ``backbone`` names a pretrained causal language model (a folder or a name on the Hugging Face hub); empty, a small Llama
    of the given shape starts from scratch, with ``text_units`` SentencePiece units. ``pattern`` is how the streams share
    steps; ``depth_dim`` and ``depth_layers`` shape the model of depth that ``coarse_first`` adds. ``stream_weights`` weighs
    the streams of speech, the last one stands for all that follow. With ``voice_seconds``, TTS hears so much of another
    utterance of the speaker.

    For pretrained backbones: ``init_embeddings`` draws what their vocabulary lacks around zero (``normal``) or with mean and
    covariance of the text's; with ``codebook``, which models from scratch know, too, codes then begin as near each other as
    they are in the tokenizer's codebook. ``prompt: chat`` puts what is read into the chat template; ``lora_rank`` trains
    low-rank additions instead of all weights (0); the backbone stays as it is for ``freeze_backbone_steps`` batches;
    ``gradient_checkpointing`` computes activations twice instead of storing them.
    """

    backbone: str = ""
    dim: int = 192
    n_layers: int = 4
    n_heads: int = 3
    ff_dim: int = 512
    text_units: int = 64
    pattern: Literal["delay", "parallel", "coarse_first", "flatten"] = "delay"
    depth_dim: int = 128
    depth_layers: int = 2
    voice_seconds: float = 0.0
    init_embeddings: Literal["normal", "text_statistics", "codebook"] = "text_statistics"
    prompt: Literal["plain", "chat"] = "plain"
    lora_rank: int = 0
    freeze_backbone_steps: int = 0
    gradient_checkpointing: bool = False
    asr_weight: float = 1.0
    tts_weight: float = 1.0
    text_weight: float = 1.0
    speech_weight: float = 1.0
    stream_weights: list[float] = field(default_factory=lambda: [1.0, 0.5])

    def __post_init__(self) -> None:
        require_at_least(self, 1, "dim", "n_layers", "n_heads", "ff_dim", "text_units", "depth_dim", "depth_layers")
        if self.dim % self.n_heads or self.dim // self.n_heads % 2:
            raise InputError(f"n_heads {self.n_heads}: dim {self.dim} must be a multiple of twice as many")
        if not self.stream_weights:
            raise InputError("stream_weights []: give one at least; the last stands for all streams that follow")


@dataclass
class SLMBatchConfig:
    """What a batch holds.

    An utterance gives ``asr_ratio`` sequences of ASR on average, and so on: 1 and 1 hears and speaks each once, 0.25 takes
    every fourth, drawn anew each time. ``batch_size`` counts utterances; with ``batch_tokens`` a batch holds as many
    sequences of like length as fit into so many steps, padding included; with ``pack_length``, too, they stand one after
    the other in rows of that many steps. ``mask_tokens`` is the share of semantic tokens that ASR does not see,
    ``any_speaker`` the share of utterances that are spoken without being told who.
    """

    batch_size: int = 32
    batch_tokens: int = 0
    pack_length: int = 0
    asr_ratio: float = 1.0
    tts_ratio: float = 1.0
    text_ratio: float = 0.0
    speech_ratio: float = 0.0
    mask_tokens: float = 0.1
    any_speaker: float = 0.1


@dataclass
class SamplingConfig:
    """How codes are drawn: among the ``top_k`` likeliest, of these among the likeliest that hold ``top_p`` of the mass, at
    ``temperature``; 0 takes the likeliest. ``sampling_seed`` and the utterance's own number seed each utterance's draws.
    Speech stops at ``length_limit`` times the frames that training speech had at most for as many text units, and counts
    as not ended."""

    temperature: float = 0.5
    top_k: int = 30
    top_p: float = 1.0
    sampling_seed: int = 0
    length_limit: float = 1.2

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 1 or not 0 < self.top_p <= 1 or self.length_limit <= 0:
            raise InputError(
                f"temperature {self.temperature}, top_k {self.top_k}, top_p {self.top_p}, length_limit {self.length_limit}: "
                "must be 0 or more, 1 or more, in (0, 1], and above 0"
            )


CONFIGS = (SLMConfig, SLMBatchConfig, TrainConfig)  # of a training; decoding has SamplingConfig
