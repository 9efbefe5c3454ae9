"""The experiments of section 4: each a small file of data; how a run of one is made, and kept on disk."""
