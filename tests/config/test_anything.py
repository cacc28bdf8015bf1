"""Whatever stands in the file: a configuration or faults come out, each with its place, and nothing else."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge_router.config.build import build
from edge_router.config.loading import Examined, examine_bytes
from tests.config.wrong import RULES

KNOWN = st.sampled_from(
    """
    listen trunks dial_peers policies state queues name address transport targets sources uri hunt_on rules to by
    when reject incoming outgoing trunk called calling policy destinations otherwise if_stale peer limits inbound
    http open identity accept accepts node log level final_503 rel1xx early_offer refer_uri pass_headers length age
    """.split()
)
TEXT = st.text(max_size=12) | KNOWN | st.sampled_from(["sip:192.0.2.1", "127.0.0.1:5060", "5xx", "{called}", "a", "5s"])
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUE = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KNOWN | TEXT, inner, max_size=5), max_leaves=30
)


def check(examined: Examined, text: str) -> None:
    """Either it is a configuration that can be run, or it has faults, each of one line and within the file."""
    assert (examined.config is None) == bool(examined.faults)
    lines = text.count("\n") + text.count("\r") + 2
    for fault in (*examined.faults, *examined.warnings):
        assert 1 <= fault.line <= lines
        assert fault.column >= 1
        assert "\n" not in str(fault)
        assert "edge_router" not in fault.message
        assert "pydantic" not in fault.message
    if examined.config is not None:
        build(examined.config, lambda: 0.0)


@given(st.binary(max_size=200))
def test_bytes(raw: bytes) -> None:
    check(examine_bytes(raw, "f"), raw.decode("utf-8", "replace"))


@given(st.text(alphabet="[]{}:,-?&*!|>'\"%@` \n\tab1#.", max_size=60))
def test_marks_of_yaml(text: str) -> None:
    check(examine_bytes(text.encode(), "f"), text)


@given(st.dictionaries(KNOWN, VALUE, max_size=6))
def test_maps_of_known_keys(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    check(examine_bytes(text.encode(errors="surrogatepass"), "f"), text)


@given(st.data())
def test_a_good_configuration_with_one_thing_put_elsewhere(data: st.DataObject) -> None:
    good = yaml.safe_load(
        RULES + "policies: {p: {rules: [{name: a, to: [cloud], reject: 480}], otherwise: {to: cloud}}}"
    )
    place = good
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(VALUE)
        break
    text = yaml.safe_dump(good, allow_unicode=True)
    check(examine_bytes(text.encode(errors="surrogatepass"), "f"), text)
