import pytest

from state_client.picture import Picture, Queue


def test_a_queue_is_found_by_name_and_by_id() -> None:
    picture = Picture()
    picture.set("Support", 0.0, id="11-22", length=3)
    picture.set("Sales", 0.0)
    assert picture.queue("Support") is picture.queue("11-22")
    assert picture.queue("Nobody") is None
    assert picture.names == ["Support", "Sales"]
    assert [queue.id for queue in picture] == ["11-22", "Sales"]


def test_a_name_wins_over_an_id() -> None:
    picture = Picture()
    picture.set("B", 0.0)
    picture.set("A", 0.0, id="B")
    assert [queue.name for key in ("A", "B") if (queue := picture.queue(key))] == ["A", "B"]


def test_the_old_id_of_a_queue_is_forgotten() -> None:
    picture = Picture()
    picture.set("Support", 0.0, id="old")
    picture.set("Support", 0.0, id="new")
    assert picture.queue("old") is None
    assert picture.queue("new") is picture.queue("Support")


def test_an_id_that_went_to_another_queue_stays_there() -> None:
    picture = Picture()
    picture.set("One", 0.0, id="11")
    picture.set("Two", 0.0, id="11")
    picture.set("One", 0.0, id="12")
    assert picture.queue("11") is picture.queue("Two")


def test_what_is_not_set_stays_as_it_was() -> None:
    picture = Picture()
    queue = picture.set("Support", 0.0, length=3, agents_available=2)
    assert picture.set("Support", 5.0, length=4) is queue
    assert (queue.length, queue.expected, queue.agents_available, queue.changed) == (4, 4, 2, 5.0)


def test_what_its_owner_leaves_out_is_0_and_an_estimate_unknown() -> None:
    queue = Queue("Support")
    assert (queue.length, queue.longest_wait, queue.total_wait, queue.agents_available) == (0, 0, 0, 0)
    assert (queue.agents_signed_on, queue.estimated_wait, queue.id) == (0, -1, "Support")


@pytest.mark.parametrize(
    ("queue", "age"),
    [
        (Queue("a", changed=0.0), 0.0),
        (Queue("a", changed=0.0, static_age=75.0), 75.0),
        (Queue("a", changed=90.0, source="webex"), 10.0),
        (Queue("a", changed=101.0, source="webex"), 0.0),
    ],
)
def test_age(queue: Queue, age: float) -> None:
    assert queue.age(100.0) == age
