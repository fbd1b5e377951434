"""The ECG model against the paper's equations, and the heartbeats against what defines their classes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pellucid.datasets import synthetic_ecg as source
from pellucid.datasets.heartbeats import planted_waves, synthetic_beats
from pellucid.datasets.heartbeats.ecg_model import Events, contributions, events
from pellucid.errors import InputError
from pellucid.tasks import MULTI_LABEL, REGRESSION

# Table I of McSharry et al. 2003: P, Q, R, S, T.
THETA = np.array([-np.pi / 3, -np.pi / 12, 0, np.pi / 12, np.pi / 2])
A = np.array([1.2, -5.0, 30.0, -7.5, 0.75])
B = np.array([0.25, 0.1, 0.1, 0.1, 0.4])


def table_one(rr, beats):
    """The events of a stationary rhythm, whose first R peak comes half an RR interval before t = 0."""
    r_time = np.repeat(rr * (np.arange(beats) - 0.5), len(THETA))[None]
    tile = lambda values: np.tile(values, beats)[None]  # noqa: E731
    return Events(tile(THETA), tile(A), tile(B), np.full_like(r_time, 2 * np.pi / rr), r_time)


def paper(rr, times, chosen=slice(None)):
    """z of the full system (x, y, z) of equation (1), off the circle's far side at t = 0."""

    def derivative(_, state):
        x, y, z = state
        omega, pull = 2 * np.pi / rr, 1 - np.hypot(x, y)
        dtheta = (np.arctan2(y, x) - THETA[chosen] + np.pi) % (2 * np.pi) - np.pi
        push = -np.sum(A[chosen] * dtheta * np.exp(-(dtheta**2) / (2 * B[chosen] ** 2)))
        return [pull * x - omega * y, pull * y + omega * x, push - z]

    solution = solve_ivp(derivative, (0, times[-1]), [-1, 0, 0], t_eval=times, rtol=1e-9, atol=1e-12, max_step=0.005)
    return solution.y[2]


@pytest.fixture(scope="module")
def beats():
    """60 noise-free beats of each class."""
    rng = np.random.default_rng(7)
    return {name: synthetic_beats.simulate(name, 60, rng) for name in synthetic_beats.CLASSES}


def own(beat, part=None):
    """What the labelled beat alone draws (one part of it): (N, 187) in mV."""
    chosen = [name == part if part else name in ("P", "QRS", "T", "spike") for name in beat.parts]
    return beat.waves[:, :, chosen].sum(axis=2)


def sample(time):
    """Nearest sample of times in s."""
    return np.rint(time * synthetic_beats.RATE).astype(int)


@pytest.mark.parametrize("rr", [1.0, 0.7])
def test_the_model_solves_the_papers_three_equations(rr):
    samples = int(2.5 * rr * 125)
    ours = contributions(table_one(rr, 5), 0.0, samples, 125.0)[0].sum(axis=1)
    theirs = paper(rr, np.arange(samples) / 125)
    assert np.abs(ours - theirs).max() < 2e-6 * np.ptp(theirs)


def test_one_waves_share_is_what_it_draws_alone():
    waves = contributions(table_one(1.0, 3), 0.0, 100, 125.0)[0].reshape(100, 3, len(THETA)).sum(axis=1)
    for index in range(len(THETA)):
        alone = paper(1.0, np.arange(100) / 125, [index])
        np.testing.assert_allclose(waves[:, index], alone, atol=1e-5 * np.abs(alone).max())


def test_the_extremes_lie_at_the_papers_phases():
    z = contributions(table_one(1.0, 3), 0.0, 1000, 1000.0, 1)[0].sum(axis=1)
    phase = 2 * np.pi * (np.arange(1000) / 1000 - 0.5)
    near = lambda theta, reach: np.flatnonzero(np.abs(phase - theta) < reach)  # noqa: E731
    at = {name: near(theta, 0.2) for name, theta in zip("PQRST", THETA, strict=True)}
    assert phase[np.argmax(z)] == pytest.approx(0, abs=0.02)
    assert phase[at["P"]][np.argmax(z[at["P"]])] == pytest.approx(THETA[0], abs=0.1)
    assert phase[at["T"]][np.argmax(z[at["T"]])] == pytest.approx(THETA[4], abs=0.1)
    # The R wave pushes its neighbours outwards.
    assert phase[np.argmin(np.where(phase < 0, z, 1))] == pytest.approx(THETA[1], abs=0.1)
    assert phase[np.argmin(np.where(phase > 0, z, 1))] == pytest.approx(THETA[3], abs=0.1)


