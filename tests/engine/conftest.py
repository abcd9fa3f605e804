"""Fixtures for the tests of the engine."""

from __future__ import annotations

import pytest

import basicaer._engine.state.state as state_module
from basicaer._engine.gradient import adjoint as adjoint_module
from basicaer._engine.state import dispatch

BUILDS = dispatch.available()


@pytest.fixture(params=list(BUILDS))
def build(request, monkeypatch):
    """Runs the test with each build that this processor supports."""
    for module in (state_module, adjoint_module):
        monkeypatch.setattr(module, "kernels", BUILDS[request.param])
    return request.param


@pytest.fixture(params=["double", "single"])
def precision(request):
    return request.param
