"""Calls that workers carry out: in order, told of, repeated when lost, and stopped."""

import contextlib
import time
from collections import Counter, defaultdict
from functools import partial

import cluster_calls as there
import pytest
from workers import until

from svmtrain import interrupts
from svmtrain.cluster import tasks
from svmtrain.cluster.crew import crew_at
from svmtrain.cluster.tasks import Call, each, in_order
from svmtrain.config.cluster import Cluster
from svmtrain.errors import DataError, Interrupted, StorageError

pytest.importorskip("distributed")


def test_calls_come_in_their_order_whichever_ends_first(crew):
    """And as they end, when that is asked for."""
    calls = [Call(there.late, (k, 0.3 if k == 0 else 0.0)) for k in range(6)]
    assert [came.opened()[0] for came in in_order(crew, calls, 100)] == list(range(6))
    assert [came.number for came in each(crew, calls)][-1] == 0
    assert list(in_order(crew, [], 3)) == []


def test_no_more_calls_are_begun_than_may_wait(crew):
    """A call is begun after the one so many before it was taken."""
    calls = [Call(there.late, (k, 0.2 if k == 0 else 0.0)) for k in range(8)]
    taken = []
    for came in in_order(crew, calls, 3):
        number, began = came.opened()
        assert number < 3 or began >= taken[number - 3]
        taken.append(time.time())


def test_what_calls_tell_is_heard_in_order_and_what_they_leave_is_found(crew):
    """By the next call on the same thread; once all is done, nothing is left."""
    for _ in range(2):
        heard = defaultdict(list)
        for came in each(crew, [Call(there.counted, (3,))] * 5, partial(_keep, heard)):
            assert came.opened() == 3
            assert heard[came.number][1:] == [0, 1, 2]
        firsts = [told[0]["before"] for told in heard.values()]
        assert sorted(firsts, key=str) == [3, 3, 3, None, None]


def _keep(heard, number, message):
    heard[number].append(message)


def test_an_error_comes_back_as_it_was_raised(crew):
    """With its kind and place; other calls are not touched."""
    calls = [Call(there.refused, ("a.csv",)), Call(there.square, (3,))]
    wrong, right = in_order(crew, calls, 2)
    with pytest.raises(DataError, match=r"^a\.csv:3:4: is wrong$"):
        wrong.opened()
    assert right.opened() == 9


def test_what_all_calls_have_is_sent_ahead(crew):
    """And comes before what each has of its own."""
    crew.share({"weights": [1.0, 2.0]})
    found = [
        came.opened() for came in in_order(crew, [Call(there.shared, (k,)) for k in (4, 5)], 2)
    ]
    assert found == [({"weights": [1.0, 2.0]}, 4), ({"weights": [1.0, 2.0]}, 5)]


def test_a_call_whose_worker_is_killed_is_made_again(crew, said, tmp_path):
    """What all calls have is sent again with it, and it tells again."""
    crew.share("common")
    heard = []
    calls = [Call(there.deadly_with, (str(tmp_path),))]
    (came,) = each(crew, calls, lambda number, message: heard.append((number, message)))
    assert came.opened() == ("common", 2)
    assert heard == [(0, "begun")] * 2
    assert any("is lost; what it had in hand goes to another worker" in text for text in said)


def test_a_call_that_loses_every_worker_is_given_up(crew, tmp_path, monkeypatch):
    """After so many; the others come to their end."""
    monkeypatch.setattr(tasks, "TRIES", 2)
    calls = [Call(there.deadly, (str(tmp_path), 9)), *[Call(there.square, (k,)) for k in range(4)]]
    found = {came.number: came for came in each(crew, calls)}
    assert [found[k].opened() for k in range(1, 5)] == [0, 1, 4, 9]
    with pytest.raises(StorageError, match=r"^2 workers were lost that had it in hand"):
        found[0].opened()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_signal_stops_the_calls_before_it_is_told(crew, tmp_path, monkeypatch):
    """They have stopped when the iteration ends, by whatever."""
    found = each(crew, [Call(there.square, (1,)), Call(there.endless, (str(tmp_path),))])
    assert next(found).opened() == 1
    until((tmp_path / "begun").exists)
    monkeypatch.setattr(interrupts, "_received", [2])
    with pytest.raises(Interrupted):
        next(found)
    assert (tmp_path / "stopped").exists()


def test_calls_stop_when_nobody_waits_for_them_any_more(address, tmp_path):
    """As when the process that gave them was killed."""
    with contextlib.ExitStack() as stack:
        crew = stack.enter_context(crew_at(Cluster(at=address), lambda text: None))
        shift = tasks._Shift(crew, [Call(there.endless, (str(tmp_path),))], None, None)
        shift.hand_out()
        until((tmp_path / "begun").exists)
    until((tmp_path / "stopped").exists)


def test_workers_that_do_not_fit_are_refused_or_given_nothing(crew, said):
    """When there are such at the beginning, in one sentence; later they are told."""
    with pytest.raises(StorageError, match=r"^the worker tcp://[0-9.:]+ is unfit$"):
        crew.require(there.bad, "unfit")
    crew._known.clear()
    crew.require(there.good)
    first, second = crew.live()
    crew._known.discard(second)
    crew._check = (there.bad, ("late",))
    calls = [Call(there.name, ())] * 4
    assert Counter(came.opened() for came in each_ready(crew, calls)) == {first: 4}
    assert said[-1] == f"cluster: {second} joined and is given nothing: the worker {second} is late"


def each_ready(crew, calls):
    """Yield what comes of calls, given out without a look at the workers of the beginning."""
    with tasks._Shift(crew, calls, None, None) as shift:
        while shift.left or shift.begun:
            shift.hand_out()
            yield from shift.look()