def test_the_integration_is_of_fourth_order():
    waves = table_one(1.0, 2)
    fine, half, whole = (contributions(waves, 0.0, 100, 125.0, steps) for steps in (64, 4, 2))
    assert np.abs(whole - fine).max() > 12 * np.abs(half - fine).max()


def test_events_have_the_height_delay_and_width_asked_for():
    asked = {"height": -0.8, "delay": 0.1, "width": 0.02, "rr": 0.7, "r_time": 0.3}
    made = events(**{name: np.array([[value]]) for name, value in asked.items()})
    z = contributions(made, 0.0, 1000, 1000.0, 1)[0, :, 0]
    assert z.min() == pytest.approx(-0.8, rel=0.04)
    assert np.argmin(z) == pytest.approx(400, abs=2)
    assert np.sum(z < z.min() / 2) == pytest.approx(1000 * 0.02 * 2 * np.sqrt(2 * np.log(2)), abs=2)


def test_an_integration_cannot_start_inside_the_window():
    with pytest.raises(ValueError, match="0 or less"):
        contributions(table_one(1.0, 1), 0.1, 10, 125.0)


def test_what_it_gives():
    data = source.load({}, np.random.default_rng(1), per_class=30)
    x, y, truth = data.train.x, data.train.y, data.train.truth
    assert (x.shape, x.dtype, y.dtype, truth.shape, truth.dtype) == ((150, 187, 1), "float32", "int64", x.shape, bool)
    assert data.classes == ("N", "S", "V", "F", "Q") and data.channels == ("ECG",) and data.test is None
    assert data.sampling_rate == 125
    assert np.isfinite(x).all()
    assert (x.min(axis=1) == 0).all() and (x.max(axis=1) == 1).all()
    assert np.bincount(y).tolist() == [30] * 5
    assert len(np.unique(y[:30])) == 5, "in random order"


def test_the_generator_decides_everything():
    one, same, other = (source.load({}, np.random.default_rng(seed), per_class=6).train for seed in (1, 1, 2))
    assert one.x.tobytes() == same.x.tobytes() and one.truth.tobytes() == same.truth.tobytes()
    assert (one.y == same.y).all()
    assert one.x.tobytes() != other.x.tobytes()


def test_more_beats_than_are_integrated_at_once(monkeypatch):
    monkeypatch.setattr(source, "CHUNK", 4)
    train = source.load({}, np.random.default_rng(1), per_class=10).train
    assert np.bincount(train.y).tolist() == [10] * 5 and train.x.shape == (50, 187, 1)
    assert len(np.unique(train.x, axis=0)) == 50


def test_heart_rates_the_wrong_way_round():
    with pytest.raises(InputError, match="rate_min: found 90 with rate_max 60"):
        source.load({}, np.random.default_rng(1), per_class=2, rate_min=90, rate_max=60)


def test_the_r_peak_stands_where_it_is_said(beats):
    exact = synthetic_beats.simulate("N", 5, np.random.default_rng(1), jitter=0)
    assert (own(exact).argmax(axis=1) == synthetic_beats.R_SAMPLE).all()
    normal = beats["N"]
    assert (np.abs(own(normal).argmax(axis=1) - 125 * normal.r_time) <= 1).all()
    assert (np.abs(125 * normal.r_time - 75) <= 3).all() and np.ptp(normal.r_time) > 0.03


def duration(beat):
    """Duration of each QRS in s: from where it first exceeds 20% of its height to where it last does."""
    qrs = np.abs(own(beat, "QRS"))
    large = qrs > 0.2 * qrs.max(axis=1, keepdims=True)
    return (187 - large[:, ::-1].argmax(axis=1) - large.argmax(axis=1)) / synthetic_beats.RATE


def test_qrs_is_wide_where_a_ventricle_paces(beats):
    seconds = {name: duration(beat) for name, beat in beats.items()}
    for narrow in "NS":
        assert 0.03 < np.median(seconds[narrow]) < 0.07
        for wide in "VQ":
            assert np.median(seconds[wide]) > 0.12 and seconds[wide].min() > seconds[narrow].max()
    assert np.median(seconds["N"]) < np.median(seconds["F"]) < np.median(seconds["V"])


def test_only_s_and_v_come_early(beats):
    early = {name: beat.rr_before / beat.rr_sinus for name, beat in beats.items()}
    assert early["S"].max() <= 0.9 and early["V"].max() <= 0.85
    for name in "NFQ":
        assert early[name].mean() == pytest.approx(1, abs=0.03) and early[name].min() > 0.85
    ventricular = beats["V"]
    pause = (ventricular.rr_before + ventricular.rr_after) / ventricular.rr_sinus
    assert pause.mean() == pytest.approx(2, abs=0.05), "compensatory"
    steady = synthetic_beats.simulate("N", 9, np.random.default_rng(1), variability=0)
    np.testing.assert_allclose(steady.rr_before, steady.rr_sinus)


