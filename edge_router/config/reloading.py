"""What a reload can't do: change what stands until the end of the process, and build what can't be built."""

from collections.abc import Iterable

from edge_router.config.faults import Fault, Kind
from edge_router.config.finding import Finding
from edge_router.config.loading import Examined
from edge_router.config.models import Config
from edge_router.policy.faults import RuleError


def fixed(old: Config, examined: Examined) -> Iterable[Fault]:
    """Give what a reload can't change: the addresses that are listened on, and where state comes from."""
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


def unbuilt(examined: Examined, error: Exception) -> Fault:
    """Say in words why a configuration that seemed right couldn't be built."""
    said = str(error) or "no more is known"
    if not isinstance(error, (RuleError, OSError)):
        said = f"{type(error).__name__}: {said}; the check should have found this, please report it"
    return examined.fault(Finding((), f"this can't be built: {said}", Kind.CONFLICT))
