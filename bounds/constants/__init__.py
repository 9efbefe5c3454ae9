"""The constants of the theory, such as `bounds.constants.kappa`, each with its equation number.

A constant is a formula decorated with @constant in a file of this package: the decorator registers it, and the package
re-exports it.
"""

from bounds.constants.formula import Constant, all_constants
from bounds.constants.necessary import *  # noqa: F403
from bounds.constants.paper import *  # noqa: F403
from bounds.constants.random_embeddings import *  # noqa: F403

__all__ = ["Constant", "all_constants"]
