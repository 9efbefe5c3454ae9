"""Making the runs that claims are tested on, repeating them, and confirming what seems to refute."""
