"""bounds: what the theory promises.

The constants, guarantees and certificates of "On Feature Learning in Neural Networks with Global Convergence
Guarantees" (arXiv 2204.10782), by its proof, by its repair and by sharper proofs; rounded to the safe side.
"""

from bounds import constants
from bounds.activations import Activation, get_activation, known_activations
from bounds.certificate import Certificate, certify
from bounds.embeddings import Identity, Quadratic
from bounds.errors import ArgumentError, AssumptionError, DataError, LinrateError
from bounds.guarantee import (
    Guarantee,
    certified_rate,
    guarantee,
    required_scale,
    required_width,
    table,
)
from bounds.problem import Problem

__all__ = [
    "Activation",
    "ArgumentError",
    "AssumptionError",
    "Certificate",
    "DataError",
    "Guarantee",
    "Identity",
    "LinrateError",
    "Problem",
    "Quadratic",
    "certified_rate",
    "certify",
    "constants",
    "get_activation",
    "guarantee",
    "known_activations",
    "required_scale",
    "required_width",
    "table",
]
