"""The contact centre that is simulated: its queues, teams and agents, and the interactions in it.

Here live things and how they hang together at the start. Nothing here knows what happens to them.
"""

from __future__ import annotations

from random import Random

from state_client.simulator.script import Script

QUEUE_NAMES = "Support Sales Billing Orders Returns Claims Booking Technical Retention Complaints".split()
FIRST_NAMES = "Ada Ben Cleo Dan Eva Finn Gia Hugo Ida Jon Kim Leo Mia Noor Otto Pia Quinn Rosa Sam Tess".split()
LAST_NAMES = "Abel Bond Clark Diaz Evans Ford Gray Hall Ito Jones Khan Lund Mora Nash Olsen Park Reed Shah".split()
DAY = 86400
SHIFT = 8 * 3600


def new_id(rng: Random) -> str:
    """A version 4 UUID of the script's own chance, so that a seed gives the same ids each time."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[rng.getrandbits(2)]}{text[17:20]}-{text[20:]}"


class Queue:
    """A queue, who waits in it, and who serves it. ``share`` is its part of all arrivals.

    ``active`` is what its configuration says, as of a team.
    """

    __slots__ = (
        "active",
        "callbacks",
        "channel",
        "id",
        "max_time",
        "name",
        "number",
        "share",
        "teams",
        "waiting",
        "waits",
    )

    def __init__(self, queue_id: str, name: str, channel: str, number: str, max_time: int) -> None:
        self.id = queue_id
        self.name = name
        self.channel = channel
        self.number = number
        self.max_time = max_time
        self.active = True
        self.share = 0.0
        self.teams: list[Team] = []
        self.waiting: dict[str, Task] = {}
        self.callbacks: dict[str, Task] = {}  # they hung up and are to be called back
        self.waits: list[tuple[float, float]] = []  # (when connected, seconds waited), for the estimate


class Team:
    """A team and those of it who are available, longest first."""

    __slots__ = ("active", "agents", "available", "channels", "id", "name", "queues", "signed_on")

    def __init__(self, team_id: str, name: str) -> None:
        self.id = team_id
        self.name = name
        self.active = True
        self.channels: tuple[str, ...] = ("telephony",)
        self.agents: list[Agent] = []
        self.queues: list[Queue] = []
        self.available: dict[Agent, float] = {}
        self.signed_on = 0


class Agent:
    """An agent. ``state`` is the cloud's word for the channel he is busy on; of all channels if he isn't on one."""

    __slots__ = (
        "busy_on",
        "ci_user_id",
        "id",
        "idle_code",
        "name",
        "session",
        "shift",
        "signed_on",
        "since",
        "state",
        "task",
        "team",
    )

    def __init__(self, agent_id: str, ci_user_id: str, name: str, team: Team, shift: float) -> None:
        self.id = agent_id
        self.ci_user_id = ci_user_id
        self.name = name
        self.team = team
        self.shift = shift  # seconds into the day at which his begins
        self.state = "logged-out"
        self.since = 0.0
        self.session = ""
        self.signed_on = 0.0
        self.idle_code = ""
        self.busy_on = ""
        self.task: Task | None = None

    def works_at(self, now: float) -> bool:
        """Whether his shift covers that time, in seconds since the epoch."""
        return (now - self.shift) % DAY < SHIFT


class Task:
    """An interaction. ``turn`` goes up whenever what was planned for it no longer holds."""

    __slots__ = (
        *("agent", "callback", "channel", "created", "destination", "direction", "ended", "held", "id", "origin"),
        *("outbound_type", "parked", "queue", "recorded", "requeued", "status", "team", "turn", "variables", "visit"),
    )

    def __init__(self, task_id: str, channel: str, origin: str, destination: str, created: float) -> None:
        self.id = task_id
        self.channel = channel
        self.origin = origin
        self.destination = destination
        self.created = created
        self.direction = "INBOUND"
        self.outbound_type: str | None = None
        self.status = "new"
        self.queue: Queue | None = None
        self.agent: Agent | None = None
        self.team: Team | None = None
        self.parked = 0.0  # when it first came into the queue it is in
        self.callback = False
        self.held = False  # ends when it is told to, not by the script
        self.recorded = False
        self.requeued = False
        self.ended = 0.0
        self.variables: dict[str, str] = {}  # the flow's global ones
        self.turn = 0
        self.visit = 0  # which stay in a queue this is: an impatience of an earlier one has no effect


class Centre:
    """All there is, found by id."""

    __slots__ = ("agents", "queues", "site_id", "teams")

    def __init__(self, queues: list[Queue], teams: list[Team], site_id: str) -> None:
        self.queues = {queue.id: queue for queue in queues}
        self.teams = {team.id: team for team in teams}
        self.agents = {agent.id: agent for team in teams for agent in team.agents}
        self.site_id = site_id


def lay_out(script: Script, rng: Random) -> Centre:
    """The centre at its start: who serves what, and which queue gets how many of the calls."""
    queues = [_queue(number, script, rng) for number in range(script.queues)]
    teams = [Team(new_id(rng), f"Team {number + 1}") for number in range(script.teams)]
    for number in range(max(script.queues, script.teams)):
        _serve(queues[number % script.queues], teams[number % script.teams])
    for queue in queues:
        for team in rng.sample(teams, min(len(teams), rng.randint(0, 2))):
            _serve(queue, team)
    for number in range(script.agents):
        team = teams[number % script.teams]
        name = f"{FIRST_NAMES[number % 20]} {LAST_NAMES[number // 20 % 18]}" + (f" {number}" if number >= 360 else "")
        team.agents.append(Agent(new_id(rng), new_id(rng), name, team, 3600 * rng.uniform(6, 11)))
    for team in teams:
        if any(queue.channel == "chat" for queue in team.queues):
            team.channels = ("telephony", "chat")
    _share_out(queues, rng)
    return Centre(queues, teams, new_id(rng))


def _queue(number: int, script: Script, rng: Random) -> Queue:
    name = QUEUE_NAMES[number % 10] + (f" {number // 10 + 1}" if number >= 10 else "")
    chat = script.chat_every and number % script.chat_every == script.chat_every - 1
    channel = "chat" if chat else "telephony"
    return Queue(new_id(rng), name, channel, f"+1800555{number:04d}", script.max_time_in_queue)


def _serve(queue: Queue, team: Team) -> None:
    if team not in queue.teams:
        queue.teams.append(team)
        team.queues.append(queue)


def _share_out(queues: list[Queue], rng: Random) -> None:
    """Arrivals go where agents are, more or less; one queue in five is a quiet one."""
    for number, queue in enumerate(queues):
        staff = sum(len(team.agents) / len(team.queues) for team in queue.teams)
        queue.share = staff * rng.uniform(0.6, 1.2) * (0.05 if number % 5 == 4 else 1.0)
    total = sum(queue.share for queue in queues) or 1.0
    for queue in queues:
        queue.share /= total
