"""What DNS is asked for a name, what its answers mean, and when it is asked again: on a clock of the test's own."""

from collections.abc import Mapping, Sequence

import pytest

from edge_router.net.names import Kind, Name, Names, Naptr, Place, Query, Record, Srv

HOST = "example.com"
A1, A2 = "192.0.2.1", "192.0.2.2"
ONLY_A: tuple[Kind, ...] = ("A",)
Zone = Mapping[tuple[str, str], Sequence[Record]]


class Play:
    """Names, a clock, and a DNS that answers by a zone; what it is asked is kept."""

    def __init__(self, name: Name, zone: Zone, spoken: tuple[str, ...] = ("udp",), ttl: float = 100) -> None:
        self.now = 1000.0
        self.name, self.zone, self.ttl = name._replace(spoken=spoken), dict(zone), ttl
        self.names = Names()
        self.asked: list[tuple[str, str]] = []
        self.silent: set[tuple[str, str]] = set()
        self.names.follow([self.name], self.now)
        self.run()

    def run(self) -> bool:
        """Answers all that is due; whether that has changed anything."""
        changed = False
        while queries := self.names.due(self.now):
            for query in queries:
                self.asked.append((query.kind, query.host))
                changed = bool(self.answer(query)) or changed
        return changed

    def answer(self, query: Query) -> list[Name]:
        if query in self.silent or ("*", "*") in self.silent:
            return self.names.failed(query, "no DNS server answers", self.now)
        return self.names.answered(query, self.zone.get((query.kind, query.host), ()), self.ttl, self.now)

    def later(self, seconds: float) -> bool:
        self.now += seconds
        return self.run()

    @property
    def places(self) -> list[Place]:
        return list(self.names.of(self.name).places)

    @property
    def trouble(self) -> str:
        return self.names.of(self.name).trouble


def srv(*entries: tuple[int, int, int, str]) -> list[Record]:
    return [Srv(*entry) for entry in entries]


def test_a_host_with_a_port_is_asked_for_its_addresses_alone() -> None:
    play = Play(Name(HOST, 5080), {("A", HOST): [A2, A1], ("AAAA", HOST): ["2001:db8::1"]})
    assert sorted(play.asked) == [("A", HOST), ("AAAA", HOST)]
    assert [place.host for place in play.places] == [A1, A2, "2001:db8::1"]
    assert {(place.port, place.transport, place.priority) for place in play.places} == {(5080, "udp", 0)}


def test_a_host_alone_is_asked_for_naptr_srv_and_addresses_in_this_order() -> None:
    play = Play(Name(HOST, families=ONLY_A), {("A", HOST): [A1]})
    assert play.asked == [("NAPTR", HOST), ("SRV", f"_sip._udp.{HOST}"), ("A", HOST)]
    assert play.places == [Place(A1, 5060, "udp")]


def test_naptr_leads_to_srv_and_that_to_addresses() -> None:
    zone: Zone = {
        ("NAPTR", HOST): [Naptr(50, 50, "s", "SIP+D2T", "_sip._tcp.e"), Naptr(90, 50, "S", "sip+d2u", "_sip._udp.e")],
        ("SRV", "_sip._udp.e"): srv((10, 60, 5070, "a.e"), (20, 0, 5071, "b.e")),
        ("A", "a.e"): [A1],
        ("A", "b.e"): [A2],
    }
    play = Play(Name(HOST, families=ONLY_A), zone)
    assert play.places == [Place(A1, 5070, "udp", 10, 60), Place(A2, 5071, "udp", 20, 0)]
    assert ("A", HOST) not in play.asked


@pytest.mark.parametrize(("spoken", "transport"), [(("udp", "tcp"), "tcp"), (("udp",), "udp"), (("tls", "udp"), "udp")])
def test_naptr_says_which_of_our_transports_is_taken(spoken: tuple[str, ...], transport: str) -> None:
    naptr = [Naptr(1, 2, "s", "SIP+D2U", "u"), Naptr(1, 1, "s", "SIP+D2T", "t"), Naptr(0, 0, "u", "SIP+D2U", "x")]
    naptr.append(Naptr(0, 0, "s", "E2U+sip", "x"))
    zone: Zone = {
        ("NAPTR", HOST): naptr,
        ("SRV", "u"): srv((0, 0, 1, "h")),
        ("SRV", "x"): srv((0, 0, 3, "wrong")),
        ("SRV", "t"): srv((0, 0, 2, "h")),
        ("A", "h"): [A1],
    }
    play = Play(Name(HOST, families=ONLY_A), zone, spoken)
    assert [place.transport for place in play.places] == [transport]
    assert ("SRV", "x") not in play.asked


