"""What a tokenizer's YAML file says. Imports no torch: a misspelt key is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from pkgutil import iter_modules
from typing import Literal

from lmspt.config import read_yaml, require_at_least
from lmspt.data.variation import VariationConfig
from lmspt.errors import InputError
from lmspt.tokenizer import adapters
from lmspt.train.config import TrainConfig

STFT_HOP = 320  # samples between the frames of inverse STFTs: 50 Hz at 16 kHz


@dataclass
class ModelConfig:
    """Shape of an LM-SPT tokenizer. Dimensions are channels; strides run from a part's input to its output.

    Encoders, one kind for both streams:
        ``stft``: log-mel, ``encoder_layers`` ConvNeXt blocks at 50 Hz and ``slow_layers`` at the token rate.
        ``dac``: convolutions on the waveform, ``encoder_dim`` channels doubled at each of ``strides``.
        ``conv_transformer``: the same, then ``transformer_layers`` at the token rate.
    With ``shared_encoder`` the streams have one encoder in common.

    Decoders, ``decoder_*`` of the main one and ``aux_*`` of the auxiliary one:
        ``vocos``: ConvNeXt blocks and an inverse STFT of 320 samples a frame, of which a token takes a whole number.
        ``dac``: transposed convolutions, ``decoder_dim`` channels halved at each of ``decoder_strides``.
    The ``aux_decoder`` is its ``own``, or the main one (``shared``), or the main one without a gradient to its weights
    (``frozen``); an own one may speak at its own ``aux_sample_rate``.

    Quantizers: ``ema`` codes are running means of their vectors, ``gradient`` ones are trained. With ``fsq_levels`` the
    semantic stream is a grid of so many levels a channel instead. The acoustic codes hold what the semantic ones leave
    (``semantic_subtraction``), or the acoustic latents as they are.

    A ``causal`` tokenizer (``stft`` and ``vocos``) can encode and decode while it listens, see :mod:`lmspt.tokenizer.stream`: its
    codes do not depend on what comes after their frame, its speech on nothing later than 480 samples.

    With ``detach_semantic`` the main decoder's losses do not reach the semantic stream: what it holds is decided by the
    distillation alone, but for what a ``shared_encoder`` learns from the acoustic one. (The paper lets them, with a distillation
    weight that outvotes them.)

    Raises:
        InputError: parts that do not fit each other or the frame rate.
    """

    tokenizer: Literal["lmspt"] = "lmspt"
    sample_rate: int = 16000
    frame_rate: float = 12.5
    dim: int = 256
    encoder: Literal["stft", "dac", "conv_transformer"] = "stft"
    encoder_layers: int = 4
    slow_layers: int = 2
    encoder_dim: int = 32
    strides: list[int] = field(default_factory=list)
    transformer_layers: int = 8
    shared_encoder: bool = False
    decoder: Literal["vocos", "dac"] = "vocos"
    decoder_dim: int = 256
    decoder_layers: int = 5
    decoder_strides: list[int] = field(default_factory=list)
    aux_decoder: Literal["own", "shared", "frozen"] = "own"
    aux_dim: int = 192
    aux_layers: int = 1
    aux_strides: list[int] = field(default_factory=list)
    aux_sample_rate: int | None = None
    quantizer: Literal["ema", "gradient"] = "ema"
    semantic_size: int = 512
    fsq_levels: list[int] = field(default_factory=list)
    acoustic_codebooks: int = 3
    acoustic_size: int = 512
    code_dim: int = 32
    semantic_subtraction: bool = True
    detach_semantic: bool = False
    causal: bool = False

    def __post_init__(self) -> None:
        require_at_least(self, 1, "dim", "semantic_size", "acoustic_codebooks", "acoustic_size", "code_dim")
        self._require_hop("strides", self.strides, self.encoder != "stft", self.sample_rate)
        self._require_hop("decoder_strides", self.decoder_strides, self.decoder == "dac", self.sample_rate)
        if self.aux_decoder == "own":
            self._require_hop("aux_strides", self.aux_strides, self.decoder == "dac", self.aux_rate)
        elif self.aux_strides or self.aux_rate != self.sample_rate:
            raise InputError(f"aux_decoder {self.aux_decoder} is the main decoder: leave out aux_strides and aux_sample_rate")
        if self.encoder == "conv_transformer" and self.dim % 64:
            raise InputError(f"dim {self.dim}: the Transformer's heads have 64 channels; choose a multiple of 64")
        if self.causal and (self.encoder, self.decoder) != ("stft", "vocos"):
            raise InputError(f"causal: encoder {self.encoder} and decoder {self.decoder} look ahead; choose stft and vocos")
        if self.fsq_levels and prod(self.fsq_levels) != self.semantic_size:
            raise InputError(f"fsq_levels {self.fsq_levels}: semantic_size {self.semantic_size} must be {prod(self.fsq_levels)}")

    @property
    def aux_rate(self) -> int:
        """Sample rate of the aux decoder, Hz."""
        return self.aux_sample_rate or self.sample_rate

    def _require_hop(self, key: str, strides: list[int], convolutions: bool, sample_rate: int) -> None:
        """The samples a token frame must be the product of the strides, or a whole number of STFT frames."""
        hop_length = sample_rate / self.frame_rate
        if convolutions and prod(strides) != hop_length:
            raise InputError(f"{key} {strides}: their product must be {sample_rate} Hz / {self.frame_rate} Hz = {hop_length:g}")
        if not convolutions and strides:
            raise InputError(
                f"{key} {strides}: encoder {self.encoder} and decoder {self.decoder} have no use for them; leave them out"
            )
        if not convolutions and hop_length % STFT_HOP:
            rates = ", ".join(f"{sample_rate / STFT_HOP / n:.12g}" for n in (1, 2, 4, 8))
            raise InputError(f"frame_rate {self.frame_rate} at {sample_rate} Hz: choose one of {rates} Hz")


@dataclass
class ObjectiveConfig:
    """Which objective, against which frozen encoder. ``teacher_layers`` counts from 1.

    ``objective: resynthesis`` is the paper's (Eq. 1). The others match the tokens to the features of the original:
    ``feature`` to every layer pooled to the token rate (the baseline the paper argues against), ``daxis`` as SpeechTokenizer
    and ``mimi`` as Mimi do, to the mean of the layers. ``none`` trains a plain codec. ``distance`` is that of resynthesis and
    feature. ``teacher``: see :func:`lmspt.teacher.load.load_teacher`. ``standardize``: its channels count alike, by their mean and
    deviation over all that was heard in training. ``place_seconds``: the mean is taken at each place of so many seconds by
    itself (what comes after them counts as the last), so that tokens that match it need not tell the place; give it the length
    of a crop.

    ``distill_weight`` multiplies a mean over real frames. The 500 of the released trainer multiplies a mean over the 1500
    frames of a 30 s window, of which 300 are real where crops last 6 s: as far as silence adds nothing, that is 100 here.
    ``teacher_window: 30s`` is that way, 500 included.

    Raises:
        InputError: the place is taken off features that are not standardized.
    """

    objective: Literal["resynthesis", "feature", "daxis", "mimi", "none"] = "resynthesis"
    teacher: str = "whisper-tiny.en"
    teacher_layers: list[int] = field(default_factory=lambda: [4])
    teacher_window: Literal["crop", "30s"] = "crop"
    standardize: bool = False
    place_seconds: float = 0.0
    distance: Literal["mse", "l1", "cosine"] = "mse"
    distill_weight: float = 10.0

    def __post_init__(self) -> None:
        if self.place_seconds and not self.standardize:
            raise InputError(f"place_seconds {self.place_seconds:g}: set standardize: true, or leave it out")


@dataclass
class LossConfig:
    """Weights of the losses beside the objective's.

    The mel loss is the L1 distance of log10-mels, plus ``mel_linear_weight`` times that of the mels, a mean over
    ``mel_windows`` (samples) with their ``mel_bins``; the wave loss that of the samples. ``diversity_weight`` rewards an
    even use of the semantic codebook (the entropy of the batch's mean soft assignment); ``quantizer_dropout`` is the share
    of a batch whose number of acoustic codebooks is drawn from 0 to all, so that speech from semantic tokens alone is
    trained too. From epoch ``collapse_patience`` on a training stops that uses less than ``collapse_use`` of the semantic
    codes.

    Raises:
        InputError: not as many windows as bins.
    """

    mel_weight: float = 15.0
    mel_linear_weight: float = 0.0
    mel_windows: list[int] = field(default_factory=lambda: [512, 1024, 2048])
    mel_bins: list[int] = field(default_factory=lambda: [40, 80, 160])
    wave_weight: float = 0.0
    commitment_weight: float = 0.25
    diversity_weight: float = 0.5
    quantizer_dropout: float = 0.5
    collapse_use: float = 0.05
    collapse_patience: int = 5

    def __post_init__(self) -> None:
        if len(self.mel_windows) != len(self.mel_bins):
            raise InputError(f"mel_windows {self.mel_windows}: mel_bins {self.mel_bins} must be as many")


@dataclass
class AdversarialConfig:
    """Discriminators of the main decoder's speech (least squares and feature matching), and their part in the loss.

    ``none`` trains without; ``v2`` is the released model's set, periods and STFT bands of speech without its DC and at one
    peak level; ``v1`` SpeechTokenizer's, periods, scales and STFTs; ``small`` fits a CPU. Both losses are sums over
    discriminators and layers, as published. ``discriminator_lr`` is their peak rate, on the schedule of ``lr``. For
    ``adversarial_start`` batches the model trains alone.
    """

    discriminator: Literal["none", "small", "v1", "v2"] = "none"
    discriminator_lr: float = 5e-4
    adversarial_weight: float = 1.0
    feature_weight: float = 2.0
    adversarial_start: int = 0


@dataclass
class BatchConfig:
    """Crops a batch and their length (seconds)."""

    batch_size: int = 8
    segment_seconds: float = 2.0


# of an LM-SPT tokenizer; a k-means one has KMeansConfig alone
CONFIGS = (ModelConfig, ObjectiveConfig, LossConfig, AdversarialConfig, BatchConfig, VariationConfig, TrainConfig)


@dataclass
class KMeansConfig:
    """``size`` centroids of layer ``teacher_layer`` (from 1) pooled to ``frame_rate`` (Hz), learned from the features of
    ``max_utts`` utterances (stage 3 dumps them).

    ``teacher: logmel`` has one layer, the log-mel spectrum: the floor. With ``batch_frames`` the features are read in
    mini-batches of so many frames and need not fit into memory; 0 fits all at once. ``standardize``: channels count alike (by
    their deviation in the first mini-batch). Without it codes of Whisper's last layer tell the place in the utterance
    first, as its loudest channels do (``tools/place.py``).
    """

    tokenizer: Literal["kmeans"] = "kmeans"
    teacher: str = "whisper-tiny.en"
    teacher_layer: int = 4
    frame_rate: float = 12.5
    standardize: bool = False
    size: int = 512
    max_utts: int = 1000
    batch_frames: int = 0
    seed: int = 0


@dataclass
class AdapterConfig:
    """A published tokenizer: ``tokenizer`` is a file in ``adapters/``, ``path`` the folder of its weights or their name on
    the Hugging Face hub. ``n_codebooks`` are its first ones (null: all); ``sample_rate`` (Hz) is what it is given and gives,
    resampled to and from its own."""

    tokenizer: str = ""
    path: str = ""
    n_codebooks: int | None = None
    sample_rate: int = 16000


# of tokenizers of every kind: a recipe's overrides (tok_args) go to each of them
ALL_CONFIGS = (*CONFIGS, KMeansConfig, AdapterConfig)
ADAPTERS = tuple(sorted(module.name for module in iter_modules(adapters.__path__)))


def tokenizer_kind(config: Path) -> str:
    """The value of the config's key ``tokenizer``: ``lmspt``, ``kmeans``, or the name of an adapter.

    Raises:
        InputError: no such file or kind.
    """
    kind = read_yaml(config).get("tokenizer", "lmspt")
    kinds = ("lmspt", "kmeans", *ADAPTERS)
    if kind not in kinds:
        raise InputError(f"{config}: tokenizer '{kind}'; known kinds: {', '.join(kinds)}")
    return kind
