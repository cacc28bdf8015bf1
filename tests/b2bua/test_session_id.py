"""Session-ID in what the router says itself to a caller whom it sends on (RFC 7989 §7)."""

import pytest

from tests.b2bua.stage import REDIRECTED, REFERRED, Stage

HIS = "ab30317f1a784dc48ff824d0d3715d86"
NOBODYS = "0" * 32
OTHERS = "47755a9de7794ba387653f2099600ef2"


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (f"{HIS};remote={NOBODYS}", f"{NOBODYS};remote={HIS}"),
        (f"{HIS};x=1;remote={OTHERS}", f"{OTHERS};remote={HIS}"),
        (HIS, HIS),
    ],
)
def test_it_comes_back_with_its_halves_exchanged(stage: Stage, came: str, said: str) -> None:
    caller = stage.carrier.calls(REDIRECTED, f"Session-ID: {came}")
    assert caller.hears_refusal(302).all("Session-ID") == [said]
    caller = stage.carrier.calls(REFERRED, f"Session-ID: {came}")
    assert caller.hears(200).all("Session-ID") == [said]
    caller.ack()
    refer = caller.hears("REFER")
    assert refer.all("Session-ID") == [said]
    caller.answers(refer, 202)
    caller.hangs_up()


@pytest.mark.parametrize("headers", [(), ("Session-ID: no;remote=one",)])
def test_who_has_none_is_told_none(stage: Stage, headers: tuple[str, ...]) -> None:
    assert stage.carrier.calls(REDIRECTED, *headers).hears_refusal(302).all("Session-ID") == []
