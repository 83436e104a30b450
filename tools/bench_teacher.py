"""What a Whisper teacher costs on crops beside its 30 s window, and whether a crop's gradient is the window's.

    python tools/bench_teacher.py speech.flac ... [--seconds 6] [--batch 2]

One step of resynthesis distillation is timed without the tokenizer: the view of the originals, the view of what stands for
their resynthesis (a noisy, quieter copy), and the gradient of their distance with respect to it. Both ways run in turn on
the same speech, the faster of the repeats counts. Gradients are compared on the crop: with the window's, whose mean counts the
frames of silence, too (scaled from 1500 frames to the crop's own), and with the window's of the crop's own frames.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from lmspt.errors import InputError, run_main
from lmspt.teacher.load import load_teacher
from lmspt.teacher.whisper import WhisperTeacher
from lmspt.tokenizer.losses import feature_distance


def crops(paths: list[str], seconds: float, batch: int) -> Tensor:
    """(batch, T) at 16 kHz: the first crops that the recordings hold.

    Raises:
        InputError: the recordings are too short for so many.
    """
    n_samples, found = int(seconds * 16000), []
    for path in paths:
        wav, rate = soundfile.read(path, dtype="float32")
        wav = soxr.resample(wav, rate, 16000)
        found += [wav[i : i + n_samples] for i in range(0, len(wav) - n_samples + 1, n_samples)]
    if len(found) < batch:
        raise InputError(f"{len(found)} crops of {seconds} s in {len(paths)} recordings, {batch} are wanted; give longer ones")
    return torch.from_numpy(np.stack(found[:batch]))


def gradient(teacher: WhisperTeacher, original: Tensor, spoken: Tensor, layers: list[int], n_frames: int = 1500) -> Tensor:
    """Gradient of the summed distance of the first ``n_frames`` frames with respect to ``spoken`` (B, T)."""
    lengths = torch.full((len(original),), original.shape[1])
    spoken = spoken.clone().requires_grad_()
    with torch.no_grad():
        targets, mask = teacher(original, lengths, layers)
    mask = mask & (torch.arange(mask.shape[1]) < n_frames)
    views, _ = teacher(spoken, lengths, layers)
    distances = [feature_distance(view, target, mask, "mse") for view, target in zip(views, targets, strict=True)]
    (torch.stack(distances).mean() * mask.sum()).backward()
    return spoken.grad


def compare(name: str, crop: Tensor, other: Tensor) -> None:
    """Print how far a crop's gradient is from another one."""
    cosine = torch.cosine_similarity(crop.flatten(), other.flatten(), dim=0)
    print(f"gradient beside {name}: cosine {cosine:.3f}, relative error {(crop - other).norm() / other.norm():.3f}")


def main(argv: list[str] | None = None) -> None:
    """Parse, time, compare, print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("audio", nargs="+", help="recordings of speech")
    p.add_argument("--teacher", default="whisper-tiny.en")
    p.add_argument("--layers", type=int, nargs="+", default=[2, 3, 4])
    p.add_argument("--seconds", type=float, default=6.0, help="of a crop")
    p.add_argument("--batch", type=int, default=2)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--num_threads", type=int, default=1)
    args = p.parse_args(argv)
    torch.set_num_threads(args.num_threads)
    original = crops(args.audio, args.seconds, args.batch)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(original.shape, generator=generator) * original.std(dim=1, keepdim=True)
    spoken = 0.5 * (original + 0.3 * noise)
    teachers = {window: load_teacher(args.teacher, window) for window in ("crop", "30s")}
    seconds, gradients = dict.fromkeys(teachers, float("inf")), {}
    for _ in range(args.repeats):
        for window, teacher in teachers.items():
            began = time.perf_counter()
            gradients[window] = gradient(teacher, original, spoken, args.layers)
            seconds[window] = min(seconds[window], time.perf_counter() - began)
    own = gradient(teachers["30s"], original, spoken, args.layers, n_frames=original.shape[1] // 320)
    print(f"{args.teacher}, layers {args.layers}, {args.batch} crops of {args.seconds:g} s, {args.num_threads} thread(s)")
    for name, cost in seconds.items():
        print(f"{name:>5}: {cost:.3f} s a step, forward and backward")
    print(f"30s / crop: {seconds['30s'] / seconds['crop']:.1f} times the time")
    compare("the window's", gradients["crop"], gradients["30s"])
    compare("the window's of the crop's own frames", gradients["crop"], own)


if __name__ == "__main__":
    run_main(main)
