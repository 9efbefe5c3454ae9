"""Certificates: what is proved about one given network, by the formulas of `methods` or by following its path."""

from bounds.certificates.certificate import Certificate, SwitchOn, certify, first_certified

__all__ = ["Certificate", "SwitchOn", "certify", "first_certified"]
