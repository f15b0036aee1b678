"""Cohorts that no model was trained on: all models of an arm, as several ensembles side by side."""
