"""An explanation for people: what `edge-router route` shows on a terminal."""

from typing import Final

from rich.console import Console
from rich.text import Text

from edge_router.explain import Candidate, Explanation
from edge_router.explain_steps import Step
from edge_router.policy.decision import harmless, shown


def show(explanation: Explanation, console: Console | None = None) -> None:
    """Print it: the call, the way in, the rules, the decision, and what would be sent."""
    out = console or Console(highlight=False, soft_wrap=True)
    call = explanation
    came = f"from trunk {call.trunk} on {call.listen}"
    if call.other_trunks:
        came += f" (no trunk was named; there are {', '.join(call.other_trunks)}, too)"
    _line(out, "call", f"{harmless(call.calling)} → {harmless(call.called)}, {came}")
    if len(call.numbers) > 1:
        head = "numbers"
        for each in call.numbers:
            _line(out, head, f"{harmless(each.calling)} → {harmless(each.called)}: {each.where}")
            head = ""
    _line(out, "dial-peer in", call.dial_peer_in or "none matches")
    _candidates(out, "fits", call.candidates_in)
    if call.service_row is not None:
        cells = ", ".join(f"{name} {shown(cell)}" for name, cell in call.service_row.cells.items() if cell)
        _line(out, "service", f"{call.service or 'without a name'}, line {call.service_row.line} of the table: {cells}")
    if call.decided_before is not None:
        _line(out, "before", f"decided by {call.decided_before}: no rule is asked")
    if call.policy is not None:
        _line(out, "policy", call.policy)
        _rules(out, call)
    _candidates(out, "leads out", call.candidates_out)
    _line(out, "decision", _decision(call), style="bold")
    _line(out, "why", call.reason)
    for place, step in enumerate(call.steps):
        _step(out, "else" if place else "first", step)


def _step(out: Console, head: str, step: Step) -> None:
    notes = [step.note] if step.note else []
    if step.closed:
        notes.insert(0, f"not tried now: {step.closed}")
    note = f" ({'; '.join(notes)})" if notes else ""
    _line(out, head, f"{step.by} to {step.dial_peer} by trunk {step.trunk}{note}")
    for sent in (*step.sends, *(f"  {header}" for header in step.headers)):
        _line(out, "", sent, style="dim")
    for each in step.on_failure:
        _line(out, "", f"on {each.failures}: {each.leads_to}")


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
        said = "; ".join(filter(None, (rule.because, values))) or "it reads nothing"
        _line(out, rule.verdict, f"{rule.rule}: {said}", "bold" if rule.rule == call.rule else "")
        _line(out, "", f"when {' '.join(rule.when.split())}", style="dim")


def _decision(call: Explanation) -> str:
    if call.code is not None:
        return f"reject {call.code} {call.reason_phrase}"
    return f"{call.method} to {', then '.join(call.dial_peers_out or ())}"
