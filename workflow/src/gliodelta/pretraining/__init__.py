"""Encoders trained on the weak labels of a split."""
