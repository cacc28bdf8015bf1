"""Tokens: who gets them, how long they are good, and that a refresh token is good once."""

from urllib.parse import parse_qs, urlsplit

import pytest

from state_client.simulator.refusal import Refusal
from state_client.simulator.tokens import READ, WRITE, Tokens
from tests.state_client.simulator.kit import FORM, Visitor

NOW = 1_700_000_000.0
ASKED = {
    "response_type": "code",
    "client_id": "simulated-client",
    "redirect_uri": "http://127.0.0.1:9/back?x=1",
    "scope": "cjp:config_read",
    "state": "st&te",
}


def tokens() -> Tokens:
    return Tokens("org", lifetime=100.0, refresh_lifetime=1000.0)


def status_of(tokens: Tokens, needed: frozenset[str], token: str, now: float = NOW) -> int:
    try:
        tokens.check(f"Bearer {token}", needed, now)
    except Refusal as refusal:
        return refusal.status
    return 200


def test_an_access_token_is_good_for_its_lifetime() -> None:
    made = tokens()
    given = made.exchange(FORM, NOW)
    assert given["expires_in"] == 100
    assert given["refresh_token_expires_in"] == 1000
    assert given["access_token"].endswith("_org")
    assert status_of(made, READ, given["access_token"], NOW + 99) == 200
    assert status_of(made, READ, given["access_token"], NOW + 100) == 401
    assert status_of(made, READ, "made-up") == 401


def test_a_refresh_token_is_good_once_and_gives_its_successor() -> None:
    made = tokens()
    first = made.exchange(FORM, NOW)["refresh_token"]
    with pytest.raises(Refusal) as refused:
        made.exchange(FORM, NOW)
    assert refused.value.status == 400
    second = made.exchange({**FORM, "refresh_token": first}, NOW)
    assert second["refresh_token"] not in (first, FORM["refresh_token"])
    with pytest.raises(Refusal):
        made.exchange({**FORM, "refresh_token": second["refresh_token"]}, NOW + 1000)


def test_expired_on_demand() -> None:
    made = tokens()
    given = made.exchange(FORM, NOW)
    made.expire()
    assert status_of(made, READ, given["access_token"]) == 401
    made.refuse_refresh = True
    with pytest.raises(Refusal):
        made.exchange({**FORM, "refresh_token": given["refresh_token"]}, NOW)
    made.refuse_refresh = False
    assert made.exchange({**FORM, "refresh_token": given["refresh_token"]}, NOW)


@pytest.mark.parametrize(("field", "value"), [("client_secret", "no"), ("client_id", "no")])
def test_the_client_has_to_prove_itself(field: str, value: str) -> None:
    with pytest.raises(Refusal) as refused:
        tokens().exchange({**FORM, field: value}, NOW)
    assert refused.value.status == 401


def test_what_a_token_may_do_is_in_its_scopes() -> None:
    made = tokens()
    code = made.authorise(ASKED, NOW)
    form = {**FORM, "grant_type": "authorization_code", "code": code, "redirect_uri": ASKED["redirect_uri"]}
    token = made.exchange(form, NOW)["access_token"]
    assert status_of(made, READ, token) == 200
    assert status_of(made, WRITE, token) == 403
    full = made.exchange(FORM, NOW)["access_token"]
    assert status_of(made, WRITE, full) == 200
    made.administrator = False
    assert status_of(made, WRITE, full) == 403
    assert status_of(made, READ, full) == 200


@pytest.mark.parametrize(("later", "uri"), [(301.0, ASKED["redirect_uri"]), (0.0, "http://elsewhere.example.com/")])
def test_a_code_is_for_its_redirect_uri_and_soon_old(later: float, uri: str) -> None:
    made = tokens()
    form = {**FORM, "grant_type": "authorization_code", "code": made.authorise(ASKED, NOW), "redirect_uri": uri}
    with pytest.raises(Refusal):
        made.exchange(form, NOW + later)


async def test_the_browser_comes_back_with_a_code_that_is_good_once(visitor: Visitor) -> None:
    answer = await visitor.ask("GET", "/v1/authorize", params=ASKED)
    assert answer.status == 302
    back = urlsplit(answer.headers["Location"])
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    assert (back.netloc, back.path, query["x"], query["state"]) == ("127.0.0.1:9", "/back", "1", "st&te")
    fields = {"grant_type": "authorization_code", "code": query["code"], "redirect_uri": ASKED["redirect_uri"]}
    assert (await visitor.form(**fields)).json["token_type"] == "Bearer"
    refused = await visitor.form(**fields)
    assert refused.status == 400
    assert refused.json["trackingId"]
    assert "authorization code" in refused.json["message"]


@pytest.mark.parametrize("field", ["response_type", "client_id", "redirect_uri"])
async def test_who_asks_wrongly_is_not_sent_anywhere(visitor: Visitor, field: str) -> None:
    assert (await visitor.ask("GET", "/v1/authorize", params={**ASKED, field: ""})).status == 400
