"""The command `pellucid`: what it says, what it writes, and what it starts."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from pellucid import plugins
from pellucid.cli import demo as demonstration
from pellucid.cli import examples, snakemake
from pellucid.cli import init as beginning
from pellucid.cli.explain import _method
from pellucid.cli.listing import KINDS
from pellucid.cli.main import main
from pellucid.config import resolution
from pellucid.errors import InputError
from tests.conftest import ROOT


def said(*arguments, code=0):
    """What the command prints."""
    result = CliRunner().invoke(main, arguments, prog_name="pellucid")
    assert result.exit_code == code, result.output
    return result.output


def test_help_names_every_subcommand_and_imports_nothing_large():
    large = "{'tensorflow', 'keras', 'mlflow', 'numpy', 'pandas', 'pydantic', 'snakemake', 'matplotlib'}"
    script = f"""
import sys
sys.argv = ["pellucid", "--help"]
from pellucid.cli.main import main
try:
    main()
finally:
    print("loaded", *({large} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    *text, loaded = done.stdout.splitlines()
    assert loaded == "loaded"
    for name in main.commands:
        assert any(line.startswith(f"  {name} ") for line in text)
    assert not any(line.endswith("...") for line in text[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_list_names_every_plugin(kind):
    names = [line.split()[0] for line in said("list", kind).splitlines()]
    assert names == list(plugins.load(KINDS[kind]))


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, package in KINDS.items() for name in plugins.load(package)]
)
def test_list_describes_every_plugin_with_all_its_parameters(kind, name):
    text, module = said("list", kind, name), plugins.load(KINDS[kind])[name]
    assert text.startswith(f"{name}: {module.SPEC.title}")
    for parameter in plugins.parameters(module):
        assert f"\n  {parameter} (" in text
    assert max(map(len, text.splitlines()[1:])) <= 130


def test_a_method_is_described_by_its_own_definition():
    text = said("list", "methods", "occlusion")
    assert "Paper: Zeiler MD, Fergus R." in text
    assert "stride (default 1): whole number from 1 to 1000000" in text
    assert "baseline (default zero): `zero`, `mean`, `noise`, `shuffled`" in text


def test_a_misspelt_name_ends_with_the_nearest_one():
    text = said("list", "methods", "oclusion", code=1)
    assert 'Did you mean "occlusion"?' in text
    assert "Traceback" not in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_subcommands_and_names_of_plugins(shell):
    assert "_PELLUCID_COMPLETE" in said("completion", shell)
    words = {"COMP_WORDS": "pellucid list methods occ", "COMP_CWORD": "3", "_PELLUCID_COMPLETE": "bash_complete"}
    result = CliRunner().invoke(main, [], prog_name="pellucid", env=words)
    assert result.output.split() == ["plain,occlusion"]


def test_init_writes_a_study_that_the_configuration_check_accepts(tmp_path, monkeypatch):
    folder = tmp_path / "study"
    text = said("init", str(folder))
    assert "snakemake --cores 4" in text
    lines = (folder / "Snakefile").read_text().splitlines()
    assert len(lines) == 3
    first, *rest = (folder / "config.yaml").read_text().splitlines()
    assert Path(first.partition("$schema=")[2]) == ROOT / "workflow" / "schemas" / "config.schema.json"
    assert len(rest) <= 15
    monkeypatch.chdir(folder)
    assert "It runs my_study." in said("check")
    assert (folder / "profiles" / "default" / "profile.yaml").read_text() == (
        ROOT / "profiles" / "default" / "profile.yaml"
    ).read_text()


def test_init_overwrites_nothing(tmp_path):
    (tmp_path / "config.yaml").write_text("run: [mine]\n")
    assert "config.yaml: it exists already." in said("init", str(tmp_path), code=1)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert (tmp_path / "config.yaml").read_text() == "run: [mine]\n"


DEMONSTRATION = demonstration.CONFIG.replace("{methods}", ", ".join(demonstration.METHODS))


@pytest.mark.parametrize(("config", "methods"), [(beginning.CONFIG, 3), (DEMONSTRATION, 5)])
def test_the_configurations_run_as_many_methods_as_they_say(config, methods):
    resolved = resolution.resolve(yaml.safe_load(config.format(schema="x")))
    (name,) = resolved.run
    assert len(resolved.experiments[name]["methods"]) == methods


def test_check_names_the_key_that_is_wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    beginning.begin(tmp_path, beginning.CONFIG.replace("epochs", "epoch"))
    assert 'Did you mean "epochs"?' in said("check", code=1)


def test_run_hands_its_arguments_to_snakemake_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    beginning.begin(tmp_path, beginning.CONFIG)
    started = []
    monkeypatch.setattr("os.execv", lambda program, command: started.append(command))
    said("run", "-n", "--config", "run=[digits]", "results/x.png")
    said("run")
    said("run", "--cores", "2", "--snakefile=other.smk")
    begin = [sys.executable, "-m", "snakemake"]
    assert started == [
        [*begin, "-n", "--config", "run=[digits]", "results/x.png"],
        [*begin, "--cores", "all"],
        [*begin, "--cores", "2", "--snakefile=other.smk"],
    ]


def test_a_folder_with_a_configuration_alone_runs_by_the_installed_snakefile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"neither a Snakefile nor a config\.yaml\. `pellucid init \.`"):
        snakemake.command([])
    (tmp_path / "config.yaml").write_text("run: []\n")
    assert snakemake.command(["-n"])[3:] == ["--snakefile", str(ROOT / "Snakefile"), "-n"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("saliency", ("saliency", {})),
        ("occlusion:window=9,stride=3", ("occlusion", {"window": 9, "stride": 3})),
        ("saliency:mode=signed", ("saliency", {"mode": "signed"})),
        ("occlusion:window=[3, 5]", ("occlusion", {"window": [3, 5]})),
    ],
)
def test_parameters_stand_behind_a_method(text, expected):
    assert _method(text) == expected


