"""K-means of a teacher's features, pooled to the token rate: the topline of distillation from the same teacher, and of a
log-mel the floor. One semantic stream, no decoder."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from lmspt.data.audio import Utterances
from lmspt.data.datadir import DataDir
from lmspt.data.features import read_features, write_features
from lmspt.device import on_device
from lmspt.errors import InputError
from lmspt.teacher.interface import Teacher
from lmspt.teacher.load import load_teacher
from lmspt.tokenizer.batches import by_length, pad
from lmspt.tokenizer.config import KMeansConfig
from lmspt.tokenizer.convnext import length_mask
from lmspt.tokenizer.interface import Stream
from lmspt.tokenizer.objectives import pool

PASSES = 3  # over the features, where mini-batches are read


class KMeansTokenizer:
    """Nearest centroid of pooled teacher features: a :class:`lmspt.tokenizer.interface.Tokenizer` that cannot decode.

    Args:
        config: rate, layer, teacher.
        state: of :func:`train_kmeans`.
        tok_id: its identity.
        device: where it computes.

    Raises:
        InputError: a rate that does not divide the teacher's.
    """

    can_decode = False

    def __init__(self, config: KMeansConfig, state: dict[str, Tensor], tok_id: str, device: str | torch.device = "cpu") -> None:
        self.config, self.centroids, self.tok_id = config, state["centroids"].to(device), tok_id
        self.scale = state.get("scale", torch.ones(self.centroids.shape[1])).to(device)  # earlier trainings had none
        self.scaled = (self.centroids * self.scale)[None]
        self.teacher = load_teacher(config.teacher).to(device)
        pooling_stride(config, self.teacher)
        self.sample_rate, self.frame_rate = self.teacher.sample_rate, config.frame_rate
        self.hop_length = int(self.sample_rate / config.frame_rate)
        self.max_seconds = self.teacher.max_seconds
        if self.max_seconds < inf:  # of whole token frames
            self.max_seconds = int(self.max_seconds * config.frame_rate) / config.frame_rate
        self.streams = (Stream("semantic", config.size, True),)

    @torch.inference_mode()
    def encode(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T), ``lengths`` (B,) samples -> codes (B, 1, F), lengths (B,) frames."""
        wav, lengths = wav.to(self.centroids.device), lengths.to(self.centroids.device)
        frames = -(-lengths // self.hop_length)
        wav = F.pad(wav, (0, -wav.shape[-1] % self.hop_length))
        # The teacher hears whole token frames, so that its pooled frames and ours are the same in number.
        (features,), mask = self.teacher(wav, frames * self.hop_length, [self.config.teacher_layer])
        pooled, _ = pool(features, mask, wav.shape[1] // self.hop_length)
        codes = torch.cdist(pooled * self.scale, self.scaled).argmin(-1)
        return (codes * length_mask(frames, codes.shape[1])[..., 0].long())[:, None].cpu(), frames.cpu()

    def codebooks(self) -> list[Tensor]:
        """The centroids (size, D), each channel scaled as distances are taken."""
        return [self.scaled[0].cpu()]

    def decode(self, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """K-means keeps no sound.

        Raises:
            InputError: always.
        """
        raise InputError(f"tokenizer {self.tok_id} has no decoder; choose one with can_decode for speech output")


def pooling_stride(config: KMeansConfig, teacher: Teacher) -> int:
    """Teacher frames in a token frame.

    Raises:
        InputError: not a whole number.
    """
    stride = teacher.frame_rate / config.frame_rate
    if stride != int(stride):
        raise InputError(f"frame_rate {config.frame_rate}: must divide the teacher's {teacher.frame_rate:g} Hz")
    return int(stride)


def train_kmeans(config: KMeansConfig, features: Path) -> dict[str, Tensor]:
    """Cluster dumped teacher features (``feats.scp`` of stage 3) that are pooled to the token rate.

    Returns:
        ``centroids`` (size, D), and ``scale`` (D,), by which channels are multiplied before distances are taken.

    Raises:
        InputError: fewer frames than centroids, or a rate that does not divide the teacher's.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans  # here, because it takes a second to import

    stride = pooling_stride(config, load_teacher(config.teacher))
    first = next(_batches(features, stride, config.batch_frames), np.empty((0, 1), np.float32))
    if len(first) < config.size:
        raise InputError(
            f"{features}: {len(first)} pooled frames for {config.size} centroids; "
            "dump more utterances (max_utts) or raise batch_frames"
        )
    scale = 1 / first.std(0).clip(1e-4) if config.standardize else np.ones(first.shape[1], np.float32)
    if config.batch_frames:
        fitted = MiniBatchKMeans(config.size, n_init=1, random_state=config.seed)
        for _ in range(PASSES):
            for batch in _batches(features, stride, config.batch_frames):
                fitted.partial_fit(batch * scale)
    else:
        fitted = KMeans(config.size, n_init=1, max_iter=50, random_state=config.seed).fit(first * scale)
    state = {"centroids": fitted.cluster_centers_ / scale, "scale": scale}
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in state.items()}


def _batches(features: Path, stride: int, batch_frames: int) -> Iterator[np.ndarray]:
    """Pooled frames (N, D) float32, at least ``batch_frames`` at a time (the last are what is left); all at once if that is 0."""
    waiting: list[np.ndarray] = []
    for _, feats in read_features(features):
        whole = len(feats) // stride * stride
        waiting.append(feats[:whole].reshape(-1, stride, feats.shape[1]).mean(1))
        if batch_frames and sum(map(len, waiting)) >= batch_frames:
            yield np.concatenate(waiting).astype(np.float32)
            waiting = []
    if waiting:
        yield np.concatenate(waiting).astype(np.float32)


def dump_teacher_features(config: KMeansConfig, data: DataDir, out: Path, device: str | torch.device = "cpu") -> int:
    """Write float16 teacher features (F, D) of a seeded choice of ``max_utts`` utterances; returns their number.

    Args:
        config: teacher, layer, seed and ``max_utts``.
        data: a formatted data directory.
        out: folder.
        device: where the teacher computes.
    """
    teacher = load_teacher(config.teacher).to(device)
    hear = on_device(teacher, device)
    audio = Utterances(data, teacher.sample_rate)
    chosen = np.random.default_rng(config.seed).permutation(len(data.utts))[: config.max_utts]
    num_samples = {data.utts[i]: data.num_samples[data.utts[i]] for i in chosen}

    def features():
        for utts in tqdm(by_length(num_samples, 40 * teacher.sample_rate), f"{out}: features", disable=None, mininterval=2):
            batch = pad([audio[utt] for utt in utts])
            with torch.inference_mode():
                (found,), mask = hear(batch["wav"], batch["lengths"], [config.teacher_layer])
            for utt, feats, real in zip(utts, found, mask, strict=True):
                yield utt, feats[real].numpy().astype(np.float16)

    write_features(out, features())
    return len(num_samples)
