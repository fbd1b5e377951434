"""Links lead somewhere, every plugin and key is described, and the pages build without a warning or a network."""

import importlib.util
import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
import yaml

from pellucid import plugins
from pellucid.config import resolution, schema_errors
from tests.conftest import ROOT
from tests.docs.pages import PAGES, blocks, name, without_code

SECTIONS = {
    "explain": "methods",
    "views": "views",
    "score": "scores",
    "datasets": "data_sets",
    "models": "architectures",
}


def anchors(page):
    """What links may point to: headings as GitHub and Sphinx name them, and marks."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | {slug.replace("_", "-") for slug in slugs} | set(re.findall(r"^\((.*)\)=$", text, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        address = urlsplit(target)
        if address.scheme:
            assert address.scheme == "https", target
            assert "." in address.netloc, target
            continue
        there = (page.parent / address.path).resolve() if address.path else page
        assert there.exists(), f"{name(page)}: {target}"
        assert ROOT in there.parents, f"{name(page)}: {target}"
        if address.fragment:
            assert address.fragment in anchors(there), f"{name(page)}: {target}"


@pytest.mark.parametrize(("package", "page"), SECTIONS.items())
def test_every_plugin_has_its_place_and_its_heading(package, page):
    text = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
    described = re.findall(rf"^```\{{plugin\}} {package}/(\w+)$", text, re.MULTILINE)
    assert sorted(described) == sorted(plugins.load(package))
    for plugin in described:
        before = text.split(f"```{{plugin}} {package}/{plugin}\n")[0]
        assert re.findall(r"^##+ (.*)$", before, re.MULTILINE)[-1] == plugin


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(text):
    """Cells of a table, by the key in the first one."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    assert all(len(row) == 4 for row in cells), "a bar of a text ends a cell"
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in cells}


def test_code_in_a_description_is_shown_as_it_is(tables):
    assert (
        tables._cell(r"use `region_perturbation`, v1_*, a|b or [x]")
        == r"use `region_perturbation`, v1\_\*, a\|b or \[x\]"
    )


def test_the_tables_of_plugins_have_every_parameter_and_its_default(tables):
    for package in SECTIONS:
        for plugin, module in plugins.load(package).items():
            found = rows(tables.plugin(package, plugin))
            assert set(plugins.parameters(module)) <= set(found), plugin
            for key, entry in plugins.parameters(module).items():
                takes, default, meaning = found[key]
                assert takes
                assert meaning, f"{plugin}.{key}"
                if isinstance(entry.get("default"), bool | int | float | str) and entry["default"] != "":
                    value = entry["default"]  # YAML takes Python's 1e-06 for a text
                    expected = value if isinstance(value, float) else yaml.safe_load(str(value))
                    assert yaml.safe_load(default.strip("`")) == expected, f"{plugin}.{key}"


def test_the_tables_of_the_configuration_have_every_key(tables):
    """Every key of an experiment and of the run, at any depth, in the sections that the page shows."""

    def keys(properties, before=""):
        for key, entry in properties.items():
            yield before + key
            yield from keys(entry.get("properties", {}), f"{before}{key}.")

    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    shown = set()
    for section in re.findall(r"^```\{configuration\} (\w+)$", page, re.MULTILINE):
        before = "" if section in ("top", "experiment") else f"{section}."
        shown |= {before.rstrip(".")} | {f"{before}{key}" for key in rows(tables.section(section))}
    content = schema_errors.of_config()
    known = set(keys({key: value for key, value in content["properties"].items() if key != "defaults"}))
    known |= set(keys(content["$defs"]["experiment"]["properties"]))
    # These hold plugins and their parameters, which have pages of their own.
    of_plugins = {"methods", "views", "scores", "dataset", "dataset.source", "model", "model.architecture"}
    assert {key for key in known - shown if not key.startswith("examples.target.")} == of_plugins


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_configuration_of_a_page_is_yaml(page):
    for block in blocks(page, "yaml"):
        assert isinstance(yaml.safe_load(block), dict), block


def entries():
    """Every line `key: {…}` of a configuration in the pages: page, key and content."""
    for page in PAGES:
        for block in blocks(page, "yaml"):
            for key, content in re.findall(
                r"^ *(dataset|model|training|preprocessing|examples|methods): (\{.*\})", block, re.M
            ):
                yield page, key, yaml.safe_load(content)


@pytest.mark.parametrize(
    ("page", "key", "content"), [pytest.param(*entry, id=f"{name(entry[0])}-{entry[1]}") for entry in entries()]
)
def test_what_a_page_writes_is_valid(page, key, content):
    if key in ("dataset", "model"):
        package, names = {"dataset": ("datasets", "source"), "model": ("models", "architecture")}[key]
        plugin = content.pop(names)
        if plugin not in plugins.load(package):
            assert (ROOT / "docs" / "how_to" / "examples" / package / f"{plugin}.py").is_file()
            return
        module = plugins.load(package)[plugin]
        allowed = schema_errors.parameters_schema(plugins.parameters(module), plugins.required(module))
    else:
        allowed = schema_errors.of_config()["$defs"]["settings"]["properties"][key]
    assert schema_errors.problems(content, allowed, key) == []


def test_the_documented_study_has_twelve_members():
    (study,) = [block for block in blocks(ROOT / "docs" / "how_to" / "compare.md", "yaml") if "repeats:" in block]
    content = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    content |= {"run": ["digits_rates"], "experiments": yaml.safe_load(study)}
    members = resolution.resolve(content).experiments
    assert len(members) == 12
    page = (ROOT / "docs" / "how_to" / "compare.md").read_text(encoding="utf-8")
    assert re.search(r"run=\[(digits_rates__\w+)\]", page)[1] in members


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 260


def test_the_pages_build_without_a_warning_and_load_nothing_from_elsewhere(tmp_path):
    if importlib.util.find_spec("sphinx") is None:
        pytest.skip("Sphinx is not installed: it belongs to envs/lock-dev.txt")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run([*command, "docs", tmp_path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "reference" / "methods.html").is_file()
    for page in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"""<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=["']?([^"'\s>]+)""", text)
        loaded += re.findall(r"""url\(["']?([^"')]+)|@import\s+["']([^"']+)""", text)
        for address in loaded:
            assert not re.match(r"(https?:)?//", str(address)), f"{page.name}: {address}"
