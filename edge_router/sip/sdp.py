"""SDP as far as the router itself must speak it (RFC 4566, RFC 3264): bytes in, bytes out.

Media flows around the router, so a body mostly crosses untouched. It does not when a caller is answered
before he is REFERred (`inactive_answer`, `inactive_offer`), nor once a leg has seen the SDP of a second
source: from then on the router owns that leg's o= line (`own_origin`). And who is joined later may have
moved meanwhile (`still_fits`). Nothing more of SDP is understood here.

What comes in is a stranger's: line ends may be LF, the last one may be missing, lines may be long or
senseless. Each function says what it then does, and raises nothing but BadSdp. What is made here ends its
lines with CRLF.
"""

from typing import Final, NamedTuple

_DISCARD_PORT: Final = 9  # a stream that is accepted needs a port that is not 0; nobody sends to an inactive one
_ANSWERABLE: Final = (b"RTP/AVP", b"RTP/AVPF")  # the others need keys in the answer
_NOT_SPEECH: Final = (b"telephone-event", b"cn", b"red")
_MAX_PARTS: Final = 16


class BadSdp(ValueError):
    """A body that can't be used as SDP, or not for this purpose: the text says in plain words why."""


class Origin(NamedTuple):
    """An o= line without its network type, which is always IN (RFC 4566 §5.2)."""

    username: str
    session_id: str
    version: int
    address_type: str
    address: str


def is_sdp(content_type: str | None) -> bool:
    """Tell whether a Content-Type says application/sdp, parameters or not."""
    return content_type is not None and content_type.partition(";")[0].strip().lower() == "application/sdp"


def find_sdp(content_type: str | None, body: bytes) -> tuple[int, int] | None:
    """Where the SDP begins and ends in a body: all of it, the first such part of a multipart one, or None.

    Multipart bodies within multipart bodies are not looked into, nor is more than the first 16 parts.
    """
    if is_sdp(content_type):
        return 0, len(body)
    boundary = _boundary(content_type)
    if boundary is None:
        return None
    delimiter = b"\r\n--" + boundary
    # The CRLF in front belongs to the delimiter (RFC 2046 §5.1.1); the first one may go without.
    at = len(delimiter) - 2 if body.startswith(delimiter[2:]) else _after(body, delimiter, 0)
    for _ in range(_MAX_PARTS):
        if at < 0 or body.startswith(b"--", at):
            return None
        end = body.find(delimiter, at)
        end = len(body) if end < 0 else end
        head_end = body.find(b"\r\n\r\n", at, end)
        if head_end >= 0 and _is_plain_sdp(body[at:head_end]):
            return head_end + 4, end
        at = _after(body, delimiter, end)
    return None


def origin(sdp: bytes) -> Origin | None:
    """Read the o= line of an SDP; None where it is missing or malformed."""
    line = _origin_line(sdp)
    if line is None:
        return None
    fields = _text(sdp[line[0] + 2 : line[1]]).split(" ")
    if len(fields) != 6 or not all(_is_token(field) for field in fields):
        return None
    username, session_id, version, _, address_type, address = fields
    if not (version.isascii() and version.isdigit() and len(version) <= 20):
        return None
    return Origin(username, session_id, int(version), address_type, address)


def own_origin(body: bytes, own: Origin, content_type: str = "application/sdp") -> bytes:
    """Replace the o= line and nothing else. In one dialog only its version may change, by one (RFC 3264 §8).

    A body without SDP, or whose SDP has no o= line, comes back as it is. Raises BadSdp where a field of ours
    can't stand in the line.
    """
    found = find_sdp(content_type, body)
    if found is None:
        return body
    start, end = found
    line = _origin_line(body[start:end])
    if line is None:
        return body
    return body[: start + line[0]] + _origin_text(own).encode("utf-8") + body[start + line[1] :]


def inactive_offer(host: str, session_id: str | int, version: int = 1) -> bytes:
    """Make an offer of one inactive audio stream, PCMU or PCMA, for a caller whose INVITE had no SDP."""
    return _document(
        host,
        session_id,
        version,
        ["t=0 0"],
        [
            f"m=audio {_DISCARD_PORT} RTP/AVP 0 8",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=inactive",
        ],
    )


