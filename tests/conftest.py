"""What holds for all tests."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def elsewhere(tmp_path_factory):
    """Runs the tests in an empty folder.

    A process that a test starts with ``python -c`` or ``-m`` looks for modules in the folder it is
    started in. In the checkout it would find the source tree, which has no extension modules unless
    it was built in place, and not the installed package, which is what is tested.
    """
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)
