"""Looking for a run that contradicts a claim, making it smaller, and keeping it on disk."""
