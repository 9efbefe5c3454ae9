"""The commands of `linrate` that belong to verify: claims, replay, power."""
