"""Which number a call has where on its way: what a trunk's and a dial-peer's translations make of it, step by step.

A number stands in the user part of a URI, where parameters may follow it (``npdi``, ``rn``, ``verstat``): these stay as
they came, whatever becomes of the number before them. A name, and a user part that is empty, are never translated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_router.dialplan.number import normalise
from edge_router.sip.uri import escape_user

if TYPE_CHECKING:
    from edge_router.dialplan.peer import DialPeer
    from edge_router.dialplan.translation import Translation
    from edge_router.dialplan.trunk import Trunk
    from edge_router.policy.facts import CallFacts

_COLUMNS: Final = re.compile(r"\{service\.([a-z0-9_]+)\}")
_NO_CELLS: Final[Mapping[str, str]] = MappingProxyType({})


class Numbers(NamedTuple):
    """A call's numbers from one place of its way on: ``where`` says in words what has made them so."""

    where: str
    calling: str
    called: str


def translated(number: str, translation: Translation | None) -> str:
    """What a translation makes of a number; one that isn't there makes nothing of it, and none anything of nobody."""
    return translation.apply(number) if translation is not None and number else number


def retold(user: str, translations: Sequence[Translation]) -> str:
    """A user part with its number translated, one translation after the other; the parameters behind it stay."""
    number = came = normalise(user)
    for translation in translations:
        number = translated(number, translation)
    return user if number == came else renumbered(user, number)


def renumbered(user: str, number: str) -> str:
    """A user part with another number in front of its parameters; they go where no number is left."""
    return number.replace("#", "%23") + "".join(user.partition(";")[1:]) if number else ""


def called_at(user: str, facts: CallFacts, peer: DialPeer, trunk: Trunk) -> str:
    """The user part to dial at an outgoing dial-peer and its trunk; ``user`` is the one that came.

    What the dial-peer dials is its ``called_number``, else the called number as it is by then; that goes through its
    own translation, and then the trunk's. An emergency call dials its own number, whatever others would dial there.
    """
    if peer.called_number is not None and not facts.emergency:
        user = fill(peer.called_number, facts.called, facts.calling, facts.service)
    elif facts.called != facts.called_received:
        user = renumbered(user, facts.called)
    if peer.translate is None and trunk.translate_out is None:
        return user
    own = (peer.translate, trunk.translate_out)
    return retold(user, [each.called for each in own if each is not None and each.called is not None])


def calling_at(facts: CallFacts, peer: DialPeer, trunk: Trunk) -> str:
    """The calling number as it is told to an outgoing dial-peer's trunk."""
    number = facts.calling
    for each in (peer.translate, trunk.translate_out):
        if each is not None:
            number = translated(number, each.calling)
    return number


def calling_changes(came_by: Trunk, entered: DialPeer | None, peer: DialPeer, trunk: Trunk) -> tuple[Translation, ...]:
    """All that is done to calling numbers between two trunks, first to last: for those that stand in headers."""
    first = entered.translate if entered is not None else None
    if first is came_by.translate_in is peer.translate is trunk.translate_out is None:
        return ()
    ways = (came_by.translate_in, first, peer.translate, trunk.translate_out)
    return tuple([each.calling for each in ways if each is not None and each.calling is not None])


def refer_uri_at(template: str, user: str, facts: CallFacts, peer: DialPeer, trunk: Trunk) -> str:
    """A dial-peer's ``refer_uri`` with the numbers that leave: ``user`` is what `called_at` gives."""
    return fill(template, normalise(user), calling_at(facts, peer, trunk), facts.service)


def fill(template: str, called: str, calling: str, service: Mapping[str, str] | None) -> str:
    """A template of the configuration with what the call has, as it can stand in a URI's user part."""
    if "{service." in template:
        cells = service or _NO_CELLS
        for column in _columns_of(template):
            template = template.replace(f"{{service.{column}}}", escape_user(cells.get(column, "")))
    return template.replace("{called}", escape_user(called)).replace("{calling}", escape_user(calling))


NO_NUMBER: Final = "without a number that is left to dial"


def missing(facts: CallFacts, peer: DialPeer) -> str:
    """Why this call can't be sent to a dial-peer whose templates take what its service doesn't have; else ""."""
    for template in (peer.called_number, peer.refer_uri):
        if template is not None and "{service." in template:
            for column in _columns_of(template):
                if not (facts.service or _NO_CELLS).get(column):
                    return f"without a {column} for this number"
    return ""


def may_vanish(facts: CallFacts, peer: DialPeer, trunk: Trunk) -> bool:
    """Whether another number than the one that came is dialled there, of which nothing may be left.

    Not where callers are sent to one and the same address, whatever they have called.
    """
    if peer.refer_uri is not None and "{called}" not in peer.refer_uri:
        return False
    return (
        peer.called_number is not None
        or facts.called != facts.called_received
        or peer.translate is not None
        or trunk.translate_out is not None
    )


@lru_cache(maxsize=256)
def _columns_of(template: str) -> tuple[str, ...]:
    """The columns of the table of services that a template takes; a configuration has few templates."""
    return tuple(_COLUMNS.findall(template))
