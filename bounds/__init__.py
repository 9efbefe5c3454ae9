"""bounds: what the theory promises.

The constants, guarantees and certificates of "On Feature Learning in Neural Networks with Global Convergence
Guarantees" (arXiv 2204.10782), by its proof, by its repair and by sharper proofs; rounded to the safe side.
"""

from bounds import constants
from bounds.activation.base import Activation
from bounds.activation.registry import get_activation, known_activations, register_activation
from bounds.certificates.by_profile import Certificate
from bounds.certificates.certificate import SwitchOn, certificate_table, certify, first_certified
from bounds.data.embeddings import Identity, Quadratic
from bounds.data.random_features import RandomFeatures
from bounds.embedding_trials import EmbeddingTrials, embedding_trials
from bounds.erratum import Demonstration, Erratum, errata
from bounds.errors import ArgumentError, AssumptionError, DataError, LinrateError, WriteError
from bounds.guarantee import guarantee
from bounds.inverse import largest_n, smallest_delta, smallest_lambda_min
from bounds.kernel_flow import KernelFlow, kernel_flow
from bounds.necessary import necessary_embedding_dim, necessary_scale, necessary_width, possible_rate
from bounds.problem import Problem
from bounds.promise import Guarantee
from bounds.required import certified_rate, required_embedding_dim, required_scale, required_width, table

__all__ = [
    "Activation",
    "ArgumentError",
    "AssumptionError",
    "Certificate",
    "DataError",
    "Demonstration",
    "EmbeddingTrials",
    "Erratum",
    "Guarantee",
    "Identity",
    "KernelFlow",
    "LinrateError",
    "Problem",
    "Quadratic",
    "RandomFeatures",
    "SwitchOn",
    "WriteError",
    "certificate_table",
    "certified_rate",
    "certify",
    "constants",
    "embedding_trials",
    "errata",
    "first_certified",
    "get_activation",
    "guarantee",
    "kernel_flow",
    "known_activations",
    "largest_n",
    "necessary_embedding_dim",
    "necessary_scale",
    "necessary_width",
    "possible_rate",
    "register_activation",
    "required_embedding_dim",
    "required_scale",
    "required_width",
    "smallest_delta",
    "smallest_lambda_min",
    "table",
]
