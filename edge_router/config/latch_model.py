"""A latch as the configuration writes it: a threshold that doesn't flap."""

from pydantic import Field

from edge_router.config.policy_model import Condition
from edge_router.config.values import Age, Section


class Latch(Section):
    """Set by one condition, cleared by another, and kept over a restart."""

    set: Condition = Field(description="A CEL expression of state: the latch is set when it becomes true.")
    clear: Condition = Field(description="A CEL expression of state: the latch is cleared when it becomes true.")
    hold: Age = Field(default=0.0, description="For how long it stays as it is after a change, at least.")