def test_a_transport_that_the_uri_names_is_not_looked_for_in_naptr() -> None:
    play = Play(Name(HOST, transport="tls", families=ONLY_A), {("A", HOST): [A1]}, ("udp", "tls"))
    assert play.asked == [("SRV", f"_sips._tcp.{HOST}"), ("A", HOST)]
    assert play.places == [Place(A1, 5061, "tls")]


def test_where_nothing_but_tls_will_do_naptr_for_it_alone_counts() -> None:
    """As for a sips URI that names no transport (RFC 3263 §4.1)."""
    zone: Zone = {
        ("NAPTR", HOST): [Naptr(1, 1, "s", "SIP+D2U", "u"), Naptr(2, 1, "s", "SIPS+D2T", "secure")],
        ("SRV", "u"): srv((0, 0, 1, "h")),
        ("SRV", "secure"): srv((0, 0, 5071, "h")),
        ("A", "h"): [A1],
    }
    assert Play(Name(HOST, families=ONLY_A), zone, ("tls",)).places == [Place(A1, 5071, "tls", 0, 0)]


def test_srv_of_the_first_transport_that_has_it() -> None:
    zone: Zone = {("SRV", f"_sip._tcp.{HOST}"): srv((0, 0, 5070, "h")), ("A", "h"): [A1]}
    assert Play(Name(HOST, families=ONLY_A), zone, ("udp", "tcp")).places == [Place(A1, 5070, "tcp", 0, 0)]


def test_a_service_that_is_said_not_to_be_there_is_not_looked_for_elsewhere() -> None:
    play = Play(Name(HOST), {("SRV", f"_sip._udp.{HOST}"): srv((0, 0, 0, "")), ("A", HOST): [A1]})
    assert (play.places, play.trouble) == ([], f"_sip._udp.{HOST} says that there is no such service")


def test_an_answer_is_asked_for_again_before_it_expires() -> None:
    play = Play(Name(HOST, 5060, families=ONLY_A), {("A", HOST): [A1]}, ttl=100)
    play.later(79)
    assert len(play.asked) == 1
    play.zone[("A", HOST)] = [A2]
    assert play.later(2)
    assert [place.host for place in play.places] == [A2]


@pytest.mark.parametrize(("ttl", "soonest"), [(0, 0.8), (1e9, 0.8 * 86_400), (-5, 0.8)])
def test_an_answer_is_kept_within_bounds(ttl: float, soonest: float) -> None:
    play = Play(Name(HOST, 5060, families=ONLY_A), {("A", HOST): [A1]}, ttl=ttl)
    play.later(soonest - 0.1)
    assert len(play.asked) == 1
    play.later(0.2)
    assert len(play.asked) == 2


def test_that_there_is_nothing_is_kept_too() -> None:
    play = Play(Name(HOST, 5060, families=ONLY_A), {}, ttl=50)
    assert (play.places, play.trouble) == ([], f"there is no A record of {HOST}")
    play.later(39)
    assert len(play.asked) == 1
    play.zone[("A", HOST)] = [A1]
    assert play.later(2)
    assert (len(play.places), play.trouble) == (1, "")


def test_that_there_is_nothing_is_not_believed_for_long() -> None:
    """One wrong answer, or one with a foolish SOA, would otherwise keep a trunk down for a day."""
    play = Play(Name(HOST, 5060, families=ONLY_A), {}, ttl=1e9)
    play.later(0.8 * 300 - 1)
    assert len(play.asked) == 1
    play.zone[("A", HOST)] = [A1]
    assert play.later(2)
    assert (len(play.places), play.trouble) == (1, "")


def test_the_last_answer_is_kept_while_dns_is_down_and_taken_back_by_dns_alone() -> None:
    play = Play(Name(HOST, families=ONLY_A), {("A", HOST): [A1]})
    play.silent.add(("*", "*"))
    assert play.later(81)
    for _ in range(200):
        play.later(30)
    assert [place.host for place in play.places] == [A1]
    assert play.trouble == "no DNS server answers"
    assert play.names.failures > 200
    assert play.now - play.names.of(play.name).known_at > 6000
    play.silent.clear()
    play.later(30)
    assert (len(play.places), play.trouble) == (1, "")
    play.zone.clear()
    play.later(81)
    assert (play.places, play.trouble) == ([], f"there is no A record of {HOST}")


