"""Columns that tables of several stages have in common."""

# What names a pair of exams.
PAIR = ["subject", "prior", "current"]
# What names a split, and so a model of an arm; each counted from 1.
SPLIT = ["repeat", "fold", "inner"]
# predictions.tsv: score is the logit, probability that of unstable after calibration.
PREDICTIONS = [*PAIR, "split", "y_true", "score", "probability", *SPLIT, "arm"]