def inactive_answer(offer: bytes, host: str, session_id: str | int, version: int = 1, max_media: int = 64) -> bytes:
    """Make the answer that keeps a caller silent and content (RFC 3264 §6).

    Every stream of the offer is answered in its place: the first audio stream over plain RTP is accepted with
    its first speech codec and made inactive, all others are refused with port 0. Raises BadSdp for an offer
    that is malformed, has no such stream or more than `max_media` streams.
    """
    session, streams = _split(offer, max_media)
    # "t=" of the answer must be that of the offer (RFC 3264 §6), repeat times and zones with it.
    times = [_text(line) for line in session if line[:2] in (b"t=", b"r=", b"z=")] or ["t=0 0"]
    lines: list[str] = []
    accepted = False
    for stream in streams:
        media, port, protocol, formats = _media_line(stream[0])
        if accepted or media != b"audio" or port == 0 or protocol not in _ANSWERABLE:
            lines.append(f"m={_text(media)} 0 {_text(protocol)} {_text(formats[0])}")
            continue
        accepted = True
        maps = _rtpmaps(stream[1:])
        codec = next((f for f in formats if not _is_no_speech(f, maps)), formats[0])
        lines.append(f"m=audio {_DISCARD_PORT} {_text(protocol)} {_text(codec)}")
        if codec in maps:
            lines.append(f"a=rtpmap:{_text(codec)} {_text(maps[codec])}")
        lines.append("a=inactive")
    if not accepted:
        raise BadSdp("the offer has no audio stream that can be accepted: one over RTP/AVP with a port is needed")
    return _document(host, session_id, version, times, lines)


def still_fits(told: bytes, offer: bytes, answer: bytes, max_media: int = 64) -> bool:
    """Tell whether two sides understand each other after one of them has answered the other's offer.

    The answerer has been described to the offerer before, by `told`. That description still serves if each stream of
    the answer has the address, port, protocol and keys that it had there, takes every format that the offerer may send,
    and flows as the offer would have it (RFC 3264 §6). If not, the offerer must hear of the answer by an offer of its
    own. What can't be read can't be told apart, and so fits.
    """
    try:
        known, offered, answered = (_streams(each, max_media) for each in (told, offer, answer))
    except BadSdp:
        return True
    if len(answered) != len(known):
        return False
    return all(
        _is_off(theirs)
        or (
            now.place == before.place
            and now.keys <= before.keys
            and theirs.formats.items() <= now.formats.items()
            and (now.sends, now.receives) == (theirs.receives, theirs.sends)
        )
        for before, theirs, now in zip(known, offered, answered, strict=False)
    )


def without_hold(body: bytes) -> bytes:
    """The SDP of a body, itself or in a multipart, as one offers it who isn't on hold; b"" where there is none.

    What somebody said last he may have said while he was held; whoever is to hear it next is new to him.
    """
    kind = "application/sdp"
    if body.startswith(b"--"):
        boundary = _text(body[2:].partition(b"\n")[0]).strip()
        kind = f'multipart/mixed;boundary="{boundary}"'
    elif not body.startswith(b"v="):
        return b""
    found = find_sdp(kind, body)
    lines = body[found[0] : found[1]].splitlines(keepends=True) if found else []
    return b"".join([b"a=sendrecv" + line[10:] if line.rstrip() in _HELD else line for line in lines])


_HELD: Final = frozenset({b"a=sendonly", b"a=recvonly", b"a=inactive"})


class _Stream(NamedTuple):
    """One stream: its address, port and protocol; the codecs by payload type; which ways it flows; by which keys."""

    place: tuple[bytes, int, bytes]
    formats: dict[bytes, bytes]
    sends: bool
    receives: bool
    keys: frozenset[bytes]


def _is_off(stream: _Stream) -> bool:
    return stream.place[1] == 0


def _streams(sdp: bytes, max_media: int) -> list[_Stream]:
    session, streams = _split(sdp, max_media)
    address, flow = _address_of(session, b""), _flow_of(session, b"sendrecv")
    found = []
    for lines in streams:
        _, port, protocol, formats = _media_line(lines[0])
        maps = _rtpmaps(lines[1:])
        codecs = {each: b"" if _is_static(each) else maps.get(each, b"").lower() for each in formats}
        ways = _flow_of(lines, flow)
        place = (_address_of(lines, address), port, protocol)
        sends, receives = ways in (b"sendrecv", b"sendonly"), ways in (b"sendrecv", b"recvonly")
        found.append(_Stream(place, codecs, sends, receives, _keys_of(lines) or _keys_of(session)))
    return found


def _keys_of(lines: list[bytes]) -> frozenset[bytes]:
    """What SRTP is keyed by: the keys of RFC 4568, beside their tags, and the fingerprints of RFC 8122."""
    keys = [line.partition(b" ")[2] for line in lines if line.startswith(b"a=crypto:")]
    return frozenset(keys + [line for line in lines if line.startswith(b"a=fingerprint:")])


def _is_static(payload: bytes) -> bool:
    """Tell whether a payload type means the same to all, with an rtpmap or without (RFC 3551 §6)."""
    return len(payload) < 3 and payload < b"96"


def _address_of(lines: list[bytes], default: bytes) -> bytes:
    """The address of the c= line, without what only multicast has behind it."""
    for line in lines:
        if line.startswith(b"c="):
            return line.rpartition(b" ")[2].partition(b"/")[0].lower()
    return default


