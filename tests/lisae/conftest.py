"""Detectors that are fitted once and that no test changes."""

import pytest

from lisae import LISAE, AutoEncoder, LinSepAutoEncoder
from tests.lisae.makers import new_autoencoder, new_lisae
from tests.shapes import Shapes


@pytest.fixture(scope="session")
def autoencoder(grey: Shapes) -> AutoEncoder:
    return new_autoencoder().fit(grey.normal)


@pytest.fixture(scope="session")
def linsep(grey: Shapes) -> LinSepAutoEncoder:
    return new_autoencoder(LinSepAutoEncoder).fit(*grey.labelled())


@pytest.fixture(scope="session")
def lisae(autoencoder: AutoEncoder, grey: Shapes) -> LISAE:
    return new_lisae(autoencoder).fit(*grey.labelled())
