"""Scores and probabilities of a trained model."""

from gliodelta.tables import PAIR
from gliodelta.training.data import load_maps
from gliodelta.training.loop import score

# Below a tenth or above ten times the logit's own scale, a few validation patients say nothing more about it: with
# perfectly separated ones the best temperature would be 0.
TEMPERATURES = (0.1, 10.0)


def predict(model, rows, cache, representation, threads=1):
    """Scores the maps of a list.

    Args:
        model: torch module (`training.models.load_model`).
        rows: pandas.DataFrame with subject, prior, current, and y where it is known.
        cache: safetensors file of the model's grid.
        representation: name of the representation on the model's card.
        threads: CPU threads.

    Returns:
        pandas.DataFrame with subject, prior, current, y_true (NaN where unknown) and score, the logit for unstable;
        rows in the order given.
    """
    import torch

    torch.set_num_threads(threads)
    maps = load_maps(rows, cache)
    return scored_rows(maps, score(model, maps, representation))


def scored_rows(maps, scores):
    """Returns subject, prior, current, y_true and score of `data.Maps` with their scores (tensor [N])."""
    return maps.rows[PAIR].assign(y_true=maps.targets.numpy(), score=scores.numpy())


def probability(scores, temperature):
    """Returns sigmoid(score / temperature) of an array of scores."""
    from scipy.special import expit

    return expit(scores / temperature)


def fit_temperature(y_true, scores):
    """Fits the temperature that makes validation probabilities most likely (Guo et al. 2017, arXiv 1706.04599).

    Args:
        y_true: array of 0 and 1.
        scores: array of logits.

    Returns:
        float in `TEMPERATURES`; 1 where there is one class, which fits no temperature.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    y_true, scores = np.asarray(y_true, float), np.asarray(scores, float)
    if len(set(y_true)) < 2:
        return 1.0

    def surprise(log_temperature):
        logits = scores / np.exp(log_temperature)
        return np.mean(np.logaddexp(0, logits) - y_true * logits)

    found = minimize_scalar(surprise, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))
