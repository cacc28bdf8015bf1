import json
import logging

import pytest

from edge_router.switches import LONGEST_WHO, NoSuchState, NoSuchSwitch, Switch, SwitchError, Switches

NOW = 1_795_288_233.7  # 2026-11-21T19:10:33Z
NAMES = {"policy": ("front-door", "night"), "trunk": ("carrier", "cloud"), "hours": ("support",)}


def switches() -> Switches:
    return Switches(NAMES)


def test_nobody_has_set_any() -> None:
    made = switches()
    assert made.all() == [
        *(Switch("policy", "front-door"), Switch("policy", "night")),
        *(Switch("trunk", "carrier"), Switch("trunk", "cloud")),
        Switch("hours", "support"),
    ]
    assert made.get("trunk", "cloud") == Switch("trunk", "cloud", "auto", "", None)
    assert str(made.get("trunk", "cloud")) == "trunk cloud is auto"
    assert (made.engaged("trunk", "cloud"), made.degraded, made.readings(), made.snapshot()) == (None, "", {}, [])


@pytest.mark.parametrize(
    ("kind", "name", "state", "engaged"),
    [
        ("policy", "night", "off", False),
        ("policy", "night", "on", True),
        ("policy", "night", "auto", None),
        ("trunk", "cloud", "off", False),
        ("trunk", "cloud", "on", True),
        ("hours", "support", "open", True),
        ("hours", "support", "closed", False),
        ("hours", "support", "auto", None),
    ],
)
def test_set(kind: str, name: str, state: str, engaged: bool | None) -> None:
    made = switches()
    assert made.set(kind, name, state, "ops", NOW) == Switch(kind, name, state, "ops", NOW)
    assert made.get(kind, name) == Switch(kind, name, state, "ops", NOW)
    assert made.engaged(kind, name) is engaged
    assert made.readings() == ({} if engaged is None else {(kind, name): int(engaged)})
    assert [switch for switch in made.all() if switch.when is not None] == [made.get(kind, name)]


def test_who_and_when_are_the_last_ones_and_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    made = switches()
    with caplog.at_level(logging.WARNING):
        made.set("policy", "night", "off", "ops", NOW - 60)
        made.set("policy", "night", "auto", "loopback", NOW)
    assert made.get("policy", "night") == Switch("policy", "night", "auto", "loopback", NOW)
    assert [record.message for record in caplog.records] == [
        "switched: policy night is off (by ops, 2026-11-21T19:09:33Z)",
        "switched: policy night is auto (by loopback, 2026-11-21T19:10:33Z)",
    ]


def test_what_is_not_as_by_itself_is_a_reason() -> None:
    made = switches()
    made.set("trunk", "cloud", "off", "ops", NOW)
    made.set("hours", "support", "open", "loopback", NOW)
    made.set("policy", "night", "on", "ops", NOW)
    made.set("policy", "front-door", "auto", "ops", NOW)
    assert made.degraded == (
        "trunk cloud is off (by ops, 2026-11-21T19:10:33Z); hours support is open (by loopback, 2026-11-21T19:10:33Z)"
    )


@pytest.mark.parametrize(
    ("kind", "name", "state", "error", "message"),
    [
        ("latch", "full", "on", NoSuchSwitch, 'no kind of switch "latch"; there is policy, trunk and hours'),
        ("policy", "nite", "off", NoSuchSwitch, 'there is no policy "nite"; did you mean "night"?'),
        ("trunk", "xyz", "off", NoSuchSwitch, 'there is no trunk "xyz"; there is carrier, cloud'),
        ("policy", "night", "closed", NoSuchState, '"closed" is no state of policy; write on, off or auto'),
        ("hours", "support", "off", NoSuchState, '"off" is no state of hours; write open, closed or auto'),
        ("hours", "x\ny", "off", NoSuchSwitch, 'there is no hours "x\\ny"'),
    ],
)
def test_what_cannot_be_set(kind: str, name: str, state: str, error: type[SwitchError], message: str) -> None:
    made = switches()
    with pytest.raises(error) as raised:
        made.set(kind, name, state, "ops", NOW)
    assert message in str(raised.value)
    assert made.snapshot() == []


def test_one_that_is_not_there_cannot_be_got() -> None:
    with pytest.raises(NoSuchSwitch, match="none is configured"):
        Switches({}).get("hours", "support")


def test_who_is_harmless_and_not_long() -> None:
    switch = switches().set("policy", "night", "off", "ops\nforged " + "x" * 1000, NOW)
    assert switch.who.startswith("ops\\nforged x")
    assert len(switch.who) == LONGEST_WHO + 1


def test_after_a_reload_it_is_as_it_was_and_what_has_gone_comes_back_so() -> None:
    made = switches()
    made.set("policy", "night", "off", "ops", NOW)
    made.set("trunk", "cloud", "off", "ops", NOW)
    made.know({"policy": ("night",)})
    assert made.engaged("policy", "night") is False
    assert [switch.name for switch in made.all()] == ["night"]
    assert "cloud" not in made.degraded
    assert list(made.readings()) == [("policy", "night")]
    with pytest.raises(NoSuchSwitch):
        made.get("trunk", "cloud")
    made.know(NAMES)
    assert made.get("trunk", "cloud").state == "off"


def test_after_a_restart_it_is_as_it_was() -> None:
    made = switches()
    made.set("policy", "night", "off", "ops", NOW)
    made.set("hours", "support", "auto", "loopback", NOW)
    back = switches()
    back.restore(json.loads(json.dumps(made.snapshot())))
    assert back.all() == made.all()
    assert back.engaged("policy", "night") is False


WHOLE = {"kind": "policy", "name": "night", "state": "off", "who": "ops", "when": NOW}


@pytest.mark.parametrize(
    "broken",
    [
        *("off", None, [], {}),
        *(WHOLE | {key: None} for key in WHOLE),
        WHOLE | {"state": "closed"},
        WHOLE | {"kind": "latch"},
        WHOLE | {"when": float("nan")},
        WHOLE | {"when": 1e300},
        WHOLE | {"when": -1},
    ],
)
def test_what_cannot_be_read_is_left_out(broken: object, caplog: pytest.LogCaptureFixture) -> None:
    made = switches()
    with caplog.at_level(logging.WARNING):
        made.restore([broken, WHOLE | {"kind": "trunk", "name": "cloud"}])
    assert "a switch that was stored can't be read, and is auto" in caplog.text
    assert made.snapshot() == [WHOLE | {"kind": "trunk", "name": "cloud"}]


@pytest.mark.parametrize("broken", [None, {}, "off", 7])
def test_data_of_another_form_change_nothing(broken: object, caplog: pytest.LogCaptureFixture) -> None:
    made = switches()
    with caplog.at_level(logging.WARNING):
        made.restore(broken)
    assert "all are auto" in caplog.text
    assert made.snapshot() == []
