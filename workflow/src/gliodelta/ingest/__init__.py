"""Ingest: raw exams become BIDS T2w images with a sidecar of technical facts, and first sheets are drafted from folders."""
