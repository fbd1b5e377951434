"""From `examples.npz` to `attributions.npz`."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pellucid import files, plugins
from pellucid.config.schema_errors import parameters_schema, with_defaults
from pellucid.config.variants import variants
from pellucid.errors import InputError
from pellucid.explain.run import completeness, explain_variants
from pellucid.network.explained_model import ExplainedModel
from tests.support import prepared


@pytest.fixture
def explained(heartbeat, tmp_path, rng):
    heartbeat.save(tmp_path / "model.keras")
    arrays = {
        "inputs": rng.random((3, 186, 1), np.float32),
        "targets": np.array([0, 1, 4]),
        "indices": np.array([7, 3, 9]),
        "truth": rng.random((3, 186, 1)) > 0.5,
    }
    files.write_arrays(tmp_path / "examples.npz", arrays)

    def explain(method, parameters, name="out"):
        paths = {"model": tmp_path / "model.keras", "examples": tmp_path / "examples.npz"}
        prepared.explain(tmp_path / name, method, parameters, **paths, seed=3)
        found = files.read_arrays(tmp_path / name / "attributions.npz")
        return found, files.read_json(tmp_path / name / "cost.json")

    return arrays, explain


def test_several_windows_in_one_run(explained):
    arrays, explain = explained
    found, cost = explain("occlusion", {"stride": 5, "sweep": {"window": [5, 15, 31]}})
    labels = ["occlusion.window=5", "occlusion.window=15", "occlusion.window=31"]
    assert found["variants"].tolist() == labels == list(cost)
    assert found["attributions"].shape == (3, *arrays["inputs"].shape)
    for label, maps in zip(labels, found["attributions"], strict=True):
        window = cost[label]["parameters"]["window"]
        alone, _ = explain("occlusion", {"stride": 5, "window": window}, name=f"alone{window}")
        np.testing.assert_array_equal(maps, alone["attributions"][0])
    assert len({maps.tobytes() for maps in found["attributions"]}) == 3


def test_the_file_holds_all_that_a_figure_or_a_score_needs(explained):
    arrays, explain = explained
    found, cost = explain("saliency", {"mode": "absolute"})
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    assert found["attributions"].dtype == np.float32
    assert cost["saliency"]["forward_passes"] == cost["saliency"]["backward_passes"] == 3


def test_randomness_comes_from_the_seed_and_the_variants_name(explained):
    _, explain = explained
    noise = {"baseline": "noise", "stride": 15}
    one, _ = explain("occlusion", noise)
    two, _ = explain("occlusion", noise, name="again")
    np.testing.assert_array_equal(one["attributions"], two["attributions"])


@pytest.mark.parametrize("baseline", ["zero", "noise"])
def test_the_residual_of_completeness_is_reported_and_falls_with_more_steps(explained, tmp_path, baseline):
    _, explain = explained
    steps = {"baseline": baseline, "sweep": {"steps": [2, 200]}}
    explain("integrated_gradients", steps)
    checks = files.read_json(tmp_path / "out" / "checks.json")
    few, many = (checks[f"integrated_gradients.steps={n}"] for n in (2, 200))
    assert many["completeness_residual_share"] < 0.02
    assert many["completeness_residual"] < few["completeness_residual"]
    explain("saliency", {}, name="other")
    assert files.read_json(tmp_path / "other" / "checks.json") == {"saliency": {}}


def test_residuals_of_different_signs_do_not_cancel():
    # The changes are 3 and 1; the maps sum to 3 - 0.5 and 1 + 0.5.
    model = SimpleNamespace(score=lambda inputs, targets: np.array([4.0, 2.0], np.float32))
    spec = SimpleNamespace(checks=("completeness",))
    method = SimpleNamespace(SPEC=spec, expected=lambda *arguments, **parameters: np.array([1.0, 1.0]))
    maps = np.array([[[2.0], [0.5]], [[1.0], [0.5]]], np.float32)
    found = completeness(method, model, maps, np.zeros(2, int), maps, np.random.default_rng(0), {})
    assert found == pytest.approx({"completeness_residual": 0.5, "completeness_residual_share": 0.25})


@pytest.mark.parametrize("method", ["all_equal", "input_magnitude", "random_attribution"])
def test_a_control_does_not_start_tensorflow(explained, tmp_path, method):
    call = f"""
