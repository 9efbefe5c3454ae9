"""The outer ring: many steps. The integration loop, its step-size control, descent, and what is recorded on the way."""
