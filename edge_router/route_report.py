"""An explanation for people: what `edge-router route` shows on a terminal."""

from typing import Final

from rich.console import Console
from rich.text import Text

from edge_router.explain import Candidate, Explanation
from edge_router.policy.decision import harmless, shown


def show(explanation: Explanation, console: Console | None = None) -> None:
    """Print it: the call, the way in, the rules, the decision, and what would be sent."""
    out = console or Console(highlight=False, soft_wrap=True)
    call = explanation
    _line(out, "call", f"{harmless(call.calling)} → {harmless(call.called)}, from trunk {call.trunk} on {call.listen}")
    _line(out, "dial-peer in", call.dial_peer_in or "none matches")
    _candidates(out, "fits", call.candidates_in)
    if call.policy is not None:
        _line(out, "policy", call.policy)
        _rules(out, call)
    _candidates(out, "leads out", call.candidates_out)
    _line(out, "decision", _decision(call), style="bold")
    _line(out, "why", call.reason)
    for place, step in enumerate(call.steps):
        note = f" ({step.note})" if step.note else ""
        _line(out, "else" if place else "first", f"{step.by} to {step.dial_peer} by trunk {step.trunk}{note}")
        for sent in step.sends:
            _line(out, "", sent, style="dim")


def _line(out: Console, head: str, text: str, style: str = "") -> None:
    out.print(Text.assemble((f"{head:>12}  ", "cyan"), (text, style)))


_DECIDES: Final = {"order": "the order in the file", "chance": "chance"}


def _candidates(out: Console, head: str, found: tuple[Candidate, ...]) -> None:
    for candidate in found:
        tie = f", a tie: {_DECIDES[candidate.tie]} decides" if candidate.tie else ""
        digits = f"{candidate.digits} digits of the called number"
        calling = f", {candidate.calling_digits} of the calling" if candidate.calling_digits else ""
        _line(out, head, f"{candidate.dial_peer}: {digits}{calling}, preference {candidate.preference}{tie}")
        head = ""


def _rules(out: Console, call: Explanation) -> None:
    for rule in call.rules:
        values = ", ".join(f"{read} = {shown(value)}" for read, value in rule.values.items())
        style = "bold" if rule.rule == call.rule else ""
        _line(out, rule.verdict, f"{rule.rule}: {rule.because or values or 'it reads nothing'}", style)


def _decision(call: Explanation) -> str:
    if call.code is not None:
        return f"reject {call.code} {call.reason_phrase}"
    return f"{call.method} to {', then '.join(call.dial_peers_out or ())}"
