"""What features of a teacher, and codes, tell of the place in what is heard, which is none of a token's business.

    python tools/place.py --data dump/raw/train [--seconds 2] [--teacher whisper-tiny.en] [--layers 2 3 4]
    python tools/place.py --tokens dump/tokens/*/test

Of features: the share of their variance, over random crops, that is the place in the crop; as they are, and with standardized
channels. Of codes: how many bits the semantic ones tell of the half second of the utterance they stand in, and how many when they
are shuffled.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lmspt.data.audio import Utterances
from lmspt.data.datadir import DataDir
from lmspt.data.tokens import TokenStore
from lmspt.score.probes import information_bits
from lmspt.teacher.load import load_teacher


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="formatted set")
    what.add_argument("--tokens", type=Path, nargs="+", help="token stores of a set")
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


def of_features(args: argparse.Namespace) -> None:
    """A line a layer."""
    teacher = load_teacher(args.teacher)
    wav = crops(DataDir(args.data), teacher.sample_rate, args.seconds, args.n_crops)
    with torch.inference_mode():
        heard = [teacher(part, torch.full((len(part),), part.shape[1]), args.layers)[0] for part in wav.split(8)]
    print(f"{len(wav)} crops of {args.seconds:g} s of {args.data}, {args.teacher}: share of the variance that is place")
    for layer, *parts in zip(args.layers, *heard, strict=True):
        features = torch.cat(parts)
        standardized = features / features.std((0, 1))
        print(f"layer {layer}: {share_of_place(features):.2f}, of standardized channels {share_of_place(standardized):.2f}")


def of_tokens(folder: Path) -> None:
    """A line."""
    tokens = TokenStore(folder)
    codes = [tokens[key][0] for key in tokens]
    half_seconds = np.concatenate([np.arange(len(row)) * 2 // tokens.meta["frame_rate"] for row in codes])
    codes = np.concatenate(codes)
    chance = information_bits(half_seconds, np.random.default_rng(0).permutation(codes))
    print(f"{folder}: {information_bits(half_seconds, codes):.2f} bits of place in a code, {chance:.2f} if shuffled")


def main() -> None:
    """Measure, print."""
    args = parser().parse_args()
    if args.data:
        of_features(args)
    for folder in args.tokens or ():
        of_tokens(folder)


if __name__ == "__main__":
    main()
