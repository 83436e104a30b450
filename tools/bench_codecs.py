"""Encoding and decoding of our tokenizers against published codecs: seconds for the same audio, and ratios to Mimi's.

    python tools/bench_codecs.py [--audio speech.flac] [--seconds 10] [--num_threads 1 2]

Speed does not depend on weights: all are random, the published codecs' of the default shapes in transformers, with as many
codebooks as they are used with. Each hears the audio at its own rate, one utterance at a time, with folded weight norms. All take
turns in one process; the fastest of the repeats counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations
from transformers import DacConfig, DacModel, EncodecConfig, EncodecModel, MimiConfig, MimiModel

from lmspt.config import load_config
from lmspt.data.audio import read_audio
from lmspt.errors import run_main
from lmspt.tokenizer.checkpoint import TrainedLMSPT
from lmspt.tokenizer.config import CONFIGS
from lmspt.tokenizer.model import LMSPT

EGS = Path(__file__).parents[1] / "egs"
OURS = [EGS / "fsdd/slm1/conf/tok/resynthesis_12.5hz.yaml", EGS / "librispeech/slm1/conf/tok/v2.yaml"]
BESIDE = "Mimi"  # ratios are to it


@dataclass
class Codec:
    """``encode``: wav (1, T) at ``sample_rate`` (Hz) -> codes, which ``decode`` turns into speech."""

    name: str
    sample_rate: int
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]


def ours(path: Path) -> Codec:
    """The tokenizer of a config, as a trained one is loaded."""
    config, *_ = load_config(path, [], *CONFIGS)
    tokenizer = TrainedLMSPT(config, LMSPT(config).state_dict(), "bench")

    def encode(wav: Tensor) -> Tensor:
        return tokenizer.encode(wav, torch.tensor([wav.shape[1]]))[0]

    def decode(codes: Tensor) -> Tensor:
        return tokenizer.decode(codes, torch.tensor([codes.shape[2]]))[0]

    return Codec(f"{path.parents[3].name} {path.stem}", tokenizer.sample_rate, encode, decode)


def published() -> list[Codec]:
    """Mimi and EnCodec with 8 codebooks, DAC with 9."""
    mimi, encodec, dac = (
        folded(model(config())) for model, config in ((MimiModel, MimiConfig), (EncodecModel, EncodecConfig), (DacModel, DacConfig))
    )
    return [
        Codec(
            "Mimi",
            mimi.config.sampling_rate,
            lambda wav: mimi.encode(wav[None], num_quantizers=8).audio_codes,
            lambda codes: mimi.decode(codes).audio_values,
        ),
        Codec(
            "EnCodec",
            encodec.config.sampling_rate,
            lambda wav: encodec.encode(wav[None], bandwidth=6.0).audio_codes,
            lambda codes: encodec.decode(codes, [None]).audio_values,
        ),
        Codec(
            "DAC",
            dac.config.sampling_rate,
            lambda wav: dac.encode(wav[None]).audio_codes,
            lambda codes: dac.decode(audio_codes=codes).audio_values,
        ),
    ]


def folded(model: nn.Module) -> nn.Module:
    """For inference, with the values of normed weights."""
    for module in model.modules():
        if is_parametrized(module, "weight"):
            remove_parametrizations(module, "weight")
    return model.eval()


@torch.inference_mode()
def measure(codec: Codec, wav: np.ndarray, rate: int) -> tuple[float, float]:
    """Seconds of encoding and of decoding ``wav`` (T,) at ``rate`` (Hz)."""
    heard = torch.from_numpy(soxr.resample(wav, rate, codec.sample_rate))[None]
    began = time.perf_counter()
    codes = codec.encode(heard)
    between = time.perf_counter()
    codec.decode(codes)
    return between - began, time.perf_counter() - between


def main(argv: list[str] | None = None) -> None:
    """Parse, measure by turns, print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--audio", help="a recording (default: noise)")
    p.add_argument("--seconds", type=float, default=10.0, help="of it")
    p.add_argument("--configs", type=Path, nargs="+", default=OURS, help="YAML files of our tokenizers")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--num_threads", type=int, nargs="+", default=[1, 2])
    args = p.parse_args(argv)
    torch.manual_seed(0)
    wav, rate = read_audio(args.audio) if args.audio else (0.1 * torch.randn(round(24000 * args.seconds)).numpy(), 24000)
    wav = wav[: round(rate * args.seconds)]
    codecs = [*map(ours, args.configs), *published()]
    print(f"{len(wav) / rate:.1f} s of {args.audio or 'noise'}, torch {torch.__version__}")
    for n in args.num_threads:
        torch.set_num_threads(n)
        found = {codec.name: np.full(2, np.inf) for codec in codecs}
        for _ in range(args.repeats):
            for codec in codecs:
                found[codec.name] = np.minimum(found[codec.name], measure(codec, wav, rate))
        print(f"\n| {n} thread(s) | encode, s | decode, s | encode / {BESIDE} | decode / {BESIDE} |\n|---|---|---|---|---|")
        for name, seconds in found.items():
            print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in (*seconds, *(seconds / found[BESIDE]))) + " |")


if __name__ == "__main__":
    run_main(main)
