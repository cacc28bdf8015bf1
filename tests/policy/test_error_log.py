import logging

import pytest

from edge_router.policy.error_log import ErrorLog
from edge_router.policy.policy import compile_policy
from edge_router.policy.spec import PolicySpec
from tests.policy.world import NOW, PREMISE, call, rule, surroundings


def test_each_rule_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    log = ErrorLog(logging.getLogger("tests.policy"))
    for now in 0.0, 1.0, 59.9, 60.0, 60.1:
        log("front-door", "a", "no such thing", now)
    log("front-door", "b", "no such thing", 61.0)
    assert caplog.messages == [
        'policy "front-door": rule "a" failed: no such thing',
        'policy "front-door": rule "a" failed: no such thing (2 more times since)',
        'policy "front-door": rule "b" failed: no such thing',
    ]


def test_a_policy_logs_its_failures_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    spec = PolicySpec("front-door", (rule('int(call.header("X-Any")) == 1', name="broken"),), PREMISE)
    door = compile_policy(spec, surroundings())
    for _ in range(3):
        door.decide(call(x_any="\nhigh"), NOW)
    (message,) = caplog.messages
    assert message.startswith('policy "front-door": rule "broken" failed: Function')
