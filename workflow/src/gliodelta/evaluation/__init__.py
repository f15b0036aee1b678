"""Evaluation: what the predictions are worth, with what certainty, and beside what trivial rivals."""
