"""The deployments in examples/, on a block of loopback addresses of the test's own, with ends around them."""

import itertools
import json
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from tests.end_to_end.block import Address, Block
from tests.end_to_end.leg import Leg
from tests.end_to_end.phone import Phone
from tests.end_to_end.simulator_process import SECRET, SimulatorProcess
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Wire, uri_of, user_of

EXAMPLES: Final = Path(__file__).parent.parent.parent / "examples"
SECRETS: Final = {
    "client": "simulated-secret",
    "refresh": "simulated-refresh-token",
    "webhook": SECRET,
    "tokens": "3f9c1f0f5a8e4be0a1d27d1a6f1c5f5f edge-2 read\n",
    "edge-2": "3f9c1f0f5a8e4be0a1d27d1a6f1c5f5f",
}
"""Files that the examples name and that nobody keeps beside them."""
_callers: Final = itertools.count(2000)
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def laid_out(name: str, directory: Path, prefix: str = "127.0.0") -> Path:
    """An example's files in this directory, at the addresses of a block, with the secrets that they name."""
    for path in sorted((EXAMPLES / name).iterdir()):
        if path.suffix == ".yaml":
            (directory / path.name).write_text(path.read_text().replace("127.0.0.", f"{prefix}."))
        else:
            shutil.copy(path, directory)
    (directory / "secrets").mkdir(mode=0o700)
    for file, secret in SECRETS.items():
        (directory / "secrets" / file).write_text(secret)
        (directory / "secrets" / file).chmod(0o600)
    return directory


def changed(text: str, changes: Mapping[str, str]) -> str:
    """A configuration's text with what a test can't wait for made smaller; each of the changes must find its place."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def configuration(
    name: str, block: Block, directory: Path, file: str = "edge-router.yaml", changes: Mapping[str, str] = NOTHING
) -> str:
    """The text of an example's configuration, laid out at the block's addresses."""
    return changed((laid_out(name, directory, block.prefix) / file).read_text(), changes)


def following(text: str, simulator: SimulatorProcess, block: Block) -> str:
    """The same, where the contact centre is the simulated one."""
    whole = yaml.safe_load(text)
    webex = simulator.state()["webex"]
    webex["webhook"]["url"] = f"http://{block.host(10)}:8443/webhooks/webex"
    whole["state"]["webex"] |= webex
    return yaml.safe_dump(whole, sort_keys=False)


class Ends:
    """Everybody around a gateway, each at the address that the examples give him."""

    def __init__(self, block: Block) -> None:
        self.block = block
        places = {"carrier": 12, "premise": 13, "cloud": 14, "cloud-eu": 15, "carrier-b": 16}
        self.phones = {name: Phone(block.host(last), 5060) for name, last in places.items()}

    def close(self) -> None:
        for phone in self.phones.values():
            phone.close()

    def caller(self, called: str, by: str = "carrier", calling: str = "", router: Address | None = None) -> Leg:
        """Somebody who is about to call; nobody else has his number."""
        calling = calling or f"+1312555{next(_callers)}"
        return Leg.to(self.phones[by], router or self.block.router, called, calling=calling)

    def goes(self, called: str, *refusing: str, **more: Any) -> list[str]:
        """Where a call goes, one after the other: ``number@end`` or, for the last, the code that the caller hears.

        Those who refuse say 503; who doesn't answers, and the caller hangs up. A 302 comes with its first Contact.
        """
        caller = self.caller(called, **more)
        caller.invite()
        went: list[str] = []
        while True:
            final = until(lambda: self._final(caller) or self._called(caller), "somebody who is called")
            if final in self.phones.values():
                assert isinstance(final, Phone)
                name = next(name for name, phone in self.phones.items() if phone is final)
                number = user_of(self._invites(final, caller)[0].uri)
                went.append(f"{number}@{name}")
                callee = Leg.answering(final, caller.router, number)
                if name in refusing:
                    callee.answer(503)
                    callee.expect("ACK")
                    continue
                _talk(caller, callee)
                return went
            refusal = caller.expect_final()
            caller.ack(refusal)
            contact = f" {uri_of(refusal.all('Contact')[0])}" if refusal.code == 302 else ""
            return [*went, f"{refusal.code}{contact}"]

    def _called(self, caller: Leg) -> Phone | None:
        return next((phone for phone in self.phones.values() if self._invites(phone, caller)), None)

    def _invites(self, phone: Phone, caller: Leg) -> list[Wire]:
        calling = user_of(uri_of(caller.local))
        return [
            each for each in phone.heard() if each.method == "INVITE" and user_of(uri_of(each.get("From"))) == calling
        ]

    @staticmethod
    def _final(caller: Leg) -> Wire | None:
        return next(
            (
                each
                for each in caller.phone.heard()
                if each.code >= 300 and each.get("Call-ID") == caller.call_id and each.cseq_method == "INVITE"
            ),
            None,
        )


def _talk(caller: Leg, callee: Leg) -> None:
    callee.answer(200)
    caller.ack(caller.expect(200))
    callee.expect("ACK")
    caller.bye()
    callee.hears_of_end()
    caller.expect(200, method="BYE")


def put(http: Address, path: str, **body: Any) -> None:
    """PUT a JSON object, which must be taken."""
    request = urllib.request.Request("http://{}:{}{}".format(*http, path), json.dumps(body).encode(), method="PUT")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