import sys
from pathlib import Path
from tests.support import prepared
folder = Path({str(tmp_path)!r})
files = dict(model=folder / "model.keras", examples=folder / "examples.npz")
prepared.explain(folder / "apart", {method!r}, {{}}, **files, seed=3)
sys.exit("tensorflow" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", call], check=False).returncode == 0
    assert files.read_json(tmp_path / "apart" / "cost.json")[method]["forward_passes"] == 0


def test_a_sweep_runs_every_combination():
    found = variants("m", {"a": 1, "sweep": {"b": [1, 2], "c": ["x", [3, 5]]}})
    assert found == {
        "m.b=1.c=x": {"a": 1, "b": 1, "c": "x"},
        "m.b=1.c=3x5": {"a": 1, "b": 1, "c": [3, 5]},
        "m.b=2.c=x": {"a": 1, "b": 2, "c": "x"},
        "m.b=2.c=3x5": {"a": 1, "b": 2, "c": [3, 5]},
    }
    assert variants("m", {"a": 1}) == {"m": {"a": 1}}


@pytest.mark.parametrize("method", ["saliency", "occlusion"])
def test_a_target_whose_score_is_constant_is_an_error_that_names_the_class(keras, tmp_path, rng, method):
    layers = keras.layers
    model = keras.Sequential([layers.Input((12, 1)), layers.Conv1D(3, 3), layers.Flatten(), layers.Dense(3)])
    kernel, bias = model.layers[-1].get_weights()
    kernel[:, 1] = 0
    model.layers[-1].set_weights([kernel, bias + 0.7])
    model.save(tmp_path / "model.keras")
    files.write_json(tmp_path / "data.json", {"classes": ["normal", "ill", "other"]})
    paths = {
        "model": tmp_path / "model.keras",
        "examples": tmp_path / "examples.npz",
        "data_info": tmp_path / "data.json",
    }
    examples = {"inputs": rng.random((3, 12, 1), np.float32), "targets": np.array([0, 2, 0])}
    files.write_arrays(tmp_path / "examples.npz", examples)
    parameters = {"window": 3, "stride": 3} if method == "occlusion" else {}
    prepared.explain(tmp_path, method, parameters, **paths)
    files.write_arrays(tmp_path / "examples.npz", {**examples, "targets": np.array([0, 1, 0])})
    with pytest.raises(InputError, match="ill"):
        prepared.explain(tmp_path, method, parameters, **paths)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("dynamask", {"iterations": 60}),
        ("dynamask", {"iterations": 60, "perturbation": "gaussian_blur"}),
        ("extremal_perturbation", {"iterations": 60}),
        ("occlusion", {"baseline": "mean"}),
    ],
)
def test_maps_that_are_the_same_everywhere_are_told(keras, rng, caplog, method, given):
    model = keras.Sequential([keras.Input((12, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    # A blurred constant is the constant; occluded by its own mean, it is itself. The mean in float32 of 12 times 0.7 is
    # not quite 0.7, of which a search in units of the gradient would make a mask.
    inputs = np.stack([np.full((12, 2), (0.7, 3.3)), rng.random((12, 2))]).astype(np.float32)
    arrays = {"inputs": inputs, "targets": np.array([0, 1]), "indices": np.array([41, 7])}
    parameters = with_defaults(
        given,
        parameters_schema(plugins.parameters(plugins.load("explain")[method])),
    )
    explain_variants(method, parameters, ExplainedModel(model), arrays, seed=1)
    assert f"{method}: the same attribution everywhere in the maps of 1 example: 41" in caplog.text


def test_maps_of_which_some_part_is_larger_are_not_told(keras, rng, caplog):
    model = keras.Sequential([keras.Input((12, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    arrays = {"inputs": rng.random((2, 12, 1), np.float32), "targets": np.array([0, 1])}
    explain_variants("saliency", {}, ExplainedModel(model), arrays, seed=1)
    assert "the same attribution everywhere" not in caplog.text
