"""Kaldi data directories, audio, feature archives, token store. Imports no torch."""