def test_while_dns_is_down_it_is_asked_less_and_less_often() -> None:
    play = Play(Name(HOST, 5060, families=ONLY_A), {})
    play.silent.add(("*", "*"))
    play.later(81)
    begun = len(play.asked)
    for _ in range(60):
        play.later(1)
    assert len(play.asked) - begun == 5  # after 1, 2, 4, 8 and 16 s
    for _ in range(300):
        play.later(1)
    assert len(play.asked) - begun == 15


def test_a_change_is_told_once() -> None:
    play = Play(Name(HOST, 5060, families=ONLY_A), {("A", HOST): [A1]})
    play.silent.add(("*", "*"))
    assert [play.later(81), play.later(10), play.later(60)] == [True, False, False]
    play.silent.clear()
    assert [play.later(60), play.later(81)] == [True, False]


def test_answers_in_another_order_are_no_change() -> None:
    play = Play(Name(HOST, 5060, families=ONLY_A), {("A", HOST): [A1, A2]})
    play.zone[("A", HOST)] = [A2, A1]
    assert not play.later(81)


def test_naptr_that_is_never_answered_stops_nobody() -> None:
    play = Play(Name(HOST, families=ONLY_A), {("A", HOST): [A1]})
    other = Play(Name(HOST, families=ONLY_A), {})
    other.zone[("A", HOST)] = [A1]
    other.silent.add(("NAPTR", HOST))
    other.names.follow([], other.now)
    other.names.follow([other.name], other.now)
    other.run()
    assert (other.places, other.trouble) == (play.places, "")


def test_who_has_srv_records_is_not_looked_for_elsewhere_while_dns_does_not_answer() -> None:
    zone: Zone = {("A", HOST): [A1]}
    play = Play(Name("other"), {})
    play.zone, play.name = dict(zone), Name(HOST, families=ONLY_A)
    play.silent.add(("SRV", f"_sip._udp.{HOST}"))
    play.names.follow([play.name], play.now)
    play.run()
    assert (play.places, play.trouble) == ([], "no DNS server answers")


def test_while_a_new_answer_is_incomplete_the_old_one_stands() -> None:
    first: Zone = {("SRV", f"_sip._udp.{HOST}"): srv((0, 0, 5070, "a")), ("A", "a"): [A1], ("A", "b"): [A2]}
    play = Play(Name(HOST, families=ONLY_A), first)
    play.zone[("SRV", f"_sip._udp.{HOST}")] = srv((0, 0, 5071, "b"))
    play.now += 81
    for query in play.names.due(play.now):
        play.answer(query)
    assert [place.host for place in play.places] == [A1]
    play.run()
    assert play.places == [Place(A2, 5071, "udp", 0, 0)]


def test_where_a_new_answer_leads_to_whom_dns_says_nothing_of_the_old_one_stands() -> None:
    first: Zone = {("SRV", f"_sip._udp.{HOST}"): srv((0, 0, 5070, "a")), ("A", "a"): [A1]}
    play = Play(Name(HOST, families=ONLY_A), first)
    play.zone[("SRV", f"_sip._udp.{HOST}")] = srv((0, 0, 5071, "b"))
    play.silent.add(("A", "b"))
    play.later(81)
    assert ([place.host for place in play.places], play.trouble) == ([A1], "no DNS server answers")


def test_one_server_without_an_address_does_not_take_the_others_with_it() -> None:
    zone: Zone = {("SRV", f"_sip._udp.{HOST}"): srv((0, 0, 1, "a"), (0, 0, 2, "b")), ("A", "b"): [A2]}
    play = Play(Name(HOST, families=ONLY_A), zone)
    assert (play.places, play.trouble) == ([Place(A2, 2, "udp", 0, 0)], "")


def test_names_that_share_an_answer_all_hear_of_it() -> None:
    play = Play(one := Name(HOST, 5060, families=ONLY_A), {("A", HOST): [A1]})
    two = Name(HOST, 5070, families=ONLY_A)
    play.names.follow([one, two], play.now)
    play.run()
    assert len(play.asked) == 1
    assert [place.port for place in play.names.of(two).places] == [5070]
    play.zone[("A", HOST)] = [A2]
    play.now += 81
    (query,) = play.names.due(play.now)
    assert play.answer(query) == [one, two]
    play.names.follow([two], play.now)
    assert play.names.next_due == play.now + 80


