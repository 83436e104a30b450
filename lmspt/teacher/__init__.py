"""Frozen speech encoders, differentiable in the waveform."""
