"""Scores of a trained model."""

from gliodelta.tables import PAIR
from gliodelta.training.data import load_maps
from gliodelta.training.scoring import score


def predict(model, rows, cache, card, threads=1):
    """Scores the maps of a list.

    Args:
        model: torch module (`training.models.load_model`).
        rows: pandas.DataFrame with subject, prior, current, and y where it is known.
        cache: safetensors file of the model's grid.
        card: the model's card.
        threads: CPU threads.

    Returns:
        pandas.DataFrame with subject, prior, current, y_true (NaN where unknown) and score (`scoring.score`); rows
        in the order given.
    """
    import torch

    torch.set_num_threads(threads)
    maps = load_maps(rows, cache)
    return scored_rows(maps, score(model, maps, card))


def scored_rows(maps, scores):
    """Returns subject, prior, current, y_true and score of `data.Maps` with their scores (tensor [N])."""
    return maps.rows[PAIR].assign(y_true=maps.targets.numpy(), score=scores.numpy())
