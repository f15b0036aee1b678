"""Ingest: raw exams become BIDS T2w images with a sidecar of technical facts; folders become first sheets."""

# The plug-ins that read exams.
LAYOUTS = "gliodelta.ingest.layouts"
