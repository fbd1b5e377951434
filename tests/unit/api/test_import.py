"""`import pellucid` is light, offers the functions for notebooks, and leaves the folders of the same names usable."""

import subprocess
import sys

import pytest

from tests.support.tiny import environment

HEAVY = [
    "tensorflow",
    "keras",
    "mlflow",
    "matplotlib",
    "sklearn",
    "aeon",
    "pandas",
    "skimage",
    "wfdb",
    "pyarrow",
    "PIL",
    "snakemake",
]


def run(program):
    """Run a program in a new process; return what it printed."""
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment()
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return process.stdout.strip()


def test_import_loads_neither_tensorflow_nor_any_other_large_package():
    program = f"import pellucid, sys; print([name for name in {[*HEAVY, 'numpy']} if name in sys.modules])"
    assert run(program) == "[]"


def test_loading_every_plugin_imports_no_large_package():
    program = f"""
import sys
from pellucid import plugins
print(all(plugins.load(kind) for kind in ("explain", "views", "score", "models", "datasets")))
print([name for name in {[*HEAVY, "scipy"]} if name in sys.modules])
"""
    assert run(program).splitlines() == ["True", "[]"]


def test_a_mistake_that_needs_no_model_is_told_before_tensorflow_starts():
    program = f"""
import pellucid, sys
for arguments in [dict(method="grad_camm"), dict(method="occlusion", windw=3), dict(method="saliency", seed=-1)]:
    try:
        pellucid.explain("model.keras", [[[0.0]]], **arguments)
    except pellucid.InputError as error:
        print(str(error)[:28])
print([name for name in {HEAVY[:2]} if name in sys.modules])
"""
    assert run(program).splitlines() == [
        'method: found "grad_camm"; e',
        "occlusion: found unknown key",
        "seed: found -1; expected a w",
        "[]",
    ]


@pytest.mark.parametrize("first", ["pellucid.explain.saliency", "pellucid.compare.checks", "pellucid"])
def test_the_functions_stay_when_the_folders_of_their_names_are_imported(first):
    program = f"""
import importlib
importlib.import_module({first!r})
import pellucid
print(callable(pellucid.explain), pellucid.explain.__module__, callable(pellucid.compare))
from pellucid.explain.base import MethodSpec
from pellucid.compare import leaderboard
import pellucid.explain.run
print(MethodSpec.__name__, leaderboard.JUDGING[0], pellucid.explain is importlib.import_module("pellucid.api").explain)
"""
    assert run(program).splitlines() == ["True pellucid.api.functions True", "MethodSpec truth True"]


def test_what_is_offered_is_listed_and_anything_else_is_missing():
    import pellucid

    assert {"explain", "compare", "Explanation", "Comparison", "InputError", "__version__"} <= set(dir(pellucid))
    with pytest.raises(AttributeError, match="no attribute 'explian'"):
        _ = pellucid.explian


def test_the_stub_for_type_checkers_names_what_is_offered():
    import pellucid
    from tests.conftest import ROOT

    stub = (ROOT / "workflow" / "pellucid" / "__init__.pyi").read_text()
    assert {line.split()[-1] for line in stub.splitlines() if " as " in line} == set(pellucid._OFFERED)
