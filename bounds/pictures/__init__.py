"""Pictures: the style of all of them, and those of what the theory promises. matplotlib is imported late."""
