"""The benchmark against the peers: what it shows of failures, of fewer inputs, and of what is too slow."""

from types import SimpleNamespace

import pytest

from tests.bench import peer_rows, peers
from tests.bench.cases import METHODS, Case
from tests.bench.floor import Floor
from tests.bench.peers import Row, Taken

FORTH, BACK = 0, 1


def peer(work, **given):
    return SimpleNamespace(NAME="peer", SIZELESS=False, METHODS=METHODS, work=work, **given)


@pytest.fixture
def case(keras):
    return Case("heartbeat", 8)


def test_a_peer_that_fails_is_shown_with_its_reason(case, capsys):
    def work(case, method, size):
        raise TypeError("in user code:\n  File x\n  ValueError: images only\n")

    bare = SimpleNamespace(seconds=lambda forward, backward: 1.0)
    row = peers.measure(case, "saliency", bare, [peer(work)])
    assert row.failures == {"peer": "TypeError: images only"}
    peers._show(row)
    assert "peer fails: TypeError: images only" in capsys.readouterr().out
    assert row.fastest is None


def test_passes_are_those_that_the_probe_counted(case):
    asked = []
    bare = SimpleNamespace(seconds=lambda forward, backward: asked.append((forward, backward)) or 1.0)
    peers.measure(case, "integrated_gradients", bare, [])
    peers.measure(case, "rise", bare, [])
    peers.measure(case, "guided_grad_cam", bare, [])
    assert set(asked) == {(8 * 51, 8 * 51), (8 * 512, 0), (8, 16)}


@pytest.mark.parametrize(
    "passes, timed",
    [((5, 0), [(FORTH, 5)]), ((5, 5), [(BACK, 5)]), ((7, 5), [(FORTH, 2), (BACK, 5)]), ((5, 10), [(BACK, 10)])],
)
def test_a_bare_way_back_has_a_way_forth_of_its_own(case, monkeypatch, passes, timed):
    counted = []
    monkeypatch.setattr(Floor, "_timed", lambda self, way, count, size: counted.append((way, count)) or float(count))
    floor = Floor(case)
    counted.clear()
    assert floor.seconds(*passes) == sum(count for _, count in timed)
    assert counted == timed


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only where a work says so: the list of how long the calls took."""
    passed = [0.0]

    def seconds(work):
        before = sum(passed)
        work()
        return sum(passed) - before

    monkeypatch.setattr(peers, "seconds", seconds)
    return passed


def test_a_peer_is_taken_at_its_best_size_and_large_ones_may_fail(case, clock):
    def work(case, method, size):
        if size > 256:
            raise MemoryError
        return lambda number: clock.append(0.05 / size)

    assert peers._tuned(case, "saliency", peer(work))().size == 256


def test_slow_work_is_measured_in_part_and_said_to_be(clock):
    # 4 s for 64 inputs, of which a peer may take 1 s.
    found = peers._tuned(Case("heartbeat", 64), "saliency", peer(lambda *_: lambda number: clock.append(number / 16)))()
    assert str(found) == "~4"
    assert found.seconds == pytest.approx(4)
    assert clock[-1] == pytest.approx(1)


def test_what_is_slower_than_a_peer_or_than_its_passes_ends_in_the_summary(capsys):
    slow = Row("digit 16", "lime", 1.0, Taken(0.5, 256), 0.2, {"peer": Taken(0.4, 64)})
    quick = Row("digit 16", "saliency", 1.0, Taken(0.1, 256), 0.09, {"peer": Taken(0.4, 64)})
    peers.summary([slow, quick])
    told = capsys.readouterr().out
    assert told.count("lime") == 2
    assert "saliency" not in told
    assert {"1.25", "2.50"} <= set(told.split())
    peers.summary([quick])
    assert capsys.readouterr().out.count("none") == 2


def test_unknown_names_are_refused(capsys):
    with pytest.raises(SystemExit):
        peers.main(["--methods", "salience"])
    assert "salience; there are saliency" in capsys.readouterr().err


def test_rows_that_a_folder_keeps_are_not_measured_again(tmp_path, capsys, monkeypatch):
    row = Row("heartbeat 16", "lime", 1.0, Taken(0.5, 256), 0.4, {"peer": Taken(1.0, 64, True)}, {"other": "no"})
    peer_rows.write(tmp_path, row)
    assert peer_rows.read(tmp_path, "heartbeat 16", "lime") == row
    assert peer_rows.read(tmp_path, "heartbeat 256", "lime") is None
    monkeypatch.setattr(peers, "measure", lambda *_: pytest.fail("measured again"))
    given = ["--cases", "heartbeat", "--inputs", "16", "--methods", "lime,rise", "--no-memory", "--stored"]
    peers.main([*given, "--rows", str(tmp_path)])
    told = capsys.readouterr().out
    assert "Faster than the fastest peer in 1 of 1; of its time 0.50 to 0.50" in told
    assert "other fails: no" in told
