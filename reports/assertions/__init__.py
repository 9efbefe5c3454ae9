"""What section 4 of the paper asserts: the trials, the exact test, the list of statements, and the page."""
