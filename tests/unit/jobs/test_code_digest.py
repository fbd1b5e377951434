"""The digest of code: what changes it, and what does not."""

import itertools
import re
import subprocess
import sys

import pytest

from pellucid.jobs import code_digest
from tests.conftest import ROOT

WORKFLOW = ROOT / "workflow"


FILES = {
    "pellucid/__init__.py": "",
    "pellucid/a.py": '"""Doc."""\nfrom pellucid import b\n\ndef f():\n    """Doc."""\n    return b.g()\n',
    "pellucid/b.py": "def g():\n    return 1  # one\n",
    "pellucid/c.py": "x = 1\n",
    "scripts/stage.py": "import json\n\nfrom pellucid.a import f\nfrom pellucid.jobs.script import job\n\nf()\n",
    "pellucid/jobs/script.py": "from pellucid import c\n",
}


@pytest.fixture
def package(tmp_path):
    """Return a function that writes a package in which some files differ from `FILES`, and returns its folder."""
    folders = (tmp_path / str(number) for number in itertools.count())

    def write(**changed):
        root = next(folders)
        for name, text in {**FILES, **{f"pellucid/{name}.py": text for name, text in changed.items()}}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return root

    return write


def digest(root):
    return code_digest.code_digest("pellucid.a", root=root)


def test_closure_follows_imports(package):
    assert code_digest.closure("pellucid.a", root=package()) == ["pellucid", "pellucid.a", "pellucid.b"]


@pytest.mark.parametrize("edited", ["a", "b"])
def test_a_changed_line_changes_it_also_in_an_imported_module(package, edited):
    text = FILES[f"pellucid/{edited}.py"].replace("return ", "return 2 * ")
    assert digest(package(**{edited: text})) != digest(package())


def test_another_module_does_not(package):
    assert digest(package(c="x = 2\n")) == digest(package())


def test_comments_docstrings_and_layout_do_not(package):
    a = '"""Other."""\n\nfrom pellucid import b\n\n\ndef f():\n    """Other."""\n    return b.g()\n'
    b = "def g():\n    # more words\n    return (1)\n"
    assert digest(package(a=a, b=b)) == digest(package())


# A statement in each place where Python takes statements.
NESTED = """
if x:
    {0}
elif y:
    {0}
else:
    {0}
for x in y:
    {0}
else:
    {0}
while x:
    {0}
else:
    {0}
try:
    {0}
except x:
    {0}
else:
    {0}
finally:
    {0}
try:
    pass
except* x:
    {0}
with x:
    {0}
match x:
    case y:
        {0}
class A:
    {0}
async def f():
    async for x in y:
        {0}
    async with x:
        {0}
    y = (lambda: 1) if x else [1 for _ in y]
"""


@pytest.mark.parametrize("place", range(NESTED.count("{0}")))
def test_imports_and_docstrings_count_wherever_a_statement_may_stand(package, place):
    def written(statement):
        head, *tails = NESTED.split("{0}")
        between = ["pass"] * len(tails)
        between[place] = statement
        return head + "".join(word + tail for word, tail in zip(between, tails, strict=True))

    importing = package(a=written("from pellucid import c"))
    assert "pellucid.c" in code_digest.closure("pellucid.a", root=importing)
    one, same, other = (digest(package(a=written(f"def g(): {body}"))) for body in ("'A.'; x", "'B.'; x", "'A.'; y"))
    assert one == same != other


def test_a_script_runs_what_it_imports_and_not_what_frames_every_script(package):
    assert code_digest.script_modules("stage", root=package(), scripts=package() / "scripts") == ("pellucid.a",)


def test_a_script_counts_by_its_code_and_not_by_its_time_or_its_comments(package, tmp_path):
    def digest(name, text):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stage.py").write_text(text)
        return code_digest.script_digest("stage", scripts=tmp_path / name)

    first = digest("first", '"""Do it."""\nf(1)\n')
    assert digest("comment", '"""Do that."""\n\n# Once.\nf(1)\n') == first
    assert digest("code", '"""Do it."""\nf(2)\n') != first


def rules():
    """Yield the text of each rule that has a script, and the name of the script."""
    for path in sorted(WORKFLOW.glob("rules/*.smk")):
        for text in re.split(r"^(?:for \w+|rule \w+:|use rule)", path.read_text(), flags=re.MULTILINE)[1:]:
            if script := re.search(r'"\.\./scripts/([\w/]+)\.py"', text):
                yield pytest.param(text, script[1], id=script[1])


# These depend on no code: a file has a checksum, and a store is there or is not.
WITHOUT_CODE = ("download", "tracking_store")


@pytest.mark.parametrize(("text", "script"), rules())
def test_the_code_of_a_rule_is_that_of_its_script(text, script):
    digested = re.findall(r'code=code_of\(\s*"([\w/]+)"', text)
    assert digested == ([] if script in WITHOUT_CODE else [script])


def test_every_script_belongs_to_a_rule():
    scripts = WORKFLOW / "scripts"
    names = {path.relative_to(scripts).with_suffix("").as_posix() for path in scripts.rglob("*.py")}
    assert {rule.values[1] for rule in rules()} == names


def test_a_methods_digest_leaves_other_methods_out():
    modules = code_digest.closure(*code_digest.script_modules("explain"), "pellucid.explain.saliency")
    assert "pellucid.network.explained_model" in modules
    assert "pellucid.explain.occlusion" not in modules
    assert "pellucid.draw.style" not in modules


def test_no_module_that_the_workflow_reads_imports_tensorflow():
    program = """
import sys
from pellucid.config import resolution, study_files
from pellucid.jobs import code_digest
from pellucid import plugins
from pellucid.config.variants import variants
for package in ("datasets", "models", "explain", "views", "score"):
    plugins.load(package)
heavy = "tensorflow keras mlflow matplotlib sklearn aeon pandas shap skimage wfdb pyarrow PIL"
print([name for name in heavy.split() if name in sys.modules])
"""
    environment = {"PYTHONPATH": str(WORKFLOW), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
