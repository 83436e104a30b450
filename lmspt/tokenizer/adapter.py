"""A published tokenizer behind the one interface. Its file in ``adapters/`` says how one utterance is encoded and decoded;
rates, padding, batches and identity are the same for all and here.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import soxr
import torch
from huggingface_hub import snapshot_download
from torch import Tensor

from lmspt.config import load_config, save_config
from lmspt.device import on_device
from lmspt.errors import InputError
from lmspt.files import sha256_of, write_text
from lmspt.tokenizer.config import AdapterConfig
from lmspt.tokenizer.interface import Stream

TRANSFORMERS_FILES = ("config.json", "*.safetensors")  # no pickles


class Codec(Protocol):
    """What ``adapters/<kind>.py`` defines under this name; built from the folder of its weights and ``n_codebooks``.

    What it holds as ``model``, a module of torch, may be moved to a GPU; ``encode`` and ``decode`` then get their tensors there.
    """

    files: tuple[str, ...]  # patterns of the files in the folder that it reads
    sample_rate: int  # Hz, its own
    hop_length: int  # samples a frame
    streams: tuple[Stream, ...]  # of which the first, flagged semantic, is what recognition reads

    def __init__(self, folder: Path, n_codebooks: int | None) -> None: ...

    def encode(self, wav: Tensor) -> Tensor:
        """One utterance (T,), T a multiple of ``hop_length``, at its own rate -> codes (K, T // hop_length)."""
        ...

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) of the first K' streams -> wav (T,), T about F * hop_length."""
        ...


class AdaptedTokenizer:
    """A codec as a :class:`lmspt.tokenizer.interface.Tokenizer`.

    Utterances go through the codec one by one: most published codecs hear the padding of a batch (convolutions with biases,
    global layers), so only this gives an utterance the same codes in any company.

    Args:
        codec: of a family.
        sample_rate: Hz, of what is heard and spoken; resampled to and from the codec's own.
        tok_id: its identity.
        device: where the codec computes; one that runs in something else than torch (Lyra) stays on the CPU.
    """

    can_decode = True

    def __init__(self, codec: Codec, sample_rate: int, tok_id: str, device: str | torch.device = "cpu") -> None:
        self.codec, self.sample_rate, self.tok_id = codec, sample_rate, tok_id
        self.frame_rate = codec.sample_rate / codec.hop_length
        self.streams = codec.streams
        model = getattr(codec, "model", None)
        if isinstance(model, torch.nn.Module):
            model.to(device)
        else:
            device = "cpu"
        self.codec_encode, self.codec_decode = on_device(codec.encode, device), on_device(codec.decode, device)

    @torch.inference_mode()
    def encode(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T), ``lengths`` (B,) samples -> codes (B, K, F), lengths (B,) frames; codes past the end are 0."""
        rows = [self._encode(row[:n]) for row, n in zip(wav, lengths.tolist(), strict=True)]
        frames = [row.shape[1] for row in rows]
        codes = torch.zeros(len(rows), len(self.streams), max(frames), dtype=torch.long)
        for padded, row in zip(codes, rows, strict=True):
            padded[:, : row.shape[1]] = row
        return codes, torch.tensor(frames)

    @torch.inference_mode()
    def decode(self, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, K', F) of the first K' streams, ``lengths`` (B,) frames -> wav (B, T), lengths (B,) samples."""
        # a rate that is no whole number of samples a frame is cut to whole samples, once, at the end
        samples = lengths * self.codec.hop_length * self.sample_rate // self.codec.sample_rate
        wav = torch.zeros(len(codes), int(samples.max()))
        for padded, row, n_frames, n_samples in zip(wav, codes, lengths.tolist(), samples.tolist(), strict=True):
            spoken = _fitted(self.codec_decode(row[:, :n_frames]), n_frames * self.codec.hop_length)
            padded[:n_samples] = _fitted(_resampled(spoken, self.codec.sample_rate, self.sample_rate), n_samples)
        return wav, samples

    def codebooks(self) -> None:
        """Each codec keeps them elsewhere, some have none: they are not looked for."""

    def _encode(self, wav: Tensor) -> Tensor:
        n_frames = -(-len(wav) * self.codec.sample_rate // (self.sample_rate * self.codec.hop_length))
        own = _fitted(_resampled(wav, self.sample_rate, self.codec.sample_rate), n_frames * self.codec.hop_length)
        codes = self.codec_encode(own)
        if codes.shape != (len(self.streams), n_frames):
            raise InputError(
                f"{self.tok_id}: {tuple(codes.shape)} codes for {len(own)} samples, ({len(self.streams)}, {n_frames}) expected; "
                f"does the hop length in its config.json ({self.codec.hop_length}) fit its strides?"
            )
        return codes


def save_adapter(folder: Path, config: AdapterConfig) -> str:
    """Nothing is trained: look the weights up, write ``config.yaml`` and ``tok_id``, and return the latter.

    Raises:
        InputError: no weights there, or they are of another kind.
    """
    weights = find_codec(config)
    _build(config, weights)
    save_config(folder / "config.yaml", config)
    tok_id = f"{folder.name.removeprefix('tok_')}-{_identity(folder, config, weights)}"
    write_text(folder / "tok_id", tok_id + "\n")
    return tok_id


def load_adapter(folder: Path, device: str | torch.device = "cpu") -> AdaptedTokenizer:
    """The published tokenizer of an experiment folder, on ``device``.

    Raises:
        InputError: its weights are gone, or not those that its ``tok_id`` was made from.
    """
    (config,) = load_config(folder / "config.yaml", [], AdapterConfig)
    weights = folder / "weights" if (folder / "weights").is_dir() else find_codec(config)  # a packed one has them with it
    tok_id = (folder / "tok_id").read_text(encoding="utf-8").strip()
    if not tok_id.endswith(f"-{_identity(folder, config, weights)}"):
        mend = f"move {folder} away and run stage 4"
        raise InputError(f"{folder}: config.yaml or the weights in {weights} have changed since {tok_id}; {mend}")
    return AdaptedTokenizer(_build(config, weights), config.sample_rate, tok_id, device)


def find_codec(config: AdapterConfig) -> Path:
    """Folder of the weights: ``path`` itself, or what the Hugging Face hub, or its cache, has under this name.

    Raises:
        InputError: neither.
    """
    if not config.path:
        raise InputError(f"tokenizer {config.tokenizer}: 'path' is missing; give the folder of its weights, or its name on the hub")
    if Path(config.path).is_dir():
        return Path(config.path)
    try:
        return Path(snapshot_download(config.path, allow_patterns=list(_codec_class(config).files)))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"tokenizer {config.tokenizer}: path '{config.path}' is no folder, and not on the hub ({reason})"
        ) from None


