"""The code of the page on Python and the notebook beside it run as they stand there.

The notebook is read as JSON and its cells run in one namespace: Jupyter is no dependency, and what a cell would show is
asked of its last expression, as Jupyter does.
"""

import ast
import json

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure

import pellucid
from tests.conftest import ROOT
from tests.docs.pages import blocks

PAGE = ROOT / "docs" / "how_to" / "notebook.md"
NOTEBOOK = ROOT / "docs" / "how_to" / "examples" / "explain_a_model.ipynb"


def run(code, names):
    """Run the code of a cell in the namespace `names`; return the value of its last line where it is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.fixture
def folder(tmp_path, monkeypatch, keras):
    """An empty folder as the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_code_of_the_page_runs(folder, capsys):
    names = {}
    for code in blocks(PAGE, "python"):
        run(code, names)
    explanation, comparison = names["explanation"], names["comparison"]
    assert explanation.attributions.shape == names["x"].shape
    assert explanation.checks["passed"].all()
    np.testing.assert_array_equal(
        np.load(folder / "digits" / "attributions.npz")["attributions"][0], explanation.attributions
    )
    assert (names["model"].predict(names["x"], verbose=0).argmax(1) == names["y"]).mean() >= 0.7
    assert set(comparison.leaderboard.index) == {"saliency", "grad_cam", "occlusion", "random_attribution"}
    assert 'Did you mean "grad_cam"?' in capsys.readouterr().out


def test_the_page_describes_every_argument_and_every_attribute():
    import inspect

    page = PAGE.read_text(encoding="utf-8")
    for function in (pellucid.explain, pellucid.compare):
        for name in inspect.signature(function).parameters:
            assert f"`{name}`" in page or name in ("model", "method", "parameters"), name
    for kind in (pellucid.Explanation, pellucid.Comparison):
        public = {name for name in [*kind.__annotations__, *vars(kind)] if not name.startswith("_")}
        for name in public - {"unit", "class_names", "opaque", "scored"}:
            assert f"`{name}`" in page or f"`{name}(" in page, f"{kind.__name__}.{name}"


@pytest.mark.slow
def test_the_notebook_runs_from_its_first_cell_to_its_last(folder, capsys):
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(content))
    names, shown = {}, []
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "outputs would grow the repository, and go out of date"
            shown.append(run("".join(cell["source"]), names))
    accuracy = float(capsys.readouterr().out.split("digits: ")[1].split()[0])
    assert accuracy > 0.8
    pages = [value._repr_html_() for value in shown if isinstance(value, pellucid.Explanation | pellucid.Comparison)]
    assert ["data:image/png;base64," in page for page in pages] == [True, True]
    (figure,) = [value for value in shown if isinstance(value, Figure)]
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert {path.name for path in (folder / "digits").iterdir()} == {"attributions.npz", "layer_cam.png"}
    board = names["comparison"].leaderboard
    assert board.index[0] in ("integrated_gradients", "occlusion")
    assert board.loc["random_attribution", "mean rank"] > 3
