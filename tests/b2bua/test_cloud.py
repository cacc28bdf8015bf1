"""The contact centre as a whole: how many calls it has, and how old that knowledge is."""

import pytest

from edge_router.admission.ledger import Ledger
from edge_router.b2bua.routing.cloud import LOOK_EVERY, Cloud
from edge_router.policy.faults import Undecided
from state_client.picture import AWAITED, Picture, Queue

NOW = 1000.0


def cloud_of(picture: Picture, all_its_own: bool = False) -> Cloud:
    return Cloud(["cloud"], Ledger(), picture, 30.0, lambda: None, all_its_own)


@pytest.fixture
def picture() -> Picture:
    picture = Picture()
    picture.set("Support", NOW, "event", length=3, calls=2)
    return picture


def test_a_queue_that_others_push_is_none_of_its_own(picture: Picture) -> None:
    picture.add(Queue("never pushed"))
    picture.set("pushed long ago", NOW - 500.0, "pushed", length=40)
    picture.set("no longer true", NOW - 60.0, "pushed", NOW - 30.0, length=40)
    picture.set("stated", NOW, static_age=500.0, length=40)
    cloud = cloud_of(picture)
    assert (cloud.calls(NOW), cloud.age(NOW)) == (5, 0.0)


def test_where_nobody_else_tells_of_queues_all_are_its_own(picture: Picture) -> None:
    picture.set("pushed", NOW - 10.0, "pushed", length=4)
    picture.set("stated", NOW, static_age=20.0, length=4)
    cloud = cloud_of(picture, all_its_own=True)
    assert (cloud.calls(NOW), cloud.age(NOW)) == (13, 20.0)
    picture.add(Queue("never pushed"))
    assert cloud.age(NOW + LOOK_EVERY) is None


def test_of_its_own_the_oldest_says_how_old_it_is(picture: Picture) -> None:
    picture.set("Sales", NOW - 20.0, "reconcile", length=1)
    picture.set("Chat", NOW - 500.0, "reconcile", length=1)
    chat = picture.queue("Chat")
    assert chat is not None
    chat.channel = "chat"
    cloud = cloud_of(picture)
    assert (cloud.calls(NOW), cloud.age(NOW)) == (6, 20.0)
    with pytest.raises(Undecided, match=r"^cloud\(\) is 31.0 s old, more than 30 s$"):
        cloud.calls(NOW + 11.0)


def test_one_that_it_has_not_spoken_of_yet_leaves_it_open(picture: Picture) -> None:
    picture.add(Queue("Sales"))
    sales = picture.queue("Sales")
    assert sales is not None
    sales.of_tasks.doubt(AWAITED)
    with pytest.raises(Undecided, match="nothing is known"):
        cloud_of(picture).calls(NOW)


def test_with_queues_of_others_only_nothing_is_known_of_it() -> None:
    picture = Picture()
    picture.set("pushed", NOW, "pushed", length=4)
    with pytest.raises(Undecided, match="nothing is known"):
        cloud_of(picture).calls(NOW)
