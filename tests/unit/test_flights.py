"""Whoever waits for a call that hangs can give up, and learns what is known then."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

from harness.providers import flights
from harness.providers.flights import AbandonedError, Flight


@pytest.fixture
def hang():
    """Something to hang on, let go in the end."""
    event = Event()
    yield event
    event.set()


def _cancelled_when(flight, begun):
    begun.wait(10)
    flight.cancel()


@pytest.mark.parametrize("writes", [False, True])
def test_a_cancel_ends_the_wait_at_once(hang, writes):
    """What was being written may have been done, what was being read changed nothing."""
    flight, begun = Flight(), Event()
    Thread(target=_cancelled_when, args=(flight, begun)).start()

    def call():
        begun.set()
        hang.wait(10)

    start = time.monotonic()
    with pytest.raises(AbandonedError, match="cancelled") as caught:
        flight.call(call, writes=writes)
    assert time.monotonic() - start < 5
    assert caught.value.definite is not writes


def test_the_call_learns_that_nobody_waits(hang):
    """A retry after a pause must not be sent when its asker is gone."""
    flight, begun, said = Flight(), Event(), []
    over = Event()

    def call():
        said.append(flights.abandoned())
        begun.set()
        hang.wait(10)
        said.append(flights.abandoned())
        over.set()

    Thread(target=_cancelled_when, args=(flight, begun)).start()
    with pytest.raises(AbandonedError):
        flight.call(call, writes=True)
    hang.set()
    assert over.wait(10)
    assert said == [False, True]


def test_the_deadline_ends_the_wait(hang):
    """And a call that is begun after it gets a moment only."""
    flight = Flight()
    flight.deadline = time.monotonic()
    start = time.monotonic()
    with pytest.raises(AbandonedError, match="time was over") as caught:
        flight.call(lambda: hang.wait(10), writes=True)
    assert not caught.value.definite
    assert time.monotonic() - start < 5


def test_after_a_cancel_nothing_is_written_and_a_last_look_is_possible():
    """What exists can still be handed over with its outputs."""
    flight, done = Flight(), []
    flight.cancel()
    with pytest.raises(AbandonedError) as caught:
        flight.call(lambda: done.append(1), writes=True)
    assert caught.value.definite
    assert done == []
    assert flight.call(lambda: "seen", writes=False) == "seen"


@pytest.mark.parametrize("error", [ValueError("own"), TimeoutError("own")])
def test_answers_and_errors_come_through(error):
    """Also an error of the kind that the wait itself uses."""
    flight = Flight()
    flight.deadline = time.monotonic() + 60

    def fails():
        raise error

    assert flight.call(lambda: 3, writes=True) == 3
    with pytest.raises(type(error), match="own"):
        flight.call(fails, writes=True)


def test_a_flight_ends_with_the_one_it_was_begun_within(hang):
    """Also in the threads of a pool that carry on for it."""
    begun = Event()

    def inner(_):
        with Flight().aboard() as flight:
            begun.set()
            with pytest.raises(AbandonedError):
                flight.call(lambda: hang.wait(10), writes=False)
        return flights.current()

    with Flight().aboard() as outer, ThreadPoolExecutor(4) as pool:
        Thread(target=_cancelled_when, args=(outer, begun)).start()
        assert list(pool.map(flights.carried(inner), range(4))) == [outer] * 4
        with Flight().aboard() as late:
            assert late.cancelled.is_set()
    assert flights.current() is None


def test_a_question_without_an_answer_is_asked_once_more(hang):
    """An answer that was lost costs the time of one question, and the flight goes on."""
    flight, asked = Flight(), []
    flight.each = 0.05

    def question():
        asked.append(1)
        if len(asked) == 1:
            hang.wait(10)
        return "there"

    assert flight.call(question, writes=False) == "there"
    with pytest.raises(AbandonedError, match=r"no answer, twice, within 0\.05 s") as caught:
        flight.call(lambda: hang.wait(10), writes=False)
    assert caught.value.definite


def test_what_writes_is_never_asked_twice(hang):
    """It may have worked unheard. The end of the flight, and a cancel, count as before."""
    flight, done = Flight(), []
    flight.each, flight.deadline = 0.01, time.monotonic() + 0.1
    with pytest.raises(AbandonedError, match="the time was over"):
        flight.call(lambda: (done.append(1), hang.wait(10)), writes=True)
    assert done == [1]
    flight.each = 60
    with pytest.raises(AbandonedError, match="the time was over"):
        flight.call(lambda: (done.append(1), hang.wait(10)), writes=False)
    assert done == [1, 1]
