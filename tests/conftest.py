"""One profile for every property: a machine that is busy with something else must not fail an example by its clock."""

from hypothesis import settings

settings.register_profile("edge-router", deadline=None)
settings.load_profile("edge-router")
