"""Measurements of speed, linrate and its alternatives side by side: `python -m benchmarks`, or `make bench`."""
