"""LM-SPT: speech tokenizers trained by semantic speech-resynthesis distillation, judged by the speech LM they feed."""

__version__ = "0.1.0"
