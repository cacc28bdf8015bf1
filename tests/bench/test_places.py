import os
import socket

import pytest

from bench.places import alone, bound_udp, free_places
from bench.process import BenchError


def test_a_second_bench_is_refused_until_the_first_is_over() -> None:
    name = f"test-{os.getpid()}"
    with alone(name), pytest.raises(BenchError, match="another bench"), alone(name):
        pass
    with alone(name):
        pass


def test_a_network_in_which_something_is_bound_is_not_free() -> None:
    taken = free_places()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((taken.premise, 0))
        assert bound.getsockname() in bound_udp()
        assert free_places() != taken
