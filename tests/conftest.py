"""What holds for every test: profiles for properties, a garbage collector that leaves tests alone, and their order."""

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


LONGEST = ("test_leak.py", "test_demo.py")


def waits(item: pytest.Item) -> bool:
    """Whether a test mostly waits for far ends and clocks, and shares nothing with others of its file."""
    return item.path.parent.name == "interop" or item.path.name in LONGEST


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Strew the tests that mostly wait among the others' files, the longest at the beginning and none at the end.

    One after the other they would leave the processors idle, and at last everybody would wait for one of them.
    """
    files = {path: number for number, path in enumerate(dict.fromkeys(item.path for item in items if not waits(item)))}
    waiting = sorted(filter(waits, items), key=lambda item: (*LONGEST, item.path.name).index(item.path.name))
    apart = 0.8 * len(files) / max(len(waiting), 1)
    place = {item: number * apart - 0.5 for number, item in enumerate(waiting)}
    items.sort(key=lambda item: place.get(item, files.get(item.path, 0)))
