"""Addresses that this machine can't listen on."""

import socket
from collections.abc import Iterator

import pytest

from edge_router.config.addresses import Address
from edge_router.config.binding import bind_faults
from edge_router.config.faults import Kind
from edge_router.config.loading import Examined, examine_bytes


@pytest.fixture
def taken() -> Iterator[Address]:
    """An address whose UDP and TCP port somebody else listens on."""
    with socket.socket(type=socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(tcp.getsockname())
        yield Address(*tcp.getsockname())


def examined(listen: str, http: str = "") -> Examined:
    text = f'listen: [{{name: a, address: "{listen}"}}]\n'
    return examine_bytes((text + (f'http: {{address: "{http}"}}\n' if http else "")).encode(), "f")


def free(kind: socket.SocketKind) -> Address:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return Address(*probe.getsockname())


def test_a_free_address_has_no_fault_and_is_free_afterwards() -> None:
    found = examined(str(free(socket.SOCK_DGRAM)), str(free(socket.SOCK_STREAM)))
    assert bind_faults(found) == []
    assert bind_faults(found) == []


def test_an_address_in_use(taken: Address) -> None:
    faults = bind_faults(examined(str(taken), str(taken)))
    words = "is in use: another program listens there, or a router that is running; stop it, or take another"
    assert [str(fault) for fault in faults] == [
        f"f:1:29: listen[0].address: {taken} {words}",
        f"f:2:17: http.address: {taken} {words}",
    ]
    assert {fault.kind for fault in faults} == {Kind.ADDRESS}


def test_an_address_of_another_machine() -> None:
    faults = bind_faults(examined("192.0.2.1:5060"))
    assert [fault.message for fault in faults] == ["192.0.2.1:5060 is no address of this machine; give one that it has"]


def test_beside_a_router_an_address_in_use_is_a_warning(taken: Address) -> None:
    here, elsewhere = bind_faults(examined(str(taken), "192.0.2.1:8080"), beside_router=True)
    assert str(here) == (
        f"f:1:29: listen[0].address: warning: {taken} is in use: as it should be if by the router that "
        "runs; else stop who has it, or take another"
    )
    assert (here.kind, elsewhere.kind) == (Kind.WARNING, Kind.ADDRESS)


def test_the_addresses_of_a_faulty_configuration_are_tried_where_they_can_be_read() -> None:
    text = """\
listen: [{name: a, address: "192.0.2.1:5060", frob: 1}, {name: b, address: here}, 5]
http: {address: "192.0.2.1:8080", open: all}
"""
    found = examine_bytes(text.encode(), "f")
    assert found.config is None
    assert [fault.key for fault in bind_faults(found)] == ["listen[0].address", "http.address"]


@pytest.mark.parametrize("text", ["", "listen: 5", "listen: {name: a}\nhttp: []", "listen: [{address: [1]}]", "{"])
def test_what_names_no_address_is_not_tried(text: str) -> None:
    assert bind_faults(examine_bytes(text.encode(), "f")) == []
