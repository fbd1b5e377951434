"""TCAV on a network whose derivatives are known: planted motifs are found, and random sets of examples are not."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views import tcav
from pellucid.views.shared import concept_vectors, concepts
from pellucid.views.shared.concept_vectors import Space, accuracy, false_positives, p_values, vector
from tests.support.concept_data import LENGTH, WEIGHTS, network, series, view_data


@pytest.fixture(scope="module")
def model(keras):
    return ExplainedModel(network(keras))


@pytest.fixture(scope="module")
def found(model):
    return tcav.compute(model, view_data(), np.random.default_rng(0), layers=["last", "last_features"])


def test_features_and_derivatives_are_those_of_the_linear_rest(model):
    x, y, _ = series(6)
    np.testing.assert_allclose(Space(model, "maps", "mean").features(iter([x]), 6), x.mean(1), rtol=1e-5)
    np.testing.assert_allclose(Space(model, "maps", "mean").gradients(x, y), WEIGHTS.T[y], rtol=1e-4)
    each = Space(model, "maps", "each")
    np.testing.assert_allclose(each.features(iter([x[:4], x[4:]]), 6), x.reshape(6, -1))
    np.testing.assert_allclose(each.gradients(x, y), np.tile(WEIGHTS.T[y] / LENGTH, LENGTH), rtol=1e-4)


def test_planted_motifs_raise_their_class_and_lower_the_other(found):
    np.testing.assert_array_equal(found["scores"][0, :2, :2], np.eye(2))
    assert (found["p_corrected"][0, :2, :2] < 0.001).all()
    np.testing.assert_array_equal(np.sign(found["effects"][0, :2, :2]), 2 * np.eye(2) - 1)
    assert (found["accuracy"][:, :2] > 0.95).all()
    # Of the class without a motif there is nothing to be planted.
    assert (found["p_corrected"][:, 2] == 1).all()
    assert abs(found["accuracy"][0, 2] - 0.5) < 0.2


def test_both_layers_have_the_same_features_and_the_same_answer(found):
    assert found["layers"].tolist() == ["maps", "means"]
    np.testing.assert_allclose(found["effects"][0], found["effects"][1], rtol=1e-3, atol=1e-4)


def test_few_random_concepts_look_like_one(found):
    assert found["false_positives"] < 0.15
    # The first two lines of the table: of the first layer and concept, the classes.
    head, first = found["csv"].splitlines()[:2]
    assert head.startswith("layer,concept,output,score,") and first.startswith("maps,left,left,1,")


def test_effect_of_the_difference_of_means_is_the_score_of_that_difference(model):
    """Without noise: means (1/4 × 2, 0) with the concept and (0, 0) without; the scores are linear."""
    _, y, truth = series()
    clean = 2 * truth.astype(np.float32)
    data = view_data(training=(clean[:160], y[:160]), test=(clean[160:], y[160:]), truth=None)
    rows = np.flatnonzero(y[:160] == 2)
    concept = concepts.Concept("bump", "examples", clean[:160][y[:160] == 0], rows)
    space = Space(model, "maps", "mean")
    slopes = [space.gradients(data.test[0], np.full(80, unit)) for unit in range(3)]
    features = space.features(iter([clean[:160]]), 160).astype(np.float64)
    trial = tcav._Trial(space, features, slopes, "difference", 1.0, 2, 5)
    measured = trial.run(concept, np.arange(160), np.random.default_rng(0))
    np.testing.assert_allclose(measured["effects"], 0.5 * WEIGHTS[0], rtol=1e-4)
    np.testing.assert_array_equal(measured["scores"], WEIGHTS[0] > 0)
    # All counterparts are the same: no random concept has a direction.
    assert (measured["random_effects"] == 0).all()
    assert (p_values(measured["effects"], measured["random_effects"]) == 1).all()


@pytest.mark.parametrize("units", [3, 200])
def test_logistic_vector_is_that_of_scikit_learn_on_all_units(rng, units):
    from sklearn.linear_model import LogisticRegression

    with_it, without = rng.normal(0.3, 1, (30, units)), rng.normal(0, 1, (40, units))
    both = np.concatenate([with_it, without])
    scaled = (both - both.mean(0)) / np.sqrt(both.var(0).sum())
    fitted = LogisticRegression(C=1 / (0.1 * 70), tol=1e-8, max_iter=10_000).fit(scaled, np.arange(70) < 30)
    direction, threshold = vector(with_it, without, "logistic", 0.1)
    np.testing.assert_allclose(direction, fitted.coef_[0] / np.linalg.norm(fitted.coef_), atol=1e-4)
    np.testing.assert_array_equal(both @ direction > threshold, fitted.predict(scaled))


def test_accuracy_is_measured_on_examples_that_were_not_fitted(rng):
    noise = rng.normal(size=(2, 60, 400))
    assert accuracy(*noise, "logistic", 0.01) < 0.75
    shifted = noise + np.array([[[1.0]], [[0.0]]])
    assert accuracy(*shifted, "logistic", 0.01) == accuracy(*shifted, "difference", 1) == 1


def test_p_values_are_uniform_where_the_concept_is_one_more_random_set(rng):
    draws = rng.normal(3, 2, (20_000, 21))
    p = p_values(draws[:, 0], draws[:, 1:])
    for level in (0.05, 0.5):
        assert (p < level).mean() == pytest.approx(level, abs=0.01)
    assert false_positives(draws[:500], 0.05) == pytest.approx(0.05, abs=0.02)


def test_labels_and_values_are_concepts_of_other_tasks(keras):
    for task in ("multi_label", "regression"):
        model = ExplainedModel(network(keras, task), task)
        result = tcav.compute(model, view_data(task), np.random.default_rng(0), draws=10)
        assert result["concepts"].tolist() == ["left", "right", "none"]
        assert set(result["kinds"]) == {"label"}
        np.testing.assert_array_equal(result["scores"][0, :2, :2], np.eye(2))
        assert (result["p_corrected"][0, :2, :2] < 0.01).all()
        assert result["members"].tolist() == ([80] * 3 if task == "regression" else [26, 27, 27])


def read(tmp_path, definition, text=None, array=None, **info):
    path = tmp_path / ("file.csv" if array is None else "file.npy")
    if text is not None:
        path.write_text(text, encoding="utf-8")
    if array is not None:
        np.save(path, array)
    data = view_data(named={"given": path})
    data.data_info.update(info)
    concepts.check({"c": definition})
    (concept,) = concepts.read(data, {"c": definition}, 1000, np.random.default_rng(0))
    return concept, data


def test_tables_groups_and_files_name_the_examples(tmp_path):
    group, data = read(tmp_path, {"group": "odd"})
    np.testing.assert_array_equal(group.examples, data.training[0][1::2])
    rows = "\n".join(f"{row},{'yes' if row < 20 else 'no' if row < 50 else ''}" for row in range(100))
    table = {"table": "given", "column": "sick", "value": "yes"}
    listed, data = read(tmp_path, table, f"index,sick\n{rows}\n")
    np.testing.assert_array_equal(listed.examples, data.training[0][:20])
    # What the table says nothing of is neither with nor without the concept.
    assert listed.others.tolist() == list(range(20, 50))
    by_group, data = read(tmp_path, table, "group,sick\neven,yes\nodd,no\n")
    np.testing.assert_array_equal(by_group.examples, data.training[0][::2])
    raw = np.ones((12, LENGTH, 2))
    scaled, _ = read(
        tmp_path, {"examples": "given"}, array=raw, statistics={"offset": [0.0, 1.0], "divisor": [2.0, 1.0]}
    )
    assert (scaled.examples == [0.5, 0]).all() and len(scaled.others) == 160


def test_planted_motifs_are_all_that_examples_of_a_concept_share(tmp_path):
    concept, data = read(tmp_path, {"planted": "left"})
    others = data.training[0][concept.others]
    for example in concept.examples[:5]:
        # Of one other example, all but the cells of the motif.
        assert (others == example).mean((1, 2)).max() == 1 - 6 / 48
    assert (concept.examples[..., 0] > 1.9).sum(1).min() >= 6


@pytest.mark.parametrize(
    ("definition", "text", "message"),
    [
        ({"label": "lft"}, None, 'found "lft"; expected one of left, right, none. Did you mean "left"?'),
        ({"group": "both"}, None, 'found "both"; expected a group among even, odd'),
        ({"labels": "left"}, None, "expected one of the keys label, planted, group, table, examples"),
        ({"label": "left", "value": "1"}, None, "found the key value beside label"),
        ({"table": "given"}, None, "found table without column"),
        ({"table": "given", "column": "a"}, "row,a\n1,1\n", "found the columns row, a; expected the column group or index, and the column a"),
        ({"table": "given", "column": "a"}, "index,a\n1,0\n", "found no row with 1 in column a"),
        ({"table": "given", "column": "a"}, "index,a\n1,1\n1,0\n", "found index 1 a second time"),
        ({"table": "given", "column": "a"}, "index,a\n160,1\n", "found index 160; expected numbers of training"),
        ({"table": "given", "column": "a"}, "index,a\n1,1\n", "found 1 training examples with the concept"),
    ],
)  # fmt: skip
def test_what_is_no_concept_is_refused(tmp_path, definition, text, message):
    with pytest.raises(InputError, match="concepts.c|given") as raised:
        read(tmp_path, definition, text)
    assert message in str(raised.value)


@pytest.mark.parametrize("array", [np.ones((12, LENGTH, 3)), np.full((12, LENGTH, 2), np.nan), np.ones((3, LENGTH, 2))])
def test_files_that_do_not_fit_are_refused(tmp_path, array):
    with pytest.raises(InputError, match=r"shape \(12, 24, 3\)|NaN or infinite|found 3 training examples"):
        read(tmp_path, {"examples": "given"}, array=array)


def test_features_that_do_not_fit_into_memory_are_refused(model, monkeypatch):
    monkeypatch.setattr(concept_vectors, "_MOST_BYTES", 1000)
    with pytest.raises(InputError, match="positions: mean"):
        tcav.compute(model, view_data(), np.random.default_rng(0), positions="each")
