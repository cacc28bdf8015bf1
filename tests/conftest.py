"""What holds for every test: profiles for every property, and a garbage collector that leaves the tests alone."""

import gc

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy with something else must not fail an example by its clock.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("roaming", PATIENT, derandomize=False, max_examples=1_000, print_blob=True)  # make properties
# The same examples each time: whoever changes something else isn't stopped by what somebody finds at last.
settings.register_profile("edge-router", PATIENT, derandomize=True)
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
