from __future__ import annotations

import pytest

from .sample import Sample, make_sample
from .tokens import Issuer


@pytest.fixture(scope="session")
def shared_issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
def issuer(shared_issuer: Issuer) -> Issuer:
    shared_issuer.publish()
    return shared_issuer


@pytest.fixture
def sample(issuer: Issuer) -> Sample:
    return make_sample(issuer.path)
