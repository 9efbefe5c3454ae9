"""Activations: the class, the registry, activations from a user's expressions, and means under Gaussian laws."""

from bounds.activation.base import Activation, Interval, Moments
from bounds.activation.registry import get_activation, known_activations, register_activation

__all__ = ["Activation", "Interval", "Moments", "get_activation", "known_activations", "register_activation"]
