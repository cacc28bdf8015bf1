"""What crosses from one leg to the other, and in which form.

Each leg is a dialog of its own, so everything that belongs to a hop or a dialog stays behind (Via, Route, Contact,
Call-ID, CSeq, Require, Session-Expires ...): a header crosses only if it is named here or by ``pass_headers`` of the
trunk that it leaves by. Everything else that a stranger sends ends at the router.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.identity import privacy_left, rehost, without_private
from edge_router.b2bua.messages.user_data import beside_ours, has_ours
from edge_router.sip.errors import BadMessage
from edge_router.sip.names import SPELLING
from edge_router.sip.session_id import session_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_router.dialplan.translation import Translation
    from edge_router.dialplan.trunk import Trunk
    from edge_router.sip.message import Message

_AS_IT_CAME: Final = 0
_WITH_OUR_HOST: Final = 1
_BY_TRUST: Final = 2  # P-Asserted-Identity: where the one trunk is believed and the other may know (RFC 3325)
_PRIVACY: Final = 3  # goes with the identity that it speaks of; else what of it isn't done yet
_UNLESS_PRIVATE: Final = 4  # with our host, but for the entries that ask for privacy
_PRIVACY_OF_HIDDEN: Final = 5  # what isn't done yet for a caller who is made anonymous
_ONE_SESSION: Final = 6  # as it came, if it is one: the first that can be (RFC 7989)
_BESIDE_OURS: Final = 7  # as it came; where we send one ourselves, what may stand beside it (RFC 7433)

_BODY: Final = {
    "content-type": _AS_IT_CAME,
    "content-disposition": _AS_IT_CAME,
    "content-encoding": _AS_IT_CAME,
    "content-language": _AS_IT_CAME,
    "content-id": _AS_IT_CAME,
    "mime-version": _AS_IT_CAME,
}
_EVERYWHERE: Final = _BODY | {
    "p-asserted-identity": _BY_TRUST,
    "privacy": _PRIVACY,
    "history-info": _WITH_OUR_HOST,
    "session-id": _ONE_SESSION,
    "user-to-user": _AS_IT_CAME,
    "reason": _AS_IT_CAME,
    "call-info": _AS_IT_CAME,
    "alert-info": _AS_IT_CAME,
    "date": _AS_IT_CAME,
}
IN_INVITE: Final = _EVERYWHERE | {
    "user-to-user": _BESIDE_OURS,
    "diversion": _WITH_OUR_HOST,
    "referred-by": _WITH_OUR_HOST,
    "identity": _AS_IT_CAME,
    "subject": _AS_IT_CAME,
    "priority": _AS_IT_CAME,
    "resource-priority": _AS_IT_CAME,
    "geolocation": _AS_IT_CAME,
    "geolocation-routing": _AS_IT_CAME,
}
# For a trunk that may not know who calls: these would name him, or vouch for a From that is gone (RFC 3323 §4.1).
_TELLING: Final = ("identity", "date", "call-info", "geolocation", "geolocation-routing", "subject")
IN_ANONYMOUS_INVITE: Final = {key: form for key, form in IN_INVITE.items() if key not in _TELLING} | {
    "diversion": _UNLESS_PRIVATE,
    "history-info": _UNLESS_PRIVATE,
    "privacy": _PRIVACY_OF_HIDDEN,
}
_PAST: Final = "history-info"
IN_INVITE_WITHOUT_HISTORY: Final = {key: form for key, form in IN_INVITE.items() if key != _PAST}
IN_ANONYMOUS_INVITE_WITHOUT_HISTORY: Final = {key: form for key, form in IN_ANONYMOUS_INVITE.items() if key != _PAST}
IN_RESPONSE: Final = _EVERYWHERE | {"cisco-guid": _AS_IT_CAME, "retry-after": _AS_IT_CAME}
IN_REDIRECT: Final = IN_RESPONSE | {"diversion": _WITH_OUR_HOST}
IN_BYE: Final = _BODY | {"reason": _AS_IT_CAME, "user-to-user": _AS_IT_CAME, "session-id": _ONE_SESSION}
IN_DIALOG: Final = _BODY | {
    "p-asserted-identity": _BY_TRUST,
    "privacy": _PRIVACY,
    "session-id": _ONE_SESSION,
    "user-to-user": _AS_IT_CAME,
    "reason": _AS_IT_CAME,
    "info-package": _AS_IT_CAME,
    "recv-info": _AS_IT_CAME,
    "event": _AS_IT_CAME,
    "subscription-state": _AS_IT_CAME,
    "refer-sub": _AS_IT_CAME,
    "referred-by": _WITH_OUR_HOST,
}
IN_DIALOG_RESPONSE: Final = IN_DIALOG | {
    "retry-after": _AS_IT_CAME,
    "accept": _AS_IT_CAME,
    "expires": _AS_IT_CAME,
    "min-expires": _AS_IT_CAME,
}


def crossing(
    message: Message,
    table: dict[str, int],
    came_by: Trunk,
    leaves_by: Trunk,
    host: str,
    calling_changes: Sequence[Translation] = (),
) -> str:
    """The lines of ``message`` that go on to the other leg, each with its line end.

    ``host`` is what the listener that they leave by is called outside, ``calling_changes`` what becomes of the numbers
    of asserted identities. A value that can't be read stays behind.
    """
    lines = []
    passes = leaves_by.pass_headers
    none_pass = not passes
    for key, value in message.fields:
        form = table.get(key)
        if form is None:
            if none_pass:
                continue
            if passes.crosses(key):
                lines.append(f"{message.spell(key)}: {value}\r\n")
        elif form == _AS_IT_CAME:
            lines.append(f"{SPELLING[key]}: {value}\r\n")
        elif form >= _ONE_SESSION:
            values = _well_formed(message, form, value, leaves_by)
            lines += [line for each in values if (line := f"{SPELLING[key]}: {each}\r\n") not in lines]
        elif form in (_PRIVACY, _PRIVACY_OF_HIDDEN):
            left = value if leaves_by.send_identity else privacy_left(value, form == _PRIVACY_OF_HIDDEN)
            if left:
                lines.append(f"Privacy: {left}\r\n")
        elif form != _BY_TRUST or (came_by.accept_identity and leaves_by.send_identity):
            shown = without_private(value) if form == _UNLESS_PRIVATE else value
            if shown:
                lines += _with_our_host(SPELLING[key], shown, host, calling_changes if form == _BY_TRUST else ())
    return "".join(lines)


def _well_formed(message: Message, form: int, value: str, leaves_by: Trunk) -> list[str]:
    """What of a value goes on that means nothing, or something else, where it isn't as it should be."""
    if form == _ONE_SESSION:
        return [value] if value and value == session_id_of(message) else []
    return beside_ours([value])[0] if has_ours(leaves_by) else [value]


def _with_our_host(name: str, value: str, host: str, changes: Sequence[Translation]) -> list[str]:
    try:
        return [f"{name}: {rehost(value, host, name, changes)}\r\n"]
    except BadMessage:
        return []
