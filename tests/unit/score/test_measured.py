"""Scores and checks of the measured examples: the right rows in the right order, explained again as they were."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files, plugins, tables
from pellucid.compare import agreement, checks
from pellucid.config.schema_errors import parameters_schema, with_defaults
from pellucid.explain.run import run as explain
from pellucid.explain.shared.measured_maps import BLOCK
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.cost import score as cost
from pellucid.score.run import run, scored
from pellucid.score.shared import similarity
from pellucid.score.shared.explanations import files_of, loaded
from pellucid.summarise.measured_maps import explain_part
from pellucid.summarise.scored import drawn, select

EXAMPLES, CLASSES = BLOCK + 7, 4  # two blocks
SEED, PARTS = 3, 2
COMMON = {"seed": SEED, "threads": 1, "memory_mb": 256}
# Without random numbers, with one background for all, and with numbers of its own for each example.
METHODS = {"saliency": {}, "gradient_shap": {"background": 3, "samples": 5}, "random_attribution": {}}


def parameters_of(kind, name, given):
    plugin = plugins.load(kind)[name]
    return with_defaults(given, parameters_schema(plugins.parameters(plugin)))


@pytest.fixture(scope="module")
def project(keras, gap_series, tmp_path_factory):
    """Measured examples of mixed classes, their maps in two parts, and which of them are scored."""
    here, rng = tmp_path_factory.mktemp("measured"), np.random.default_rng(0)
    files.write(here / "model.keras", gap_series.save)
    x = rng.normal(size=(60, 40, 3)).astype(np.float32)
    filled = np.ones(x.shape, np.bool_)
    filled[:, 36:] = rng.random((60, 1, 1)) < 0.5
    x[~filled] = 0
    files.write_array(here / "x_test.npy", x)
    files.write_array(here / "x_train.npy", rng.normal(size=(20, 40, 3)).astype(np.float32))
    files.write_arrays(here / "filled.npz", {"test": filled})
    files.write_arrays(here / "labels.npz", {"train": rng.integers(0, CLASSES, 20)})
    files.write_arrays(here / "truth.npz", {"test": rng.random(x.shape) < 0.2})
    files.write_json(here / "data.json", {"kind": "series", "classes": list("abcd"), "shape": [40, 3]})
    indices = rng.permutation(60)[:EXAMPLES]
    labels = np.sort(rng.integers(0, CLASSES, EXAMPLES))
    chosen = {"indices": indices, "labels": labels, "targets": (labels + 1) % CLASSES}
    files.write_arrays(here / "examples.npz", chosen)
    select(examples=here / "examples.npz", number="all", seed=SEED, output=here / "scored.npz")
    for method, given in METHODS.items():
        needs = plugins.spec("explain", method)
        for part in range(1, PARTS + 1):
            explain_part(
                method=method,
                parameters=parameters_of("explain", method, given),
                model=here / "model.keras" if needs.needs_model else None,
                examples=here / "examples.npz",
                x=here / "x_test.npy",
                filled=here / "filled.npz",
                part=f"{part}of{PARTS}",
                maps=here / f"{method}_{part}.npy",
                facts=here / f"{method}_{part}.json",
                training=here / "x_train.npy",
                **COMMON,
            )
    return here


def measured_files(project, scored="scored.npz", methods=METHODS):
    parts = [f"{method}_{part}" for method in methods for part in range(1, PARTS + 1)]
    named = {
        "measured": "examples.npz",
        "scored": scored,
        "x": "x_test.npy",
        "truth": "truth.npz",
        "filled": "filled.npz",
    }
    inputs = {name: project / file for name, file in named.items()}
    inputs |= {
        "maps": [project / f"{part}.npy" for part in parts],
        "facts": [project / f"{part}.json" for part in parts],
    }
    return files_of(list(methods), inputs)


def opened(project, **given):
    model = ExplainedModel.load(project / "model.keras", threads=1, memory_mb=256)
    methods = {method: parameters_of("explain", method, values) for method, values in METHODS.items()}
    found = loaded(
        methods,
        measured_files(project, **given),
        project / "data.json",
        model=model,
        training=project / "x_train.npy",
        labels=project / "labels.npz",
        seed=SEED,
    )
    return {explanation.label: (explanation, case) for explanation, case in found}


def seconds_of(explanation, case):
    return vars(cost(explanation, case, np.random.default_rng(0)))["values"]["seconds"]


def test_each_map_belongs_to_its_example(project):
    scored, x = files.read_arrays(project / "scored.npz"), np.load(project / "x_test.npy")
    filled = files.read_arrays(project / "filled.npz")["test"]
    explanation, case = opened(project)["saliency"]
    assert sorted(scored["rows"].tolist()) == list(range(EXAMPLES))
    assert not np.array_equal(scored["rows"], np.arange(EXAMPLES))
    np.testing.assert_array_equal(case.inputs, x[scored["indices"]])
    np.testing.assert_array_equal(case.measured, filled[scored["indices"]])
    np.testing.assert_array_equal(case.truth, files.read_arrays(project / "truth.npz")["test"][scored["indices"]])
    np.testing.assert_array_equal(case.targets, (case.labels + 1) % CLASSES)
    expected = case.model.gradient(case.inputs, case.targets)
    expected = np.abs(expected) if not explanation.signed else expected
    np.testing.assert_allclose(explanation.attributions, np.where(case.measured, expected, 0), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_examples_are_explained_again_with_their_own_random_numbers(project, method):
    explanation, case = opened(project)[method]
    for rows in (np.arange(EXAMPLES), np.array([20, 3, 38])):
        again = explanation.re_explain(case.inputs[rows], case.targets[rows], **case.explained_as(rows))
        np.testing.assert_allclose(again, explanation.attributions[rows], atol=1e-5)
    if method != "saliency":
        other = explanation.re_explain(case.inputs, case.targets, measured=case.measured)
        assert np.abs(other - explanation.attributions).max() > 1e-3


@pytest.mark.parametrize("score", ["deletion_insertion", "localisation", "sensitivity", "random_logit", "form"])
def test_the_same_examples_have_the_same_scores_shown_and_measured(project, tmp_path, score):
    scored, x = files.read_arrays(project / "scored.npz"), np.load(project / "x_test.npy")
    shown = {name: scored[name] for name in ("indices", "labels", "targets")} | {"inputs": x[scored["indices"]]}
    for name, file in (("truth", "truth.npz"), ("measured", "filled.npz")):
        shown[name] = files.read_arrays(project / file)["test"][scored["indices"]]
    files.write_arrays(tmp_path / "shown.npz", shown)
    method = parameters_of("explain", "saliency", {})
    written = {
        name: tmp_path / file for name, file in (("attributions", "maps.npz"), ("cost", "c.json"), ("checks", "k.json"))
    }
    explain(
        method="saliency",
        parameters=method,
        model=project / "model.keras",
        examples=tmp_path / "shown.npz",
        **written,
        **COMMON,
    )
    tables = []
    for explained in ({"saliency": written}, measured_files(project, methods=["saliency"])):
        run(
            score=score,
            parameters=parameters_of("score", score, {}),
            methods={"saliency": method},
            explained=explained,
            data_info=project / "data.json",
            model=project / "model.keras",
            training=project / "x_train.npy",
            labels=project / "labels.npz",
            table=tmp_path / "scores.csv",
            arrays=tmp_path / "scores.npz",
            **COMMON,
        )
        tables.append((pd.read_csv(tmp_path / "scores.csv"), files.read_arrays(tmp_path / "scores.npz")))
    (of_shown, arrays), (of_measured, others) = tables
    pd.testing.assert_frame_equal(of_shown, of_measured, rtol=1e-4, atol=1e-5)
    assert "over" not in arrays
    assert str(others.pop("over")) == "measured examples"
    assert arrays.keys() == others.keys()


def test_the_checks_of_a_random_method_look_at_its_own_numbers(project, tmp_path):
    checks.run(
        methods={method: parameters_of("explain", method, values) for method, values in METHODS.items()},
        explained=measured_files(project),
        data_info=project / "data.json",
        model=project / "model.keras",
        training=project / "x_train.npy",
        randomised=None,
        table=tmp_path / "checks.csv",
        **COMMON,
    )
    found = pd.read_csv(tmp_path / "checks.csv")
    batch = found[found["check"] == "batch"]
    assert set(batch["explanation"]) == set(METHODS)
    assert batch["passed"].all()


def test_the_cost_is_that_of_all_examples_that_were_explained(project):
    parts = [files.read_json(project / f"saliency_{part}.json") for part in range(1, PARTS + 1)]
    select(examples=project / "examples.npz", number=2, seed=SEED, output=project / "few.npz")
    explanation, case = opened(project, scored="few.npz")["saliency"]
    seconds = seconds_of(explanation, case)
    assert len(seconds) == 2 * CLASSES
    whole = sum(part["costs"]["saliency"]["seconds"] for part in parts)
    np.testing.assert_allclose(seconds, whole / EXAMPLES)


def test_more_examples_are_added_to_fewer_and_each_keeps_its_place():
    labels, indices = np.repeat([0, 1, 3], [9, 4, 20]), np.arange(100, 133)

    def of(number, seed=1, rows=slice(None)):
        return drawn(labels[rows], indices[rows], number, np.random.default_rng(seed))

    few, more, every = of(3), of(6), of("all")
    assert labels[few].tolist() == [0] * 3 + [1] * 3 + [3] * 3
    assert labels[more].tolist() == [0] * 6 + [1] * 4 + [3] * 6
    assert set(few) < set(more) < set(every) == set(range(33))
    # No neighbours: the first of a class are not the first in the data.
    assert few.tolist() != [0, 1, 2, 9, 10, 11, 13, 14, 15]
    assert of(3, seed=2).tolist() != few.tolist()
    # Where others are missing, among them the last, an example keeps its place.
    kept = np.delete(np.arange(33), [*more[:3], 32])
    assert [row for row in kept[of("all", rows=kept)] if row in kept] == [row for row in every if row in kept]


def test_without_a_cost_of_its_own_number_all_examples_count():
    case = ScoreContext({}, np.zeros((4, 3, 1), np.float32), np.zeros(4, int), np.zeros(4, int))
    explanation = Explanation(
        "a",
        "a",
        np.zeros((4, 3, 1), np.float32),
        cost=dict.fromkeys(("seconds", "forward_passes", "backward_passes"), 8.0),
    )
    assert seconds_of(explanation, case).tolist() == [2.0] * 4


def test_agreement_of_the_scored_examples_is_that_of_their_maps(project, tmp_path, monkeypatch):
    found = opened(project)
    cases = {label: (np.abs(explanation.attributions), case) for label, (explanation, case) in found.items()}
    methods = {method: parameters_of("explain", method, values) for method, values in METHODS.items()}
    for room in (2**24, 1):  # all examples at a time, and one
        monkeypatch.setattr(agreement, "_ROOM", room)
        agreement.run(
            measured=measured_files(project),
            methods=methods,
            data_info=project / "data.json",
            table=tmp_path / "agreement.csv",
            arrays=tmp_path / "agreement.npz",
        )
        table = tables.read(tmp_path / "agreement.csv", words=("explanation", "other", "class"))
        assert set(table["of"]) == {"measured examples"}
        for row in table.itertuples():
            (one, case), (two, _) = cases[row.explanation], cases[row.other]
            members = case.labels >= 0 if row.over == "all" else case.labels == "abcd".index(row[4])
            assert row.examples == members.sum()
            expected = similarity.spearman(one, two, case.measured)[members].mean()
            assert row.spearman == pytest.approx(expected, rel=1e-12)
            expected = similarity.overlap(one, two, similarity.STRONGEST, case.measured)[members].mean()
            assert row.overlap == pytest.approx(expected, rel=1e-12)
    arrays = files.read_arrays(tmp_path / "agreement.npz")
    assert (str(arrays["over"]), int(arrays["examples"])) == ("measured examples", EXAMPLES)


def test_intervals_are_over_the_recordings_of_the_scored_examples(project):
    content, _ = scored("form", {}, opened(project).values(), SEED)
    assert "groups" not in content
    of_test = np.array([f"r{number // 6}" for number in range(60)])
    grouped, _ = scored("form", {}, opened(project).values(), SEED, of_test)
    indices = files.read_arrays(project / "scored.npz")["indices"]
    of_all = grouped[grouped["over"] == "all"]
    with_interval = of_all[of_all["interval"] == "studentised, over groups"]
    assert len(with_interval)
    assert set(with_interval["groups"]) == {len(np.unique(of_test[indices]))}
    np.testing.assert_array_equal(grouped["mean"], content["mean"])
    few, _ = scored("form", {}, opened(project).values(), SEED, np.array([f"r{n // 20}" for n in range(60)]))
    assert set(few.loc[few["groups"].notna(), "interval"]) == {"too few groups"}