def codec_files(config: AdapterConfig, folder: Path) -> list[Path]:
    """The files of a weights folder that the codec reads."""
    return sorted(path for pattern in _codec_class(config).files for path in folder.glob(pattern))


def first_codebooks(wanted: int | None, available: int, size: int, first: str = "codebook1") -> tuple[Stream, ...]:
    """Streams of the first ``wanted`` codebooks (None: all); of a residual quantizer any number of the first ones will do.

    Raises:
        InputError: more than there are.
    """
    n = available if wanted is None else wanted
    if not 1 <= n <= available:
        raise InputError(f"n_codebooks {n}: this tokenizer has 1 to {available}")
    return (Stream(first, size, True), *(Stream(f"codebook{number}", size, False) for number in range(2, n + 1)))


def pretrained(model_class: Any, folder: Path) -> Any:
    """A model of transformers in eval mode, every one of its weights from ``folder``.

    Raises:
        InputError: the folder holds another model, or not all of this one.
    """
    kind = model_class.config_class
    try:
        found, wanted = kind.get_config_dict(folder)[0].get("model_type"), kind.model_type
        if found != wanted:
            raise InputError(f"{folder}: a model of type {found}, not {wanted}; set 'tokenizer' or 'path' otherwise")
        model, report = model_class.from_pretrained(folder, use_safetensors=True, output_loading_info=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no weights of {model_class.__name__} ({str(error).splitlines()[0]})") from None
    if report["missing_keys"]:
        raise InputError(f"{folder}: weights of {model_class.__name__} are missing, e.g. {sorted(report['missing_keys'])[0]}")
    return model.eval().requires_grad_(False)


def _codec_class(config: AdapterConfig) -> type[Codec]:
    return import_module(f"lmspt.tokenizer.adapters.{config.tokenizer}").Codec


def _build(config: AdapterConfig, weights: Path) -> Codec:
    if not codec_files(config, weights):
        files = ", ".join(_codec_class(config).files)
        raise InputError(f"{weights}: none of {files} is there; is it a folder of {config.tokenizer}?")
    return _codec_class(config)(weights, config.n_codebooks)


def _identity(folder: Path, config: AdapterConfig, weights: Path) -> str:
    """First digits of a hash of the configuration and of every file that is read."""
    digest = hashlib.sha256((folder / "config.yaml").read_bytes())
    for path in codec_files(config, weights):
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    return digest.hexdigest()[:8]


def _resampled(wav: Tensor, rate: int, wanted: int) -> Tensor:
    return wav if rate == wanted else torch.from_numpy(soxr.resample(wav.numpy(), rate, wanted, quality="HQ"))


def _fitted(wav: Tensor, n_samples: int) -> Tensor:
    """``wav`` (T,) cut or padded with zeros to ``n_samples``."""
    return torch.nn.functional.pad(wav, (0, n_samples - len(wav)))
