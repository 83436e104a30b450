"""The released model's shape as it is loaded here, against a plain implementation of the same network: time, and equal codes.

    python tools/bench_v2.py [--seconds 5] [--num_threads 1]

The plain one is the convolutions as they are published: weight norms evaluated in each pass, the activations as their formula
stands. Weights are random and the same; both ways take turns, the fastest of the repeats counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from lmspt.config import load_config
from lmspt.errors import run_main
from lmspt.tokenizer.checkpoint import TrainedLMSPT
from lmspt.tokenizer.config import CONFIGS
from lmspt.tokenizer.dac import DacDecoder, DacEncoder, ResidualUnit, Snake
from lmspt.tokenizer.model import LMSPT

CONFIG = Path(__file__).parents[1] / "egs/librispeech/slm1/conf/tok/v2.yaml"


def convolve(layer: nn.Conv1d | nn.ConvTranspose1d, x: Tensor) -> Tensor:
    """As torch does by itself."""
    kind = nn.ConvTranspose1d if isinstance(layer, nn.ConvTranspose1d) else nn.Conv1d
    return kind.forward(layer, x)


def snake(activation: Snake, x: Tensor) -> Tensor:
    """As it is published."""
    return x + (activation.alpha + 1e-9).reciprocal() * (activation.alpha * x).sin().pow(2)


def residual(unit: ResidualUnit, x: Tensor) -> Tensor:
    """A residual unit."""
    return x + convolve(unit.pointwise, snake(unit.snake2, convolve(unit.dilated, snake(unit.snake, x))))


def latents(encoder: DacEncoder, wav: Tensor) -> Tensor:
    """``wav`` (B, T) of whole token frames -> (B, F, dim)."""
    x = convolve(encoder.stem, wav[:, None])
    for block in encoder.blocks:
        for unit in block.units:
            x = residual(unit, x)
        x = convolve(block.down, snake(block.snake, x))
    return convolve(encoder.head, snake(encoder.snake, x)).transpose(1, 2)


def speech(decoder: DacDecoder, x: Tensor) -> Tensor:
    """Latents (B, F, dim) -> wav (B, T)."""
    x = convolve(decoder.stem, x.transpose(1, 2))
    for block in decoder.blocks:
        x = convolve(block.up, snake(block.snake, x))
        for unit in block.units:
            x = residual(unit, x)
    return convolve(decoder.head, snake(decoder.snake, x)).tanh()[:, 0]


class Plain(nn.Module):
    """Encoding and decoding of one utterance."""

    def __init__(self, model: LMSPT) -> None:
        super().__init__()
        self.model = model.eval()

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (B, T) -> codes (B, K, F)."""
        semantic = self.model.semantic_quantizer.encode(latents(self.model.semantic_encoder, wav))
        left = latents(self.model.acoustic_encoder, wav) - self.model.semantic_quantizer.lookup(semantic)
        return torch.cat([semantic[:, None], self.model.acoustic_quantizer.encode(left)], dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, K, F) -> wav (B, T)."""
        found = self.model.semantic_quantizer.lookup(codes[:, 0]) + self.model.acoustic_quantizer.lookup(codes[:, 1:])
        return speech(self.model.decoder, found)


@torch.inference_mode()
def main(argv: list[str] | None = None) -> None:
    """Parse, measure by turns, compare, print."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=float, default=5.0, help="of noise")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--num_threads", type=int, default=1)
    args = p.parse_args(argv)
    torch.set_num_threads(args.num_threads)
    torch.manual_seed(0)
    config, *_ = load_config(CONFIG, [], *CONFIGS)
    model = LMSPT(config)
    plain, loaded = Plain(model), TrainedLMSPT(config, model.state_dict(), "bench")
    n_frames = round(args.seconds * config.frame_rate)
    lengths = torch.tensor([n_frames * model.hop_length])
    wav = 0.1 * torch.randn(1, int(lengths))
    codes = plain.encode(wav)
    ways: dict[str, list[Callable[[], Tensor]]] = {
        "encode": [lambda: plain.encode(wav), lambda: loaded.encode(wav, lengths)[0]],
        "decode": [lambda: plain.decode(codes), lambda: loaded.decode(codes, torch.tensor([n_frames]))[0]],
    }
    print(f"{args.seconds:g} s of noise, {args.num_threads} thread(s), torch {torch.__version__}")
    for name, both in ways.items():
        seconds, found = [float("inf")] * 2, [torch.empty(0)] * 2
        for _ in range(args.repeats):
            for number, way in enumerate(both):
                began = time.perf_counter()
                found[number] = way()
                seconds[number] = min(seconds[number], time.perf_counter() - began)
        if name == "encode":
            differ = f"{int((found[0] != found[1]).sum())} of {codes.numel()} codes differ"
        else:
            n_samples = found[0].shape[1]  # odd strides lose some at the end, which the loaded one fills with zeros
            differ = f"greatest difference {float((found[0] - found[1][:, :n_samples]).abs().max()):.1e}"
        print(f"{name}: plain {seconds[0]:.2f} s, loaded {seconds[1]:.2f} s, ratio {seconds[0] / seconds[1]:.2f}, {differ}")


if __name__ == "__main__":
    run_main(main)
