"""What makes semantic tokens semantic: distillation objectives behind one signature.

Each is called with the original wav and the model's output and returns a scalar. Padding is never part of a mean.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmspt.errors import InputError
from lmspt.teacher.interface import Teacher
from lmspt.teacher.load import load_teacher
from lmspt.teacher.resample import Resample
from lmspt.tokenizer.config import ModelConfig, ObjectiveConfig
from lmspt.tokenizer.losses import axis_distance, feature_distance
from lmspt.tokenizer.model import Output
from lmspt.tokenizer.standardize import Standardize


def standardize_of(config: ObjectiveConfig, teacher: Teacher) -> Standardize | None:
    """What makes the teacher's channels count alike, if that is wanted."""
    if not config.standardize:
        return None
    n_places = max(1, round(config.place_seconds * teacher.frame_rate))
    return Standardize(len(config.teacher_layers), teacher.dim, n_places)


class Resynthesis(nn.Module):
    """Semantic speech-resynthesis distillation (LM-SPT, arXiv 2506.16738, Eq. 1): the frozen encoder's view of the speech
    spoken from semantic tokens alone against its view of the original, a distance a layer, their mean. The gradient passes
    the encoder, its log-mel, the aux decoder and the quantizer. No frames are matched to tokens: any token rate will do."""

    hears_aux = True

    def __init__(self, config: ObjectiveConfig, teacher: Teacher, model: ModelConfig) -> None:
        super().__init__()
        self.config, self.rates = config, (model.sample_rate, model.aux_rate)
        self.frozen = (teacher,)  # a tuple keeps the teacher out of the state dict
        self.original = Resample(model.sample_rate, teacher.sample_rate)
        self.spoken = Resample(model.aux_rate, teacher.sample_rate)
        self.standardize = standardize_of(config, teacher)

    def forward(self, wav: Tensor, lengths: Tensor, output: Output) -> Tensor:
        """``wav`` (B, T), ``lengths`` (B,) samples, the model's output -> scalar."""
        (teacher,), (rate, aux_rate) = self.frozen, self.rates
        spoken, _ = self.spoken(output.aux_wav, lengths * aux_rate // rate)
        wav, lengths = self.original(wav, lengths)
        with torch.no_grad():
            targets, mask = teacher(wav, lengths, self.config.teacher_layers)
        views, _ = teacher(spoken[:, : wav.shape[1]], lengths, self.config.teacher_layers)
        if self.standardize is not None:
            if self.training:
                self.standardize.follow(targets, mask)
            views, targets = self.standardize(views), self.standardize(targets)
        distances = [feature_distance(v, t, mask, self.config.distance) for v, t in zip(views, targets, strict=True)]
        return torch.stack(distances).mean()


class FeatureLevel(nn.Module):
    """What the feature-level objectives share: the teacher's features of the original, and a projection of the tokens.

    Args:
        width: channels of the projection.
    """

    hears_aux = False

    def __init__(self, config: ObjectiveConfig, teacher: Teacher, model: ModelConfig, width: int) -> None:
        super().__init__()
        self.config = config
        self.frozen = (teacher,)
        self.stride = int(teacher.frame_rate / model.frame_rate)
        self.original = Resample(model.sample_rate, teacher.sample_rate)
        self.project = nn.Linear(model.dim, width)
        self.standardize = standardize_of(config, teacher)

    @torch.no_grad()
    def listen(self, wav: Tensor, lengths: Tensor, n_frames: int) -> tuple[list[Tensor], Tensor]:
        """The teacher's features of the layers, each (B, F, D), and the mask of real frames (B, F), F filling ``n_frames``."""
        (teacher,) = self.frozen
        features, mask = teacher(*self.original(wav, lengths), self.config.teacher_layers)
        if self.standardize is not None:
            if self.training:
                self.standardize.follow(features, mask)
            features = self.standardize(features)
        missing = n_frames * self.stride - mask.shape[1]
        return [F.pad(feature, (0, 0, 0, missing)) for feature in features], F.pad(mask, (0, missing))


class FeatureMatch(FeatureLevel):
    """Each layer's features, pooled uniformly to the token rate, against a projection of the tokens, frame by frame: what
    the paper argues against."""

    def __init__(self, config: ObjectiveConfig, teacher: Teacher, model: ModelConfig) -> None:
        super().__init__(config, teacher, model, teacher.dim * len(config.teacher_layers))

    def forward(self, wav: Tensor, lengths: Tensor, output: Output) -> Tensor:
        """``wav`` (B, T), ``lengths`` (B,) samples, the model's output -> scalar."""
        n_frames = output.semantic.shape[1]
        features, mask = self.listen(wav, lengths, n_frames)
        target, pooled_mask = pool(torch.cat(features, dim=-1), mask, n_frames)
        return feature_distance(self.project(output.semantic), target, pooled_mask, self.config.distance)


class DAxis(FeatureLevel):
    """SpeechTokenizer's (arXiv 2308.16692): the mean of the layers, pooled uniformly where the rates differ,
    compared channel by channel along time."""

    def __init__(self, config: ObjectiveConfig, teacher: Teacher, model: ModelConfig) -> None:
        super().__init__(config, teacher, model, teacher.dim)

    def forward(self, wav: Tensor, lengths: Tensor, output: Output) -> Tensor:
        """``wav`` (B, T), ``lengths`` (B,) samples, the model's output -> scalar."""
        n_frames = output.semantic.shape[1]
        features, mask = self.listen(wav, lengths, n_frames)
        target, pooled_mask = pool(torch.stack(features).mean(0), mask, n_frames)
        return axis_distance(self.project(output.semantic), target, pooled_mask)


class MimiCosine(FeatureLevel):
    """Mimi's (arXiv 2410.00037, section 3.3): the mean of the layers, averaged over twice a token frame's length, against
    a projection of the tokens by the cosine of frames."""

    def __init__(self, config: ObjectiveConfig, teacher: Teacher, model: ModelConfig) -> None:
        super().__init__(config, teacher, model, teacher.dim)

    def forward(self, wav: Tensor, lengths: Tensor, output: Output) -> Tensor:
        """``wav`` (B, T), ``lengths`` (B,) samples, the model's output -> scalar."""
        n_frames = output.semantic.shape[1]
        features, mask = self.listen(wav, lengths, n_frames)
        target, pooled_mask = pool_wide(torch.stack(features).mean(0), mask, n_frames)
        return feature_distance(self.project(output.semantic), target, pooled_mask, "cosine")


def pool(features: Tensor, mask: Tensor, n_frames: int) -> tuple[Tensor, Tensor]:
    """Mean of the real feature frames in each token frame.

    Args:
        features: (B, F, D) at the teacher's rate.
        mask: (B, F) bool.
        n_frames: token frames; F is a whole multiple of it.

    Returns:
        (B, n_frames, D), and which token frames hold any real feature, (B, n_frames) bool.
    """
    n_real = mask.unflatten(1, (n_frames, -1)).sum(2)
    summed = (features * mask[..., None]).unflatten(1, (n_frames, -1)).sum(2)
    return summed / n_real[..., None].clamp_min(1), n_real > 0


def pool_wide(features: Tensor, mask: Tensor, n_frames: int) -> tuple[Tensor, Tensor]:
    """As :func:`pool`, but each mean reaches half a token frame into both
    neighbours (Mimi's stride of 4 frames and kernel of 8)."""
    stride = features.shape[1] // n_frames
    margins = (stride // 2, stride - stride // 2)
    weight = F.pad(mask.float(), margins).unfold(1, 2 * stride, stride).sum(-1)
    summed = F.pad(features * mask[..., None], (0, 0, *margins)).unfold(1, 2 * stride, stride).sum(-1)
    return summed / weight[..., None].clamp_min(1), mask.unflatten(1, (n_frames, stride)).any(2)


OBJECTIVES = {"resynthesis": Resynthesis, "feature": FeatureMatch, "daxis": DAxis, "mimi": MimiCosine}


def build_objective(config: ObjectiveConfig, model: ModelConfig) -> nn.Module | None:
    """The configured objective, or None for a plain codec.

    Raises:
        InputError: a layer the teacher does not have, a rate or a window that the objective cannot use, or a semantic stream
            that nothing trains.
    """
    if config.objective == "none":
        if model.detach_semantic:
            raise InputError("detach_semantic with objective none leaves the semantic stream untrained; set one of them otherwise")
        return None
    if config.objective != "resynthesis" and config.teacher_window != "crop":
        raise InputError(f"teacher_window {config.teacher_window}: objective {config.objective} pools real frames; set crop")
    teacher = load_teacher(config.teacher, config.teacher_window)
    if not all(1 <= layer <= teacher.n_layers for layer in config.teacher_layers):
        raise InputError(f"teacher_layers {config.teacher_layers}: {config.teacher} has layers 1 to {teacher.n_layers}")
    if config.objective != "resynthesis" and teacher.frame_rate % model.frame_rate:
        raise InputError(
            f"frame_rate {model.frame_rate}: objective {config.objective} pools {config.teacher}'s frames to it; "
            f"choose one that divides {teacher.frame_rate:g} Hz"
        )
    return OBJECTIVES[config.objective](config, teacher, model)