def test_the_beat_before_is_seen_where_its_rr_interval_puts_it(beats):
    early = beats["S"]
    seen = np.flatnonzero(early.r_time - early.rr_before > 0.05)
    assert len(seen) > 5
    previous = early.waves[:, :, [part == "previous QRS" for part in early.parts]].sum(axis=2)
    expected = sample(early.r_time - early.rr_before)
    assert (np.abs(previous.argmax(axis=1) - expected)[seen] <= 1).all()


def test_v_and_q_have_no_p_wave(beats):
    for name, beat in beats.items():
        place = sample(beat.r_time - 0.155)[:, None] + np.arange(-2, 3)
        height = np.abs(np.take_along_axis(own(beat), place, axis=1)).max(axis=1)
        if name in "VQ":
            assert "P" not in beat.parts and height.max() < 0.02
        else:
            assert np.median(height) > 0.05
    normal, ectopic = own(beats["N"], "P"), own(beats["S"], "P")
    assert (normal.max(axis=1) > -2 * normal.min(axis=1)).all()
    assert np.mean(ectopic.max(axis=1) < -ectopic.min(axis=1)) > 0.3, "many ectopic P waves are inverted"


def test_t_is_discordant_after_a_wide_qrs(beats):
    for name in "VQ":
        qrs, t = own(beats[name], "QRS"), own(beats[name], "T")
        main = np.take_along_axis(qrs, np.abs(qrs).argmax(axis=1)[:, None], axis=1)
        after = np.take_along_axis(t, np.abs(t).argmax(axis=1)[:, None], axis=1)
        assert (main * after < 0).all()
        assert 0 < np.mean(main > 0) < 1, "both polarities"


def test_the_paced_beat_begins_with_a_narrow_spike(beats):
    spike = own(beats["Q"], "spike")
    assert ((spike > 0.3 * spike.max(axis=1, keepdims=True)).sum(axis=1) <= 2).all()
    lead = beats["Q"].r_time - spike.argmax(axis=1) / synthetic_beats.RATE
    assert lead.min() > 0.05 and lead.max() < 0.13


def test_a_missing_p_wave_is_no_part_of_the_signal(beats):
    beat = beats["V"]
    missing = [part == "missing P" for part in beat.parts]
    assert np.abs(beat.waves[:, :, missing]).max() > 0.05
    np.testing.assert_allclose(beat.voltage, beat.waves.sum(axis=2) - beat.waves[:, :, missing].sum(axis=2), atol=1e-12)


def test_truth_is_there_for_each_beat_and_covers_less_than_half(beats):
    for beat in beats.values():
        assert beat.truth.any(axis=1).all() and beat.truth.mean(axis=1).max() < 0.5
    data = source.load({}, np.random.default_rng(1), per_class=40)
    covered = data.train.truth.mean(axis=(1, 2))
    assert covered.min() > 0.1 and covered.max() < 0.5


def test_truth_marks_the_waves_that_tell_the_class(beats):
    def marked(name, time):
        inside = (time > 0) & (time < 1.49)
        rows = np.flatnonzero(inside)
        return beats[name].truth[rows, sample(time[rows])].mean()

    r = {name: beat.r_time for name, beat in beats.items()}
    for name in synthetic_beats.CLASSES:
        assert marked(name, r[name]) == 1, "the QRS"
        assert marked(name, r[name] + 0.55) < 0.1, "diastole"
    for name in "NVFQ":
        assert marked(name, r[name] - 0.155) > 0.95, "the P wave or its place"
        assert marked(name, r[name] + 0.25) > 0.9, "T"
        assert marked(name, r[name] - 0.4) == 0, "the beat before"
    early = beats["S"]
    assert marked("S", r["S"] - early.rr_before) == 1, "the QRS before"
    assert marked("S", r["S"] - early.rr_before + 0.28 * np.sqrt(early.rr_sinus)) > 0.95, "the T before"
    assert marked("S", r["S"] + 0.25) == 0
    spike = own(beats["Q"], "spike").argmax(axis=1)
    assert beats["Q"].truth[np.arange(60), spike].all()


