from bench.scenario import Template, header_lines, templates
from bench.sipp import ANSWERING, BRIDGED, REDIRECTED

INVITE = Template("""

      INVITE sip:[service]@[remote_ip] SIP/2.0
      Via: SIP/2.0/UDP [local_ip];branch=[branch]
      [routes]
      To: <sip:[service]@[remote_ip]>[peer_tag_param]
      Content-Length: [len]

      v=0
      c=IN IP4 [local_ip]

    """)
VALUES = {
    "service": "42",
    "remote_ip": "127.0.0.2",
    "local_ip": "127.0.0.1",
    "branch": "z9hG4bK1",
    "routes": "",
    "peer_tag_param": "",
}


def test_a_message_as_sipp_would_send_it() -> None:
    assert INVITE.render(VALUES) == (
        b"INVITE sip:42@127.0.0.2 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
        b"To: <sip:42@127.0.0.2>\r\n"
        b"Content-Length: 25\r\n"
        b"\r\n"
        b"v=0\r\n"
        b"c=IN IP4 127.0.0.1\r\n"
    )


def test_an_answer_takes_over_header_lines_all_of_them_and_in_order() -> None:
    answer = Template("SIP/2.0 180 Ringing\n[last_Via:]\n[last_Record-Route:]\n[last_To:];tag=b")
    answered = header_lines(b"INVITE sip:a SIP/2.0\r\nVia: one\r\nTo: <sip:a>\r\nVia: two\r\n\r\n")
    assert answer.render({}, answered) == b"SIP/2.0 180 Ringing\r\nVia: one\r\nVia: two\r\nTo: <sip:a>;tag=b\r\n\r\n"


def test_the_load_scenarios_send_what_the_replay_counts_on() -> None:
    assert [len(templates(path)) for path in (BRIDGED, ANSWERING, REDIRECTED)] == [3, 4, 2]
