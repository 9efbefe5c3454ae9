"""What several tests of bounds share: the demonstrations of the errata."""

import pytest

from bounds.erratum import Demonstration, get_erratum


class Demonstrations(dict[str, Demonstration]):
    """Name of an erratum -> what its demonstration found; each is run once, when it is first asked for."""

    def __missing__(self, identifier: str) -> Demonstration:
        self[identifier] = get_erratum(identifier).demonstrate()
        return self[identifier]


@pytest.fixture(scope="session")
def demonstrated() -> Demonstrations:
    return Demonstrations()
