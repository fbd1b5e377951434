"""Groups of maps and their flags: a planted shortcut is found, and a set without one raises no flag."""

import re

import numpy as np
import pytest
from scipy import stats

from pellucid.summarise import map_groups, shared_places, shortcut_flags
from tests.support import planted_shortcut

SEEDS = range(10)


def test_a_marker_in_two_of_six_recordings_is_found_in_ten_of_ten():
    for seed in SEEDS:
        values, labels, recordings = planted_shortcut.maps(seed, marked=(1, 4))
        _, _, flagged = planted_shortcut.tested(values, labels, recordings, seed)
        follows = [(members, test) for members, test in flagged if test.of == "group"]
        assert {members.output for members, _ in follows} == {1}, seed
        # The flag names the marked recordings and no other.
        assert {name for _, test in follows for name in re.findall(r"r\d\d", test.detail)} == {"r11", "r14"}, seed


def test_a_marker_of_a_whole_class_is_found_by_its_place_without_recordings():
    for seed in SEEDS:
        values, labels, _ = planted_shortcut.maps(seed, everywhere=True)
        _, _, flagged = planted_shortcut.tested(values, labels, None, seed)
        assert {(members.output, test.of) for members, test in flagged} == {(1, "place")}, seed


def test_maps_without_a_marker_raise_no_flag():
    for seed in SEEDS:
        values, labels, recordings = planted_shortcut.maps(seed)
        found, tests, flagged = planted_shortcut.tested(values, labels, recordings, seed)
        assert flagged == [], seed
        assert len(tests) == len(found.groups) >= 2


def test_aligned_evidence_is_no_place_that_is_flagged():
    values, labels, recordings = planted_shortcut.maps(3)
    # Both classes keep to one place, each to its own: heartbeats around their R peak look like this.
    aligned = np.stack([np.roll(one, 40 - one[0, :, 0].argmax(), 1) for one in values])
    _, tests, flagged = planted_shortcut.tested(aligned, labels, recordings, 0)
    assert flagged == []
    reasons = {test.reason for of_group in tests for test in of_group if test.of == "place"}
    assert "another class keeps to one place, too" in reasons


def test_the_share_that_a_recording_tells_is_mutual_information_by_entropy(rng):
    from sklearn.metrics import mutual_info_score

    codes, inside = rng.integers(0, 5, 200), rng.random(200) < 0.3
    told = shortcut_flags.uncertainty(np.bincount(codes[inside], minlength=5)[np.newaxis], np.bincount(codes))[0]
    expected = mutual_info_score(codes, inside) / stats.entropy([inside.mean(), 1 - inside.mean()])
    assert told == pytest.approx(expected, rel=1e-9)


def test_groups_drawn_at_random_have_evenly_spread_p_values(rng):
    origin = np.repeat([f"r{number}" for number in range(6)], 15)
    mates = np.arange(len(origin))
    p = [shortcut_flags.follows("group", rng.choice(mates, 20, replace=False), mates, origin, rng).p for _ in range(60)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("members", "origin", "reason"),
    [
        (np.arange(5), ["a", "b"] * 20, "fewer than 8 examples"),
        (np.arange(40), ["a", "b"] * 20, "all maps of the class are one group"),
        (np.arange(20), ["a"] * 40, "all examples of the class are of one group"),
    ],
)
def test_what_cannot_be_tested_says_why(rng, members, origin, reason):
    test = shortcut_flags.follows("group", members, np.arange(40), np.array(origin), rng)
    assert (test.p, test.reason) == (None, reason)


def test_two_clouds_are_two_clusters_and_one_cloud_is_one(rng):
    cloud = rng.normal(size=(80, 6)).astype(np.float32)
    assert len(set(map_groups.clustered(cloud)[0])) == 1
    apart = cloud + np.where(np.arange(80)[:, np.newaxis] < 30, 12, 0).astype(np.float32)
    clusters, eigenvalues = map_groups.clustered(apart)
    assert sorted(np.bincount(clusters)) == [30, 50]
    assert len(set(clusters[:30])) == 1
    # A graph in two pieces has the eigenvalue 0 twice.
    np.testing.assert_allclose(eigenvalues[:2], 0, atol=1e-9)
    assert eigenvalues[2] > 0.05


def test_values_are_divided_where_the_parts_differ_most(rng):
    values = np.concatenate([rng.normal(0, 0.1, (30, 3)), rng.normal(5, 0.1, (12, 3))]).astype(np.float32)
    values[:, 2] = 1
    much = shared_places.divided(values)
    np.testing.assert_array_equal(much[:, :2], np.repeat([False, True], [30, 12])[:, np.newaxis].repeat(2, 1))
    assert not much[:, 2].any()


def test_recordings_dealt_at_random_are_rarely_told_by_a_place(rng):
    p = []
    for _ in range(30):
        features, origin = rng.random((40, 12)).astype(np.float32), np.repeat(["a", "b", "c", "d"], 10)
        p.append(shared_places.shared_place("group", (0, "x"), 1, features, np.arange(40), origin, rng)[1].p)
    assert stats.kstest(p, "uniform").pvalue > 1e-3