def test_noise_has_the_size_and_the_band_asked_for():
    def spectrum(**amounts):
        amounts = {"noise": 0, "artefact": 0, "wander": 0} | amounts
        noise = source._disturbance(400, np.random.default_rng(1), **amounts)
        power = (np.abs(np.fft.rfft(noise / source.R_HEIGHT * np.hanning(187))) ** 2).mean(axis=0)
        return noise.std() / source.R_HEIGHT, power / power.sum(), np.fft.rfftfreq(187, 1 / 125)

    size, power, hertz = spectrum(noise=0.05)
    assert size == pytest.approx(0.05, rel=0.02) and power[hertz > 31].sum() == pytest.approx(0.5, abs=0.05)
    size, power, hertz = spectrum(artefact=0.05)
    assert size == pytest.approx(0.05, rel=0.05) and power[hertz < 20].sum() > 0.9 and power[hertz < 4].sum() < 0.5
    size, power, hertz = spectrum(wander=0.3)
    assert size == pytest.approx(0.3 / np.sqrt(6), rel=0.1) and power[hertz < 3].sum() > 0.99
    assert not source._disturbance(4, np.random.default_rng(1), noise=0, artefact=0, wander=0).any()


def test_without_the_truth_a_classifier_fails_and_with_nothing_else_it_does_not():
    """Linear interpolation takes the rest's place, so that the values stay those of an ECG."""
    from sklearn.ensemble import ExtraTreesClassifier

    def without(x, hidden):
        result, steps = x.copy(), np.arange(x.shape[1])
        for row, hide in zip(result, hidden, strict=True):
            row[hide] = np.interp(steps[hide], steps[~hide], row[~hide])
        return result

    train = source.load({}, np.random.default_rng(1), per_class=200).train
    test = source.load({}, np.random.default_rng(2), per_class=60).train
    model = ExtraTreesClassifier(200, random_state=0).fit(train.x[:, :, 0], train.y)
    x, truth = test.x[:, :, 0], test.truth[:, :, 0]
    whole = model.score(x, test.y)
    removed = model.score(without(x, truth), test.y)
    kept = model.score(without(x, ~truth), test.y)
    assert whole > 0.85
    assert removed < 0.5
    assert kept > removed + 0.3


@pytest.fixture(scope="module", params=[MULTI_LABEL, REGRESSION])
def planted(request):
    return planted_waves.plant(
        request.param, 400, np.random.default_rng(3), jitter=3, variability=1, rate_min=55, rate_max=95
    ), request.param


def test_planted_waves_change_what_lies_in_their_evidence_alone(planted):
    """Against the same beats with both waves as they were: the generator draws the beats first."""
    waves, task = planted
    beats = synthetic_beats.simulate("N", 400, np.random.default_rng(3))
    changed = np.abs(waves.voltage - beats.voltage)
    assert changed[~waves.truth.any(-1)].max() < 1e-12
    for place, part in enumerate(planted_waves.PARTS):
        wave = own(beats, part)
        inside = waves.truth[:, :, place]
        assert (inside & ~beats.truth).mean() < 0.002
        # Beats that keep this wave, and beats that have it inverted.
        if task == MULTI_LABEL:
            has = waves.present[:, place] == 1
            assert changed[~has][inside[~has] & ~waves.truth[~has, :, 1 - place]].max() < 1e-12
            top = wave.argmax(1)
            rows = np.flatnonzero(has)
            np.testing.assert_allclose(changed[rows, top[rows]], 2 * wave[rows, top[rows]])
            np.testing.assert_allclose(waves.heights[:, place], np.where(has, -1, 1) * wave.max(1))
    assert not (waves.truth.all(-1)).any(), "the two evidences lie apart"
    spread = waves.present if task == MULTI_LABEL else waves.heights
    assert abs(np.corrcoef(spread.T)[0, 1]) < 0.15


@pytest.mark.parametrize("task", [MULTI_LABEL, REGRESSION])
def test_beats_with_labels_and_values(task):
    data = source.load({}, np.random.default_rng(0), per_class=20, task=task)
    assert (data.task, source.task(task=task)) == (task, task)
    assert data.train.x.shape == (100, 187, 1)
    assert data.train.truth.shape == (100, 187, 1, 2)
    assert data.train.truth.any((1, 2)).all(), "also where a label is absent, its wave says so"
    assert data.train.y.shape == (100, 2)
    if task == MULTI_LABEL:
        assert data.classes == ("inverted P", "inverted T")
        assert (data.train.y.dtype, set(data.train.y.ravel().tolist())) == (np.uint8, {0, 1})
        return
    assert data.classes == ("P height", "T height")
    assert np.isfinite(data.train.y).all()
    # The T wave is the largest thing in its evidence: its height in mV can be read from the beat.
    truth = data.train.truth[:, :, 0, 1]
    x = np.where(truth, data.train.x[:, :, 0], np.nan)
    middle = np.nanmedian(data.train.x[:, :, 0], 1)
    seen = np.where(data.train.y[:, 1] > 0, np.nanmax(x, 1), np.nanmin(x, 1)) - middle
    assert np.corrcoef(seen, data.train.y[:, 1])[0, 1] > 0.9
