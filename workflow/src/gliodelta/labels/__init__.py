"""Weak labels: from report text to a label with a calibrated confidence."""
