"""Rigorous numerics: balls, error tracking, suprema by branch and bound, enclosed eigenvalues."""
