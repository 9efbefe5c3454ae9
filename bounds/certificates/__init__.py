"""Certificates: what is proved about one given network, by the formulas of `methods` or by following its path."""

from bounds.certificates.by_profile import Certificate
from bounds.certificates.certificate import SwitchOn, certify, first_certified

__all__ = ["Certificate", "SwitchOn", "certify", "first_certified"]