def _flow_of(lines: list[bytes], default: bytes) -> bytes:
    for line in lines:
        if line[2:] in (b"sendrecv", b"sendonly", b"recvonly", b"inactive") and line.startswith(b"a="):
            return line[2:]
    return default


def _document(host: str, session_id: str | int, version: int, times: list[str], media_lines: list[str]) -> bytes:
    head = [
        "v=0",
        _origin_text(Origin("-", str(session_id), version, _address_type(host), host)),
        "s=-",
        f"c=IN {_address_type(host)} {host}",
    ]
    return "".join(f"{line}\r\n" for line in head + times + media_lines).encode("utf-8", "surrogateescape")


def _origin_text(own: Origin) -> str:
    for field in (own.username, own.session_id, own.address_type, own.address):
        if not _is_token(field):
            raise BadSdp(f"{field!r} can't stand in an o= line")
    return f"o={own.username} {own.session_id} {own.version} IN {own.address_type} {own.address}"


def _address_type(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


def _is_token(text: str) -> bool:
    return bool(text) and text.isprintable() and " " not in text


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _origin_line(sdp: bytes) -> tuple[int, int] | None:
    """Where the o= line begins and ends, its line end left out; only above the first m= line is it one."""
    start = 0 if sdp.startswith(b"o=") else sdp.find(b"\no=", 0, _session_end(sdp)) + 1
    if start == 0 and not sdp.startswith(b"o="):
        return None
    end = sdp.find(b"\n", start)
    if end < 0:
        end = len(sdp)
    return start, end - 1 if sdp[end - 1] == 13 else end


def _session_end(sdp: bytes) -> int:
    end = sdp.find(b"\nm=")
    return len(sdp) if end < 0 else end


def _split(sdp: bytes, max_media: int) -> tuple[list[bytes], list[list[bytes]]]:
    """Lines of the session, and for each stream its m= line and those below it."""
    session: list[bytes] = []
    streams: list[list[bytes]] = []
    for raw in sdp.split(b"\n"):
        line = raw.removesuffix(b"\r")
        if line.startswith(b"m="):
            if len(streams) == max_media:
                raise BadSdp(f"the offer has more than {max_media} streams")
            streams.append([line])
        elif b"\r" in line or b"\0" in line:
            raise BadSdp("the offer has a bare CR or a NUL in a line")
        else:
            (streams[-1] if streams else session).append(line)
    if not session or not session[0].startswith(b"v="):
        raise BadSdp("the offer does not begin with v=")
    return session, streams


def _media_line(line: bytes) -> tuple[bytes, int, bytes, list[bytes]]:
    media, *rest = line[2:].split(b" ")
    formats = [field for field in rest[2:] if field]
    if not formats or not all(_is_token(_text(field)) for field in (media, *rest[:2], *formats)):
        raise BadSdp(f"malformed stream {line[:60]!r}: m=media port protocol formats is needed")
    port = rest[0].partition(b"/")[0]
    if not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise BadSdp(f"port {port[:20]!r} of a stream is not a number from 0 to 65535")
    return media, int(port), rest[1], formats


def _rtpmaps(lines: list[bytes]) -> dict[bytes, bytes]:
    maps: dict[bytes, bytes] = {}
    for line in lines:
        if line.startswith(b"a=rtpmap:"):
            payload, _, codec = line[9:].partition(b" ")
            maps.setdefault(payload, codec.strip())
    return maps


def _is_no_speech(payload: bytes, maps: dict[bytes, bytes]) -> bool:
    codec = maps.get(payload, b"CN/8000" if payload == b"13" else b"")
    return codec.partition(b"/")[0].lower() in _NOT_SPEECH


def _boundary(content_type: str | None) -> bytes | None:
    kind, *parameters = (content_type or "").split(";")
    if not kind.strip().lower().startswith("multipart/"):
        return None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "boundary":
            text = value.strip().strip('"')
            return text.encode("utf-8", "surrogateescape") if 0 < len(text) <= 70 else None
    return None


def _after(body: bytes, delimiter: bytes, start: int) -> int:
    """The index behind the next delimiter, -1 if there is none."""
    at = body.find(delimiter, start)
    return at + len(delimiter) if at >= 0 else -1


def _is_plain_sdp(head: bytes) -> bool:
    """Tell whether the header lines of a part say that it is SDP and stands there as it is, not in base64."""
    content_type = None
    for line in _text(head).split("\r\n"):
        name, _, value = line.partition(":")
        name = name.strip().lower()
        if name == "content-type":
            content_type = value
        elif name == "content-transfer-encoding" and value.strip().lower() not in ("binary", "8bit", "7bit"):
            return False
    return is_sdp(content_type)
