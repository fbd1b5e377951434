"""The digest of code: what changes it, and what does not."""

import re

import pytest

from pellucid.jobs import code_digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "pellucid"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text('"""Doc."""\nfrom pellucid import b\n\ndef f():\n    """Doc."""\n    return b.g()\n')
    (folder / "b.py").write_text("def g():\n    return 1  # one\n")
    (folder / "c.py").write_text("x = 1\n")
    (folder / "job.py").write_text("from pellucid import c\n")
    (tmp_path / "scripts").mkdir()
    script = "import json\n\nfrom pellucid.a import f\nfrom pellucid.jobs.script import job\n\nf()\n"
    (tmp_path / "scripts" / "stage.py").write_text(script)
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)
    return folder


def digest(module="pellucid.a"):
    code_digest._read.cache_clear()
    code_digest.script_modules.cache_clear()
    return code_digest.code_digest(module)


@pytest.fixture(autouse=True)
def forget():
    yield
    code_digest._read.cache_clear()
    code_digest.script_modules.cache_clear()


def test_closure_follows_imports(package):
    assert code_digest.closure("pellucid.a") == ["pellucid", "pellucid.a", "pellucid.b"]


@pytest.mark.parametrize("edited", ["a.py", "b.py"])
def test_a_changed_line_changes_it_also_in_an_imported_module(package, edited):
    before = digest()
    text = (package / edited).read_text().replace("return ", "return 2 * ")
    (package / edited).write_text(text)
    assert digest() != before


def test_another_module_does_not(package):
    before = digest()
    (package / "c.py").write_text("x = 2\n")
    assert digest() == before


def test_comments_docstrings_and_layout_do_not(package):
    before = digest()
    (package / "a.py").write_text(
        '"""Other."""\n\nfrom pellucid import b\n\n\ndef f():\n    """Other."""\n    return b.g()\n'
    )
    (package / "b.py").write_text("def g():\n    # more words\n    return (1)\n")
    assert digest() == before


def test_a_script_runs_what_it_imports_and_not_what_frames_every_script(package):
    assert code_digest.script_modules("stage") == ("pellucid.a",)


def rules():
    """The text of each rule that has a script, and the name of the script."""
    for path in sorted(code_digest._ROOT.glob("rules/*.smk")):
        for text in re.split(r"^(?:for \w+|rule \w+:|use rule)", path.read_text(), flags=re.MULTILINE)[1:]:
            if script := re.search(r'"\.\./scripts/(\w+)\.py"', text):
                yield pytest.param(text, script[1], id=script[1])


# These depend on no code: a file has a checksum, and a store is there or is not.
WITHOUT_CODE = ("download", "tracking_store")


@pytest.mark.parametrize(("text", "script"), rules())
def test_the_code_of_a_rule_is_that_of_its_script(text, script):
    digested = re.findall(r'code=code_of\(\s*"(\w+)"', text)
    assert digested == ([] if script in WITHOUT_CODE else [script])


def test_every_script_belongs_to_a_rule():
    assert {rule.values[1] for rule in rules()} == {path.stem for path in code_digest._ROOT.glob("scripts/*.py")}


def test_a_methods_digest_leaves_other_methods_out():
    modules = code_digest.closure(*code_digest.script_modules("explain"), "pellucid.explain.saliency")
    assert "pellucid.network.explained_model" in modules
    assert "pellucid.explain.occlusion" not in modules
    assert "pellucid.draw.style" not in modules


def test_no_module_that_the_workflow_reads_imports_tensorflow():
    import subprocess
    import sys

    program = """
import sys
from pellucid.config import resolution
from pellucid.jobs import code_digest
from pellucid import plugins
from pellucid.config.variants import variants
for package in ("datasets", "models", "explain", "views", "score"):
    plugins.load(package)
heavy = "tensorflow keras mlflow matplotlib sklearn aeon pandas shap skimage wfdb pyarrow PIL"
print([name for name in heavy.split() if name in sys.modules])
"""
    environment = {"PYTHONPATH": str(code_digest._ROOT), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
