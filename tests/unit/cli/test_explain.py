"""`pellucid explain`: the figures and arrays are those of `pellucid.explain`."""

import numpy as np
import pytest
from click.testing import CliRunner

import pellucid
from pellucid.cli import explain
from pellucid.cli.main import main
from pellucid.tasks import TASKS


@pytest.fixture(scope="module")
def model(heartbeat, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    heartbeat.save(path)
    return path


@pytest.fixture
def beats(tmp_path):
    rows = np.random.default_rng(0).normal(size=(3, 186)).astype(np.float32)
    path = tmp_path / "beats.csv"
    path.write_text("\n".join(",".join(repr(float(value)) for value in row) + ",n" for row in rows) + "\n")
    return path, rows[..., np.newaxis]


def test_it_writes_the_arrays_and_the_figure_of_each_method(model, beats, tmp_path):
    path, x = beats
    methods = ["--method", "saliency", "--method", "occlusion:window=9,stride=3"]
    names = ["--classes", "n,s,v,f,q", "--label", "187", "--target", "label", "--output", str(tmp_path / "out")]
    result = CliRunner().invoke(main, ["explain", str(model), str(path), *methods, *names])
    assert result.exit_code == 0, result.output
    expected = pellucid.explain(
        str(model), x, "occlusion", y=[0, 0, 0], target="label", class_names=list("nsvfq"), window=9, stride=3
    )
    with np.load(tmp_path / "out" / "occlusion.npz") as arrays:
        assert np.array_equal(arrays["attributions"][0], expected.attributions)
        assert list(arrays["targets"]) == [0, 0, 0]
    for name in ("saliency", "occlusion"):
        picture = tmp_path / "out" / f"{name}.png"
        assert f"{picture}  (arrays: " in result.output
        assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_target_that_is_the_name_of_a_class_is_this_class(model, beats, tmp_path):
    path, _ = beats
    arguments = [
        "--classes",
        "4,3,2,1,0",
        "--label",
        "187",
        "--target",
        "3",
        "--output",
        str(tmp_path),
        "-m",
        "saliency",
    ]
    path.write_text(path.read_text().replace(",n", ",2"))
    result = CliRunner().invoke(main, ["explain", str(model), str(path), *arguments])
    assert result.exit_code == 0, result.output
    with np.load(tmp_path / "saliency.npz") as arrays:
        assert list(arrays["targets"]) == [1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "grad_kam"], 'Did you mean "grad_cam"?'),
        (["--method", "occlusion:windw=3"], 'Did you mean "window"?'),
        (["--method", "saliency", "--target", "label"], "Pass them"),
        (["--method", "saliency", "--label", "1"], 'line 1, column 187: found "n"; expected a number.'),
        (["--method", "occlusion:window=9", "--method", "occlusion:window=3"], 'found "occlusion" twice'),
    ],
)
def test_a_mistake_ends_in_a_sentence(model, beats, tmp_path, arguments, message):
    np.save(tmp_path / "beats.npy", beats[1])
    data = beats[0] if "--label" in arguments else tmp_path / "beats.npy"
    result = CliRunner().invoke(main, ["explain", str(model), str(data), *arguments, "-o", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert message in result.output
    assert not (tmp_path / "out").exists()


def test_a_contrast_is_that_of_python(model, beats, tmp_path):
    path, x = beats
    path.write_text(path.read_text().replace(",n", ""))
    arguments = ["--classes", "n,s,v,f,q", "--target", "s", "--minus", "0", "-m", "saliency", "-o", str(tmp_path)]
    result = CliRunner().invoke(main, ["explain", str(model), str(path), *arguments])
    assert result.exit_code == 0, result.output
    expected = pellucid.explain(str(model), x, "saliency", target={"why": 1, "not": 0})
    with np.load(tmp_path / "saliency.npz") as arrays:
        np.testing.assert_array_equal(arrays["targets"], expected.targets)
        np.testing.assert_array_equal(arrays["attributions"][0], expected.attributions)


def test_a_model_of_another_task_is_refused(model, beats, tmp_path):
    assert explain._TASKS == TASKS
    arguments = ["--task", "multi_label", "--label", "187", "-m", "saliency", "-o", str(tmp_path)]
    result = CliRunner().invoke(main, ["explain", str(model), str(beats[0]), *arguments])
    assert result.exit_code == 1
    assert "fits data of the task single_label" in result.output
