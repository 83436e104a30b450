"""What a folder of weights says to one who finds it without its recipe."""

from __future__ import annotations

from math import log2

from lmspt.tokenizer.config import KMeansConfig, ModelConfig, ObjectiveConfig

CARD = """\
---
library_name: lmspt
tags: [speech, speech-tokenizer]
---

# {tok_id}

{what}. {frame_rate:g} tokens a second in each stream, {bits:.0f} bit/s in all.

| stream | codes | bit/s |
|---|---|---|
{rows}

`config.yaml` has its shape and how it was trained, `model.safetensors` its weights. With lmspt on the path:

```python
from lmspt.tokenizer.checkpoint import load_tokenizer

tokenizer = load_tokenizer("path/of/this/folder")
codes, frames = tokenizer.encode(wav, lengths)  # wav (B, T) at tokenizer.sample_rate, lengths (B,) in samples
```

What may be done with it depends on the licences of the speech and of the teacher it learned from.
"""


def model_card(tok_id: str, config: ModelConfig | KMeansConfig, *others: object) -> str:
    """The README of a tokenizer's folder.

    Args:
        tok_id: its identity.
        config: its shape.
        others: how it was trained; an :class:`ObjectiveConfig` among them names the teacher.
    """
    if isinstance(config, KMeansConfig):
        what = f"Clusters of features of {config.teacher}, layer {config.teacher_layer}: a speech tokenizer that cannot speak"
        sizes = {"semantic": config.size}
    else:
        what = f"An LM-SPT speech tokenizer for {config.sample_rate} Hz" + "".join(
            f", its semantic stream distilled from {other.teacher} ({other.objective})"
            for other in others
            if isinstance(other, ObjectiveConfig) and other.objective != "none"
        )
        sizes = {"semantic": config.semantic_size}
        sizes |= {f"acoustic{n}": config.acoustic_size for n in range(1, config.acoustic_codebooks + 1)}
    rates = {name: config.frame_rate * log2(size) for name, size in sizes.items()}
    rows = "\n".join(f"| {name} | {size} | {rates[name]:.1f} |" for name, size in sizes.items())
    return CARD.format(tok_id=tok_id, what=what, frame_rate=config.frame_rate, bits=sum(rates.values()), rows=rows)
