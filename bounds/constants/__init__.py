"""The letters of the theory: `bounds.constants.kappa` and its neighbours, each with its equation number.

A constant is a decorated formula in a file of this package: the decorator registers it, and the package hands it on.
"""

from bounds.constants.formula import Constant, all_constants
from bounds.constants.paper import *  # noqa: F403
from bounds.constants.random_embeddings import *  # noqa: F403

__all__ = ["Constant", "all_constants"]
