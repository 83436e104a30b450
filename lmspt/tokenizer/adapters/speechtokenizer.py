"""SpeechTokenizer (arXiv 2308.16692) through its own package: 16 kHz, 50 Hz, a codebook distilled from HuBERT and seven more.

``path`` is a folder such as ``speechtokenizer_hubert_avg`` of huggingface.co/fnlp/SpeechTokenizer.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from lmspt.errors import InputError
from lmspt.tokenizer.adapter import first_codebooks


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`.

    Raises:
        InputError: the package is not installed, or a file is missing.
    """

    files = ("config.json", "SpeechTokenizer.pt")

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        try:
            from speechtokenizer import SpeechTokenizer  # brings torchaudio and a trainer along: for those who want it
        except ImportError as error:
            raise InputError(f"tokenizer speechtokenizer runs in its own package ({error}): pip install speechtokenizer") from None
        for name in self.files:
            if not (folder / name).is_file():
                raise InputError(f"{folder / name}: no such file; take it from huggingface.co/fnlp/SpeechTokenizer")
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.model = SpeechTokenizer(config)
        # not its load_from_checkpoint, which with an older torch would unpickle whatever there is
        self.model.load_state_dict(torch.load(folder / "SpeechTokenizer.pt", map_location="cpu", weights_only=True))
        self.model.eval()
        self.sample_rate, self.hop_length = int(self.model.sample_rate), int(self.model.downsample_rate)
        self.streams = first_codebooks(n_codebooks, self.model.n_q, config["codebook_size"], "semantic")

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (K, F)."""
        return self.model.encode(wav[None, None], n_q=len(self.streams))[:, 0]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) -> wav (T,)."""
        return self.model.decode(codes[:, None])[0, 0]
