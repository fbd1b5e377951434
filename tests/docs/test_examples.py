"""The plugins of the how-to pages work as they stand there."""

import importlib.util
import shutil

import matplotlib.figure
import numpy as np
import pytest
import yaml

from pellucid import plugins
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import Explanation, ScoreContext
from tests.conftest import ROOT
from tests.docs.pages import blocks
from tests.support.project import Project

EXAMPLES = ROOT / "docs" / "how_to" / "examples"
PLUGINS = sorted(EXAMPLES.rglob("*.py"))


def plugin(path):
    """A module of the examples, and the defaults of its parameters."""
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), EXAMPLES / f"{path}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, plugins.defaults(module) if hasattr(module, "SPEC") else {}


@pytest.fixture(scope="module")
def waves(keras):
    """Examples of the source, and a network of the architecture that has learnt them."""
    keras.utils.set_random_seed(1)
    source, parameters = plugin("datasets/sine_waves")
    data = source.load({}, np.random.default_rng(0), **parameters)
    architecture, parameters = plugin("models/small_cnn")
    model = architecture.build(data.train.x.shape[1:], len(data.classes), **parameters)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(data.train.x, data.train.y, batch_size=8, epochs=6, verbose=0)
    return data, ExplainedModel(model)


def test_the_source_gives_what_the_contract_says(waves):
    data, _ = waves
    assert (data.train.x.shape, data.train.x.dtype, data.train.y.dtype) == ((200, 100, 1), np.float32, np.int64)
    assert np.bincount(data.train.y).tolist() == [100, 100]


def test_the_network_learns_the_source(waves):
    data, model = waves
    assert (model.logits(data.train.x).argmax(1) == data.train.y).mean() > 0.9


def test_the_method_is_the_norm_of_the_gradient(waves):
    data, model = waves
    method, parameters = plugin("explain/gradient_norm")
    x, y = data.train.x[:4], data.train.y[:4]
    found = method.explain(model, x, y, np.random.default_rng(0), **parameters)
    np.testing.assert_allclose(found, np.abs(model.gradient(x, y)), rtol=1e-5)
    assert found.dtype == np.float32


def test_the_method_in_the_readme_is_the_same(waves):
    data, model = waves
    (code,) = blocks(ROOT / "README.md", "python")
    readme = {}
    exec(code, readme)
    method, _ = plugin("explain/gradient_norm")
    given = (model, data.train.x[:4], data.train.y[:4], np.random.default_rng(0))
    np.testing.assert_array_equal(readme["explain"](*given), method.explain(*given))


def test_the_score_of_a_known_map():
    score, parameters = plugin("score/roughness")
    # Jumps of 2 between values of size 1; none; and a map of zeros, for which it is not defined.
    maps = np.stack([np.tile([1, -1], 5), np.ones(10), np.zeros(10)]).astype(np.float32)[..., np.newaxis]
    case = ScoreContext({}, maps, np.zeros(3, np.int64), np.zeros(3, np.int64))
    values = score.score(Explanation("a", "a", maps), case, np.random.default_rng(0), **parameters).values
    assert values["roughness"].tolist() == pytest.approx([2, 0, np.nan], nan_ok=True)


def test_the_view_counts_every_example_and_is_drawn():
    class Data:
        test = (None, np.array([0, 0, 1]))
        probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.0, 1.0]])
        data_info = {"classes": ["slow", "fast"]}  # noqa: RUF012

    view, parameters = plugin("views/confidence")
    arrays = view.compute(None, Data(), np.random.default_rng(0), **parameters)
    assert arrays["counts"].sum(1).tolist() == [2, 1]
    assert arrays["counts"][1, -1] == 1
    draw, _ = plugin("draw/views/confidence")
    assert isinstance(draw.draw(arrays, Data.data_info, parameters, "Confidence"), matplotlib.figure.Figure)


@pytest.mark.slow
def test_the_workflow_runs_all_of_them(tmp_path):
    content = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    project = Project(tmp_path, content)
    for path in PLUGINS:
        target = project.folder / "workflow" / "pellucid" / path.relative_to(EXAMPLES)
        assert not target.exists()
        shutil.copy(path, target)
    project.build("--configfile", str(EXAMPLES / "waves.yaml"))
    made = project.folder / "results" / "waves"
    for name in (
        "explain/gradient_norm/gradient_norm.png",
        "views/confidence/confidence.png",
        "score/roughness/scores.csv",
        "tracking.json",
    ):
        assert (made / name).is_file(), name
