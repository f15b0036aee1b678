"""Probabilities for cohorts in which change is more or less common than where the models learnt.

76 % of the published external pairs are unstable, and 32 % of those at home. What a probability says of such a cohort
depends on which share it takes for granted. All corrections keep the order of the pairs, and so every area under a
curve; they move the threshold and the calibration.
"""

import numpy as np

# Nine digits are what tables hold: a probability nearer to 0 or 1 would read as certainty and have no finite logit.
CERTAIN = 1e-9
# The estimate settles within some tens of steps; a sample without a single unsure pair may creep on for ever.
MAX_STEPS, SETTLED = 1000, 1e-9


def logit(probability):
    """Returns the log odds of an array of probabilities, finite also for 0 and 1."""
    probability = np.clip(probability, CERTAIN, 1 - CERTAIN)
    return np.log(probability) - np.log1p(-probability)


def change_prior(probability, old, new):
    """Re-expresses probabilities for another share of unstable pairs (Bayes' rule; the images' evidence stays).

    Args:
        probability: array, calibrated where the share of unstable pairs is `old`.
        old, new: shares in (0, 1).

    Returns:
        array of probabilities.
    """
    from scipy.special import expit

    return expit(logit(probability) - logit(old) + logit(new))


def estimate_prior(probability, old):
    """Estimates the share of unstable pairs in a cohort from its unlabelled pairs: maximum likelihood, by EM.

    It looks at the test set as a whole, so that the probability of a pair comes to depend on the other pairs: whatever
    is made of it is transductive, not what a single new patient would get (Saerens et al. 2002, Neural Computation).

    Args:
        probability: array, calibrated where the share of unstable pairs is `old`; not empty.
        old: share in (0, 1).

    Returns:
        float, the estimated share.
    """
    share = old
    for _ in range(MAX_STEPS):
        last, share = share, float(np.clip(change_prior(probability, old, share).mean(), CERTAIN, 1 - CERTAIN))
        if abs(share - last) < SETTLED:
            break
    return share
