"""What features of a teacher tell of the place in what is heard, which is none of a token's business.

    python tools/place.py --data dump/raw/train [--seconds 2] [--teacher whisper-tiny.en] [--layers 2 3 4]

The share of their variance, over random crops, that is the place in the crop; as they are, and with standardized channels. What
codes tell of it is a probe of stage 6.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lmspt.data.audio import Utterances
from lmspt.data.datadir import DataDir
from lmspt.errors import run_main
from lmspt.teacher.load import load_teacher


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=Path, required=True, help="formatted set")
    p.add_argument("--teacher", default="whisper-tiny.en")
    p.add_argument("--layers", type=int, nargs="+", default=[2, 3, 4])
    p.add_argument("--seconds", type=float, default=2.0, help="of a crop")
    p.add_argument("--n_crops", type=int, default=64)
    return p


def crops(data: DataDir, sample_rate: int, seconds: float, n_crops: int) -> Tensor:
    """(B, T) crops of other utterances, or all that are long enough."""
    audio, rng, length = Utterances(data, sample_rate), np.random.default_rng(0), int(seconds * sample_rate)
    utts = [utt for utt in data.utts if data.num_samples[utt] >= length]
    found = []
    for i in rng.permutation(len(utts))[:n_crops]:
        begin = rng.integers(0, data.num_samples[utts[i]] - length + 1)
        found.append(audio[utts[i]][begin : begin + length])
    return torch.from_numpy(np.stack(found))


def share_of_place(features: Tensor) -> float:
    """Of the variance of features (B, F, D), summed over channels; without what B crops have of it by chance."""
    features = features - features.mean((0, 1))
    by_place = features.mean(0)
    within = (features - by_place).square().mean() / (len(features) - 1)
    return float((by_place.square().mean() - within) / features.square().mean())


def main() -> None:
    """Measure, print a line a layer."""
    args = parser().parse_args()
    teacher = load_teacher(args.teacher)
    wav = crops(DataDir(args.data), teacher.sample_rate, args.seconds, args.n_crops)
    with torch.inference_mode():
        heard = [teacher(part, torch.full((len(part),), part.shape[1]), args.layers)[0] for part in wav.split(8)]
    print(f"{len(wav)} crops of {args.seconds:g} s of {args.data}, {args.teacher}: share of the variance that is place")
    for layer, *parts in zip(args.layers, *heard, strict=True):
        features = torch.cat(parts)
        standardized = features / features.std((0, 1))
        print(f"layer {layer}: {share_of_place(features):.2f}, of standardized channels {share_of_place(standardized):.2f}")


if __name__ == "__main__":
    run_main(main)