def test_what_nobody_follows_is_asked_no_more() -> None:
    play = Play(Name(HOST), {("A", HOST): [A1]})
    play.names.follow([], play.now)
    assert play.names.next_due == float("inf")
    assert play.names.answered(Query("A", HOST), [A1], 1, play.now) == []
    assert play.names.failed(Query("A", HOST), "x", play.now) == []


def test_dns_does_not_decide_how_much_we_keep() -> None:
    many = srv(*((0, 0, port, f"h{port}") for port in range(1, 500)))
    play = Play(
        Name(HOST, families=ONLY_A),
        {
            ("SRV", f"_sip._udp.{HOST}"): many,
            **{("A", f"h{n}"): [f"10.0.{n // 256}.{n % 256}"] * 100 for n in range(500)},
        },
    )
    assert len(play.places) <= 32
    assert len(play.asked) <= 40


def test_a_question_is_not_asked_twice_at_a_time() -> None:
    play = Play(Name(HOST, 5060, families=ONLY_A), {("A", HOST): [A1]})
    play.now += 81
    assert len(play.names.due(play.now)) == 1
    assert play.names.due(play.now + 60) == []
    assert play.names.next_due == float("inf")


def test_the_lowest_naptr_comes_first_and_the_lowest_servers_are_kept() -> None:
    """As numbers, and not as texts: 9 before 10."""
    zone: Zone = {
        ("NAPTR", HOST): [
            Naptr(10, 1, "s", "SIP+D2U", "ten"),
            Naptr(9, 10, "s", "SIP+D2U", "nine"),
            Naptr(9, 9, "s", "SIP+D2U", "first"),
        ],
        ("SRV", "first"): srv(*((priority, 0, 5060, f"h{priority}") for priority in range(1, 33))),
        **{("SRV", other): srv((0, 0, 1, "wrong")) for other in ("nine", "ten")},
        **{("A", f"h{n}"): [A1, A2] for n in range(1, 33)},
    }
    play = Play(Name(HOST, families=ONLY_A), zone)
    assert sorted({place.priority for place in play.places}) == list(range(1, 17))
    assert not {("SRV", "nine"), ("SRV", "ten")} & set(play.asked)


def test_a_naptr_that_names_nobody_is_passed_over() -> None:
    zone: Zone = {("NAPTR", HOST): [Naptr(1, 1, "s", "SIP+D2U", "")], ("A", HOST): [A1]}
    play = Play(Name(HOST, families=ONLY_A), zone)
    assert play.places == [Place(A1, 5060, "udp")]
    assert ("SRV", "") not in play.asked


def test_who_moves_from_addresses_to_srv_is_never_gone() -> None:
    """The address is taken back before it is known that there is an SRV record by now."""
    play = Play(Name(HOST, families=ONLY_A), {("A", HOST): [A1]})
    play.zone = {("SRV", f"_sip._udp.{HOST}"): srv((0, 0, 5070, "b")), ("A", "b"): [A2]}
    play.now += 81
    for query in sorted(play.names.due(play.now)):
        play.answer(query)
        assert [place.host for place in play.places] == [A1]
    play.run()
    assert play.places == [Place(A2, 5070, "udp", 0, 0)]


def test_what_is_known_is_as_old_as_the_oldest_answer() -> None:
    play = Play(Name(HOST, families=ONLY_A), {("SRV", f"_sip._udp.{HOST}"): srv((0, 0, 1, "a")), ("A", "a"): [A1]})
    begun = play.now
    play.silent.add(("SRV", f"_sip._udp.{HOST}"))
    play.later(81)
    assert play.names.of(play.name).known_at == begun
    play.silent.clear()
    play.later(1)
    assert play.names.of(play.name).known_at == begun + 81


def test_that_there_is_nothing_settles_it() -> None:
    assert Play(Name(HOST), {}).names.settled


def test_a_server_with_many_addresses_gets_no_more_than_its_weight() -> None:
    zone: Zone = {("SRV", f"_sip._udp.{HOST}"): srv((1, 6, 1, "a"), (1, 6, 2, "b")), ("A", "a"): [A1, A2]}
    play = Play(Name(HOST, families=ONLY_A), {**zone, ("A", "b"): ["192.0.2.3"]})
    assert [(place.port, place.weight) for place in play.places] == [(1, 3), (1, 3), (2, 6)]
