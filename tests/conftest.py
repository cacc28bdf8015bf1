"""What holds for every test: one profile for every property, and a garbage collector that leaves the tests alone."""

import gc

import pytest
from hypothesis import settings

# A machine that is busy with something else must not fail an example by its clock.
settings.register_profile("edge-router", deadline=None)
settings.load_profile("edge-router")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> object:
    """Twelve thousand tests are no garbage: they aren't looked through while they are found, nor ever again.

    Else each full collection takes half a second, in which a test's router, server or clock stands still.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