def test_parameters_that_cannot_be_read_are_refused():
    with pytest.raises(InputError, match=r"Write parameters as occlusion:window=9,stride=3"):
        _method("occlusion:window")


ROWS = np.array([[0.5, 1, -2], [3, 4, 1e-3]])


@pytest.mark.parametrize(
    ("name", "text", "label", "classes"),
    [
        ("a.csv", "0.5,1,-2\n3,4,1e-3\n", "", None),
        ("a.csv", "t0,t1,t2\n0.5,1,-2\n3,4,1e-3\n", "", None),
        ("a.tsv", "0.5\t1\t-2\n3\t4\t1e-3\n", "", None),
        ("a.csv", "t0,t1,t2,kind\n0.5,1,-2,n\n3,4,1e-3,v\n", "kind", ["n", "v"]),
        ("a.csv", "0.5,1,-2,n\n3,4,1e-3,v\n", "4", ["n", "v"]),
        ("a.csv", "0,0.5,1,-2\n1,3,4,1e-3\n", "1", [0, 1]),
    ],
)
def test_a_table_is_read_as_series_of_one_channel(tmp_path, name, text, label, classes):
    (tmp_path / name).write_text(text)
    x, y = examples.read(tmp_path / name, label)
    assert np.array_equal(x, ROWS[..., np.newaxis])
    assert (y is None) if classes is None else list(y) == classes


@pytest.mark.parametrize(
    ("name", "text", "label", "message"),
    [
        ("a.csv", "t0,kind\n1,n\n", "", 'line 2, column 2 (kind): found "n"; expected a number. '),
        ("a.csv", "t0,kind\n1,n\n", "", "--label names the column of the classes."),
        ("a.csv", ",t0,t1\n0,1,2\n1,3,4\n", "", "If it holds row numbers"),
        (
            "a.csv",
            "t0,kind\n1,n\n",
            "kin",
            'a.csv, label: found no column "kin"; expected one of t0, kind. Did you mean "kind"?',
        ),
        ("a.csv", "", "", "a.csv: found an empty file; expected a row for each example."),
        ("a.txt", "1,2\n", "", 'a name that ends in ".txt"; expected .npy, .npz, .csv or .tsv'),
        ("a.npy", "1,2\n", "", "expected arrays of numbers, as NumPy saves them"),
        ("a.npy", "1,2\n", "kind", "a.npy has no columns"),
    ],
)
def test_a_file_that_holds_no_examples_is_refused(tmp_path, name, text, label, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        examples.read(tmp_path / name, label)
    assert message in str(caught.value)


def test_row_numbers_are_no_sample(tmp_path, caplog):
    (tmp_path / "a.csv").write_text("Unnamed: 0,t0,t1,t2\n0,0.5,1,-2\n1,3,4,1e-3\n")
    x, _ = examples.read(tmp_path / "a.csv", "")
    assert np.array_equal(x, ROWS[..., np.newaxis])
    assert "row numbers of a data frame are not in the signal" in caplog.text
    rows = np.random.default_rng(0).normal(size=(12, 3))
    np.savetxt(tmp_path / "b.csv", np.column_stack([np.arange(12), rows]), delimiter=",")
    assert examples.read(tmp_path / "b.csv", "")[0].shape == (12, 4, 1)
    assert "this column of the signal counts the examples" in caplog.text


def test_arrays_are_read_with_their_classes(tmp_path):
    np.savez(tmp_path / "a.npz", x=ROWS[..., np.newaxis], y=[1, 0])
    x, y = examples.read(tmp_path / "a.npz", "")
    assert x.shape == (2, 3, 1)
    assert list(y) == [1, 0]
    np.savez(tmp_path / "b.npz", signal=ROWS)
    with pytest.raises(InputError, match="arrays signal; expected x, and perhaps y"):
        examples.read(tmp_path / "b.npz", "")
    np.save(tmp_path / "c.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Object arrays cannot be loaded"):
        examples.read(tmp_path / "c.npy", "")
