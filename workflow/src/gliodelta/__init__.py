"""gliodelta: change detection between two T2-weighted exams of a patient with glioma."""

__version__ = "0.1.0"
