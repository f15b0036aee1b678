"""Statistics: metrics of labels and scores, and their certainty; what the labels and the evaluation both need."""
