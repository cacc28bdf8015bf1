"""What a reload can't change."""

from collections.abc import Iterator

from edge_router.config.faults import Fault
from edge_router.config.finding import Finding
from edge_router.config.loading import Examined
from edge_router.config.models import Config


def fixed(old: Config, examined: Examined) -> Iterator[Fault]:
    """Give the faults of another configuration for a router that runs: its addresses, where its state comes from."""
    new = examined.config
    if new is None:
        return
    for part in ("source", "webex", "peers", "peer_token_file", "store"):
        if getattr(old.state, part) != getattr(new.state, part):
            message = (
                "can't change while the router runs; restart it to follow another contact centre, or in another way"
            )
            yield examined.fault(Finding(("state", part), message))
    for key in ("listen", "http"):
        if getattr(old, key) != getattr(new, key):
            yield examined.fault(Finding((key,), "can't change while the router runs; restart it to listen elsewhere"))
    if old.record != new.record:
        yield examined.fault(Finding(("record",), "can't change while the router runs; restart it to record otherwise"))
