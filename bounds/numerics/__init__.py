"""Arithmetic that keeps its word: balls, error tracking, suprema by branch and bound, enclosed eigenvalues."""
