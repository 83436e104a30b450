"""Lyra v2 (Google, a SoundStream, arXiv 2107.03312): 16 kHz, 50 Hz, 46 residual stages of 4 bits, 3.2 to 9.2 kbit/s.

Its weights are the three ``.tflite`` files of github.com/google/lyra, ``lyra/model_coeffs``; they run in LiteRT. Two stages
make one stream of 256 codes: a language model has half the streams to write, and recognition 8 bits a frame to read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lmspt.errors import InputError
from lmspt.tokenizer.adapter import first_codebooks

STAGES, STAGE_SIZE = 46, 16


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`. ``n_codebooks`` 8 is Lyra's 3.2 kbit/s, 15 its 6, 23 its 9.2.

    Raises:
        InputError: LiteRT is not installed, or a file is missing.
    """

    files = ("soundstream_encoder.tflite", "quantizer.tflite", "lyragan.tflite")
    sample_rate, hop_length = 16000, 320

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        for name in self.files:
            if not (folder / name).is_file():
                raise InputError(f"{folder / name}: no such file; take it from github.com/google/lyra, lyra/model_coeffs")
        self.streams = first_codebooks(n_codebooks, STAGES // 2, STAGE_SIZE**2)
        self.encoder, self.decoder = ((folder / name).read_bytes() for name in (self.files[0], self.files[2]))
        self.quantizer = _interpreter((folder / self.files[1]).read_bytes())
        self.quantize, self.look_up = (self.quantizer.get_signature_runner(name) for name in ("encode", "decode"))

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (K, F)."""
        interpreter = _interpreter(self.encoder)  # it keeps its state: each utterance gets one that has heard nothing
        listen, n_stages = interpreter.get_signature_runner(), np.int32(2 * len(self.streams))
        stages = []
        for frame in wav.numpy().reshape(-1, 1, self.hop_length):
            latent = listen(input_audio=frame)["output_0"]
            stages.append(self.quantize(input_frames=latent, num_quantizers=np.array(n_stages))["output_0"][:n_stages, 0, 0])
        first, second = torch.from_numpy(np.stack(stages, axis=1)).long().unflatten(0, (-1, 2)).unbind(1)
        return first * STAGE_SIZE + second

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) -> wav (T,)."""
        interpreter = _interpreter(self.decoder)
        speak = interpreter.get_signature_runner()
        stages = np.full((STAGES, codes.shape[1]), -1, np.int32)  # -1: this stage adds nothing
        stages[: 2 * len(codes)] = torch.stack([codes // STAGE_SIZE, codes % STAGE_SIZE], dim=1).flatten(0, 1).numpy()
        frames = []
        for frame in stages.T:
            latent = self.look_up(encoding_indices=frame[:, None, None])["output_0"]
            frames.append(speak(input_audio=latent)["output_0"][0])
        return torch.from_numpy(np.concatenate(frames))


def _interpreter(model: bytes):
    try:
        from ai_edge_litert.interpreter import Interpreter  # not on every platform, and only Lyra needs it
    except ImportError:
        raise InputError("tokenizer lyra runs in LiteRT: pip install ai-edge-litert") from None
    return Interpreter(model_content=model, num_threads=1)
