"""Audio that libsndfile does not read (G.722, AAC, WMA, AMR, compressed SPHERE ...), through FFmpeg's libraries."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import soundfile

# no others: FFmpeg makes noise of a damaged .wav where libsndfile says that it is damaged
SUFFIXES = (".3gp", ".aac", ".amr", ".ape", ".g722", ".m4a", ".mka", ".mkv", ".mp4", ".sph", ".tta", ".webm", ".wma", ".wv")


def decode(path: str) -> BytesIO | None:
    """The first audio stream of a file as a WAV file of 32-bit samples in memory, or nothing if there is none to be decoded."""
    if not path.lower().endswith(SUFFIXES):
        return None
    import av  # most corpora do without

    try:
        with av.open(path) as container:
            if not container.streams.audio:
                return None
            stream, packed = container.streams.audio[0], av.AudioResampler(format="flt")
            blocks = [out.to_ndarray()[0] for frame in container.decode(stream) for out in packed.resample(frame)]
            channels, rate = stream.codec_context.channels, stream.codec_context.sample_rate
    except av.error.FFmpegError:
        return None
    if not blocks:
        return None
    wav = BytesIO()
    soundfile.write(wav, np.concatenate(blocks).reshape(-1, channels), rate, subtype="FLOAT", format="WAV")
    wav.seek(0)
    return wav
