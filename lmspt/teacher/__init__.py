"""Frozen speech encoders, differentiable in the waveform."""

from lmspt.teacher.whisper import WhisperTeacher, load_whisper

__all__ = ["WhisperTeacher", "load_whisper"]
