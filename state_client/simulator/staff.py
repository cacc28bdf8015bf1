"""What agents do: sign on and off, take a break, ring, talk, wrap up.

Here lives the agents' part of the script, and their events in the cloud's two views: the channel
(`channel_state_change`) and whether he can take more of its type (`channelType_state_change`). Nothing here knows why a
call reaches an agent.
"""

from __future__ import annotations

from collections.abc import Callable

from state_client.simulator.centre import DAY, SHIFT, Agent, Task, new_id
from state_client.simulator.ledger import Ledger
from state_client.simulator.script import Script
from state_client.simulator.stage import Event, Stage

CAN_TAKE = {
    "available": "Available",
    "idle": "Idle",
    "ringing": "Reserved",
    "not-responding": "Idle",
    "connected": "Engaged",
    "wrapup": "WrapUp",
    "logged-out": "LoggedOut",
}
"""The channel type's state, by the channel's. What isn't here (on-hold, consulting ...) leaves it Engaged."""

SIGN_ON = 5.0
"""Seconds from signing on to being available, on average."""


class Staff:
    """All agents. ``when_available`` is called for one who has become so, and may give him something to do."""

    __slots__ = ("_ledger", "_script", "_stage", "when_available")

    def __init__(self, stage: Stage, script: Script, ledger: Ledger) -> None:
        self._stage = stage
        self._script = script
        self._ledger = ledger
        self.when_available: Callable[[Agent], None] = lambda agent: None

    def hire(self, agent: Agent) -> None:
        """His first day: at the start he has long been there if his shift says so, and nobody tells."""
        now, script = self._stage.now, self._script
        if script.shifts:
            self._stage.later((agent.shift - now) % DAY, lambda: self._begin_shift(agent))
            if not agent.works_at(now):
                return
            self._stage.later((agent.shift + SHIFT - now) % DAY, lambda: self._end_shift(agent))
        self._begin_session(agent)
        self._be(agent, "idle")
        if self._stage.chance(script.rest):
            agent.idle_code = "Break"
            self._back_in(agent, self._stage.about(script.pause))
        else:
            self._be(agent, "available")
            self._stage.later(0.0, lambda: self._has_time(agent))

    def sign_on(self, agent: Agent) -> None:
        """He comes, idle at first. Who is there already stays as he is."""
        if agent.state != "logged-out":
            return
        self._begin_session(agent)
        self._stage.say("agent:login", self._who(agent) | {"agentCiUserId": agent.ci_user_id})
        self._change(agent, "idle")
        self._back_in(agent, self._stage.about(SIGN_ON))

    def sign_off(self, agent: Agent) -> bool:
        """He goes; False if he is in a call or gone already."""
        if agent.task is not None or agent.state == "logged-out":
            return False
        agent.team.signed_on -= 1
        self._change(agent, "logged-out")
        self._stage.say("agent:logout", self._who(agent) | {"loggedOutBy": "Agent"})
        return True

    def rest(self, agent: Agent, seconds: float | None = None, code: str = "Break") -> bool:
        """He is idle for so long, or until he is told; False if something is in hand or he isn't there."""
        if agent.task is not None or agent.state == "logged-out":
            return False
        agent.idle_code = code
        self._change(agent, "idle")
        if seconds is not None:
            self._back_in(agent, seconds)
        return True

    def be_available(self, agent: Agent) -> bool:
        """He signs on if he has to, and is available at once; False if he is already, or something is in hand."""
        self.sign_on(agent)
        if agent.task is not None or agent.state == "available":
            return False
        self._back(agent)
        return True

    def ring(self, agent: Agent, task: Task) -> None:
        """A call rings at his desk."""
        agent.task = task
        agent.busy_on = task.channel
        self._change(agent, "ringing", task)

    def answer(self, agent: Agent, task: Task) -> None:
        """He takes it."""
        self._change(agent, "connected", task)

    def act(self, agent: Agent, word: str, task: Task) -> None:
        """Something within a call: on-hold, hold-done, consulting and so on. He stays engaged."""
        if word.endswith("-done"):
            agent.state = "connected"
        else:
            agent.state = word
        self._say_channel(agent, word, task)
        self._ledger.agent(agent, self._stage.now)

    def miss(self, agent: Agent, task: Task) -> None:
        """He let it ring: no more calls until he says that he is back."""
        agent.task = None
        agent.busy_on = ""
        agent.idle_code = "RONA"
        self._change(agent, "not-responding", task)
        self._back_in(agent, self._stage.about(self._script.pause))

    def release(self, agent: Agent) -> None:
        """The call went away before he took it."""
        agent.task = None
        self._free(agent)

    def wrap_up(self, agent: Agent, task: Task, then: Callable[[], None]) -> None:
        """The call is over, its paperwork isn't. ``then`` when it is."""
        self._change(agent, "wrapup", task)

        def done() -> None:
            then()
            agent.task = None
            self._say_channel(agent, "wrapup-done", task)
            self._free(agent)

        self._stage.later(self._stage.roughly(self._script.wrapup), done)

    def _begin_session(self, agent: Agent) -> None:
        agent.session = new_id(self._stage.rng)
        agent.signed_on = self._stage.now
        agent.team.signed_on += 1

    def _begin_shift(self, agent: Agent) -> None:
        self._stage.later(DAY, lambda: self._begin_shift(agent))
        self._stage.later(SHIFT, lambda: self._end_shift(agent))
        self.sign_on(agent)

    def _end_shift(self, agent: Agent) -> None:
        self.sign_off(agent)  # who is in a call goes when it is over

    def _free(self, agent: Agent) -> None:
        """What next: home, a break, or the next call."""
        agent.busy_on = ""
        if self._script.shifts and not agent.works_at(self._stage.now):
            self.sign_off(agent)
        elif self._stage.chance(self._script.rest):
            self.rest(agent, self._stage.about(self._script.pause))
        else:
            self._change(agent, "available")
            self._stage.later(0.0, lambda: self._has_time(agent))

    def _back_in(self, agent: Agent, seconds: float) -> None:
        """He comes back then, unless something else has become of him."""
        since = agent.since

        def back() -> None:
            if agent.since == since:
                self._back(agent)

        self._stage.later(seconds, back)

    def _back(self, agent: Agent) -> None:
        if agent.task is None and agent.state in ("idle", "not-responding"):
            agent.idle_code = ""
            self._change(agent, "available")
            self._has_time(agent)

    def _has_time(self, agent: Agent) -> None:
        if agent.state == "available":
            self.when_available(agent)

    def _be(self, agent: Agent, state: str) -> None:
        agent.state = state
        agent.since = self._stage.now
        if state == "available":
            agent.idle_code = ""
            agent.team.available[agent] = agent.since
        else:
            agent.team.available.pop(agent, None)
        self._ledger.agent(agent, self._stage.now)

    def _change(self, agent: Agent, state: str, task: Task | None = None) -> None:
        """He is in that state now, and the cloud says so in both its views."""
        was_elsewhere = agent.state in ("connected", "wrapup", "ringing")
        self._be(agent, state)
        if state != "logged-out":
            self._say_channel(agent, state, task)
        word = CAN_TAKE[state]
        for channel in agent.team.channels:
            if agent.busy_on in ("", channel):
                self._say_type(agent, channel, word)
            elif not was_elsewhere:
                self._say_type(agent, channel, "EngagedOther")

    def _who(self, agent: Agent) -> Event:
        return {"agentId": agent.id, "teamId": agent.team.id}

    def _say_channel(self, agent: Agent, state: str, task: Task | None = None) -> None:
        channel = task.channel if task else "telephony"
        data = {
            **self._who(agent),
            "channelId": f"{agent.session}-{channel}",
            "channelType": channel,
            "currentState": state,
            "idleCodeId": agent.idle_code or None,
            "wrapUpAuxCodeId": None,
        }
        if task:
            data["taskId"] = task.id
            data["queueId"] = task.queue.id if task.queue else None
            data["origin"] = task.origin
            data["destination"] = task.destination
        self._stage.say("agent:channel_state_change", data)

    def _say_type(self, agent: Agent, channel: str, state: str) -> None:
        self._stage.say(
            "agent:channelType_state_change",
            {
                **self._who(agent),
                "channelType": channel,
                "currentState": state,
                "pendingIdleState": False,
                "idleCodeName": agent.idle_code or None,
            },
        )
