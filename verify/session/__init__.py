"""A session of `pytest verify/`: its options, its time budget, how it ends, and the table at its end."""
