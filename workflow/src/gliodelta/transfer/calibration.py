"""From the scores of a model to probabilities."""

# What is told of models that nothing calibrates: scores are logits.
UNCALIBRATED = {"slope": 1.0, "intercept": 0.0}
# Change of the log odds by one standard deviation of the scores. A few validation patients cannot tell that scores say
# less than the lower one or more than the upper; the lower keeps the scores' order where they are worse than chance.
SLOPES = (0.1, 10.0)


def probability(scores, calibration):
    """Returns sigmoid(slope * score + intercept) of an array of scores; see `fit_calibration`."""
    import numpy as np
    from scipy.special import expit

    # In the scores' own single precision, a steep slope would lose digits.
    return expit(calibration["slope"] * np.asarray(scores, float) + calibration["intercept"])


def fit_calibration(y_true, scores):
    """Fits the line from scores to the log odds of unstable: Platt scaling (Platt 1999, "Probabilistic outputs").

    A temperature alone would take scores for logits. Those of the published losses are none, and those of the others
    are for classes that are equally common, which the validation patients' are not.

    Args:
        y_true: array of 0 and 1.
        scores: array of finite scores.

    Returns:
        dict with `slope`, which is positive, and `intercept`; `UNCALIBRATED` where there is one class.
    """
    import numpy as np
    from scipy.optimize import minimize

    y_true, scores = np.asarray(y_true, float), np.asarray(scores, float)
    unstable, stable = y_true.sum(), (1 - y_true).sum()
    if not unstable or not stable:
        return UNCALIBRATED
    # Platt's targets, as if each class had been seen once more on the other side: perfectly told apart, classes would
    # ask for an endless slope.
    targets = np.where(y_true == 1, (unstable + 1) / (unstable + 2), 1 / (stable + 2))
    centre, spread = scores.mean(), scores.std() if np.ptp(scores) else 1.0
    standard = (scores - centre) / spread

    def surprise(line):
        logits = np.exp(line[0]) * standard + line[1]
        return np.mean(np.logaddexp(0, logits) - targets * logits)

    start = [0.0, np.log(unstable / stable)]
    log_slope, middle = minimize(surprise, start, method="L-BFGS-B", bounds=[np.log(SLOPES), (None, None)]).x
    slope = np.exp(log_slope) / spread
    return {"slope": float(slope), "intercept": float(middle - slope * centre)}
