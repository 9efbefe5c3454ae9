"""Data: files and built-in data sets, and the embeddings whose Gram matrices the theorems are about."""
