"""The best setting of the tuning, trained on each split, and its predictions."""
