"""What a tokenizer's YAML file says. Imports no torch: a misspelt key is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lmspt.config import read_yaml
from lmspt.data.variation import VariationConfig
from lmspt.errors import InputError
from lmspt.train.config import TrainConfig


@dataclass
class ModelConfig:
    """Shape of an LM-SPT tokenizer. ``frame_rate`` (Hz) divides 50, the rate of the STFT frames.

    With ``detach_semantic`` the main decoder's losses do not reach the semantic stream: what it holds is decided by the
    distillation alone. (The paper lets them, with a distillation weight that outvotes them.)
    """

    tokenizer: Literal["lmspt"] = "lmspt"
    sample_rate: int = 16000
    frame_rate: float = 12.5
    dim: int = 256
    encoder_layers: int = 4
    slow_layers: int = 2
    decoder_dim: int = 256
    decoder_layers: int = 5
    aux_dim: int = 192
    aux_layers: int = 1
    semantic_size: int = 512
    acoustic_codebooks: int = 3
    acoustic_size: int = 512
    code_dim: int = 32
    detach_semantic: bool = False


@dataclass
class ObjectiveConfig:
    """Which objective, against which frozen encoder.

    ``objective: resynthesis`` is the paper's (Eq. 1), ``feature`` matches pooled teacher features directly (the baseline
    the paper argues against), ``none`` trains a plain codec. ``teacher_layers`` counts from 1.
    """

    objective: Literal["resynthesis", "feature", "none"] = "resynthesis"
    teacher: str = "whisper-tiny.en"
    teacher_layers: list[int] = field(default_factory=lambda: [4])
    distance: Literal["mse", "l1", "cosine"] = "mse"
    distill_weight: float = 10.0


@dataclass
class LossConfig:
    """Weights of the losses beside the objective's.

    ``diversity_weight`` rewards an even use of the semantic codebook (the entropy of the batch's mean soft assignment);
    ``quantizer_dropout`` is the share of a batch whose number of acoustic codebooks is drawn from 0 to all, so that
    speech from semantic tokens alone is trained too.
    """

    mel_weight: float = 15.0
    commitment_weight: float = 0.25
    diversity_weight: float = 0.5
    quantizer_dropout: float = 0.5
    collapse_use: float = 0.05
    collapse_patience: int = 5


@dataclass
class BatchConfig:
    """Crops a batch and their length (seconds)."""

    batch_size: int = 8
    segment_seconds: float = 2.0


# of an LM-SPT tokenizer; a k-means one has KMeansConfig alone
CONFIGS = (ModelConfig, ObjectiveConfig, LossConfig, BatchConfig, VariationConfig, TrainConfig)


@dataclass
class KMeansConfig:
    """``size`` centroids of layer ``teacher_layer`` (from 1) pooled to ``frame_rate`` (Hz), learned from the features of
    ``max_utts`` utterances (stage 3 dumps them)."""

    tokenizer: Literal["kmeans"] = "kmeans"
    teacher: str = "whisper-tiny.en"
    teacher_layer: int = 4
    frame_rate: float = 12.5
    size: int = 512
    max_utts: int = 1000
    seed: int = 0


def tokenizer_kind(config: Path) -> str:
    """``lmspt`` or ``kmeans``: the value of the config's key ``tokenizer``.

    Raises:
        InputError: no such file or kind.
    """
    kind = read_yaml(config).get("tokenizer", "lmspt")
    if kind not in ("lmspt", "kmeans"):
        raise InputError(f"{config}: tokenizer '{kind}'; known kinds: lmspt, kmeans")
    return kind
