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
from lmspt.tokenizer.config import ModelConfig, ObjectiveConfig
from lmspt.tokenizer.losses import feature_distance
from lmspt.tokenizer.model import Output


class Resynthesis(nn.Module):
    """Semantic speech-resynthesis distillation: the frozen encoder's view of the speech spoken from semantic tokens alone
    against its view of the original. The gradient passes the encoder, its log-mel, the aux decoder and the quantizer."""

    def __init__(self, config: ObjectiveConfig, teacher: Teacher) -> None:
        super().__init__()
        self.config = config
        self.frozen = (teacher,)  # a tuple keeps the teacher out of the state dict

    def forward(self, wav: Tensor, lengths: Tensor, output: Output) -> Tensor:
        """``wav`` (B, T), ``lengths`` (B,) samples, the model's output -> scalar."""
        (teacher,) = self.frozen
        with torch.no_grad():
            targets, mask = teacher(wav, lengths, self.config.teacher_layers)
        views, _ = teacher(output.aux_wav, lengths, self.config.teacher_layers)
        distances = [feature_distance(v, t, mask, self.config.distance) for v, t in zip(views, targets, strict=True)]
        return torch.stack(distances).mean()


class FeatureMatch(nn.Module):
    """Feature-level distillation: teacher features pooled uniformly to the token rate against a projection of the tokens."""

    def __init__(self, config: ObjectiveConfig, teacher: Teacher, dim: int) -> None:
        super().__init__()
        self.config = config
        self.frozen = (teacher,)
        self.project = nn.Linear(dim, teacher.dim * len(config.teacher_layers))

    def forward(self, wav: Tensor, lengths: Tensor, output: Output) -> Tensor:
        """``wav`` (B, T), ``lengths`` (B,) samples, the model's output -> scalar."""
        (teacher,) = self.frozen
        with torch.no_grad():
            features, mask = teacher(wav, lengths, self.config.teacher_layers)
        target, pooled_mask = pool(torch.cat(features, dim=-1), mask, output.semantic.shape[1])
        return feature_distance(self.project(output.semantic), target, pooled_mask, self.config.distance)


def pool(features: Tensor, mask: Tensor, n_frames: int) -> tuple[Tensor, Tensor]:
    """Mean of the real feature frames in each token frame.

    Args:
        features: (B, F, D) at the teacher's rate.
        mask: (B, F) bool.
        n_frames: token frames; F is at most a whole multiple of it, the last token frame may be short.

    Returns:
        (B, n_frames, D), and which token frames hold any real feature, (B, n_frames) bool.
    """
    stride = -(-features.shape[1] // n_frames)
    missing = n_frames * stride - features.shape[1]
    weight = F.pad(mask.float(), (0, missing)).unflatten(1, (n_frames, stride))
    summed = (F.pad(features * mask[..., None], (0, 0, 0, missing)).unflatten(1, (n_frames, stride))).sum(2)
    return summed / weight.sum(2, keepdim=True).squeeze(2)[..., None].clamp_min(1), weight.sum(2) > 0


def build_objective(config: ObjectiveConfig, model: ModelConfig) -> nn.Module | None:
    """The configured objective, or None for a plain codec.

    Raises:
        InputError: a layer the teacher does not have, another sample rate than the teacher's, or a semantic stream that
            nothing trains.
    """
    if config.objective == "none":
        if model.detach_semantic:
            raise InputError("detach_semantic with objective none leaves the semantic stream untrained; set one of them otherwise")
        return None
    teacher = load_teacher(config.teacher)
    if not all(1 <= layer <= teacher.n_layers for layer in config.teacher_layers):
        raise InputError(f"teacher_layers {config.teacher_layers}: {config.teacher} has layers 1 to {teacher.n_layers}")
    if model.sample_rate != teacher.sample_rate:
        raise InputError(f"sample_rate {model.sample_rate}: teacher {config.teacher} hears {teacher.sample_rate} Hz")
    if config.objective == "resynthesis":
        return Resynthesis(config, teacher)
    return FeatureMatch(config, teacher, model.dim)
