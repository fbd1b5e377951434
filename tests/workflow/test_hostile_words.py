"""An experiment whose every name is hostile: it runs to the report, nothing in it runs, and each word can be read."""

from __future__ import annotations

import html
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from pellucid import tables
from pellucid.user_text import names_in_figure, readable
from tests.support import tiny

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TITLE = """$x_1$ .. raw:: html <script>document.title='ran'</script> `go <javascript:alert(1)>`_ {{7*7}} {wildcards.x} |a|_ हृदय"""
CLASSES = ["all", "=1+1", "$5_to_$9", "<img src=x onerror=document.title='ran'>", "ضربات القلب", "正常_{3}"]
CHANNELS = ["_each", "+1\n$c$"]
UNIT = "<b>µV</b> $u$"
FILE = "a b #1 'q' [x] *? %s & ~ 正.csv"
PASSWORD = "hunter2secret"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(1)
    values = rng.normal(size=(20 * len(CLASSES), 80)) + np.repeat(np.arange(len(CLASSES)), 20)[:, np.newaxis]
    table = pd.DataFrame(values.round(3), columns=[f"s{place}" for place in range(80)])
    table["label"] = np.repeat([f"k{place}" for place in range(len(CLASSES))], 20)
    table.to_csv(folder / FILE, index=False)
    dataset = {
        "source": "table",
        "file": FILE,
        "label": "label",
        "class_names": {f"k{place}": name for place, name in enumerate(CLASSES)},
        "channels": CHANNELS,
        "unit": UNIT,
    }
    experiment = {
        "title": TITLE,
        "dataset": dataset,
        "model": {"architecture": "heartbeat_cnn"},
        "training": {"epochs": 1},
        "examples": {"per_class": 1, "choose": "any", "target": {"class": "all"}},
        "methods": {"saliency": {}, "random_attribution": {}},
        "scores": {"form": {}, "cost": {}},
        "views": {"filters": {}, "embedding": {}},
    }
    tiny.write_config(folder, {"run": ["hostile"], "experiments": {"hostile": experiment}})
    tiny.build(folder, "all")
    return folder


def test_every_class_stands_in_tables_and_figures_as_it_is_written(run: Path) -> None:
    results = run / "results" / "hostile"
    names, _ = tables.read_square(results / "evaluation" / "confusion_matrix.csv")
    assert sorted(names) == sorted(CLASSES)
    for figure in ("evaluation/confusion_matrix.svg", "data/examples.svg", "views/embedding/embedding.svg"):
        text = html.unescape((results / figure).read_text(encoding="utf-8")).replace("- -", "--")
        assert [name for name in names_in_figure(CLASSES) if name not in text] == []
    text = html.unescape((results / "views" / "filters" / "filters.svg").read_text(encoding="utf-8"))
    assert [name for name in map(readable, CHANNELS) if name not in text] == []
    rows = tables.read(results / "score" / "form" / "scores.csv")
    assert set(rows.loc[rows["over"] == "class", "class"]) == set(CLASSES)
    assert (tables.over_all(rows).groupby(["explanation", "metric"]).size() == 1).all()
    lines = (results / "evaluation" / "per_class.csv").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith(("=", "+", "@"))]


def test_the_record_has_every_word_and_no_run_is_left_open(run: Path) -> None:
    database = sqlite3.connect(run / "results" / "mlflow" / "mlflow.db")
    assert {status for (status,) in database.execute("select status from runs")} == {"FINISHED"}
    values = {value for (value,) in database.execute("select value from params union select value from tags")}
    assert {*CLASSES, UNIT, TITLE} <= values
    note = next(value for value in values if value.startswith(r"$x\_1$"))
    assert "<script>" not in note


def test_nothing_in_the_report_runs_and_the_title_can_be_read(browser: Chrome, run: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    report = run / "report.html"
    tiny.done(tiny.snakemake(run, "--report", str(report)))
    browser.get(report.as_uri())
    WebDriverWait(browser, 30).until(lambda page: "Convolutional" in page.find_element(By.TAG_NAME, "body").text)
    assert " ".join(TITLE.split()) in " ".join(browser.find_element(By.TAG_NAME, "body").text.split())
    assert browser.title != "ran"
    links = [link.get_attribute("href") or "" for link in browser.find_elements(By.TAG_NAME, "a")]
    assert not [link for link in links if "alert" in link]
    for figure in (run / "results" / "hostile").rglob("*.svg"):
        browser.get(figure.as_uri())
        assert browser.title != "ran"
        assert browser.find_elements(By.TAG_NAME, "script") == []


def test_nothing_in_the_page_runs_and_every_word_can_be_read(browser: Chrome, run: Path) -> None:
    browser.get((run / "results" / "hostile" / "page.html").as_uri())
    assert browser.title.startswith(TITLE[:40])
    assert browser.find_element("tag name", "h1").text == " ".join(TITLE.split())
    rows = browser.execute_script(
        "return [...document.querySelectorAll('#table-per_class tbody th')].map(c => c.textContent)"
    )
    assert rows == CLASSES
    assert browser.execute_script("return document.documentElement.dataset.ready") == "true"


@pytest.mark.parametrize(
    "where",
    [
        {"tracking": {"uri": f"https://me:{PASSWORD}@localhost:1"}},
        {"tracking": {"uri": f"postgresql://me:{PASSWORD}@localhost/db"}},
        {"dataset": {"source": "table", "file": f"https://me:{PASSWORD}@localhost/a.csv"}},
        {"dataset": {"source": "table", "file": f"ftp://me:{PASSWORD}/x@localhost/a.csv"}},
        {"dataset": {"source": "table", "file": f"https://localhost/a.csv?token={PASSWORD}"}},
    ],
)
def test_a_password_in_an_address_reaches_nothing(tmp_path: Path, where: dict) -> None:
    experiment = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}
    experiment |= {key: value for key, value in where.items() if key == "dataset"}
    content = {"run": ["a"], "experiments": {"a": experiment}, **{k: v for k, v in where.items() if k == "tracking"}}
    tiny.write_config(tmp_path, content)
    said = tiny.snakemake(tmp_path, "--cores", "1")
    assert said.returncode != 0
    assert "found an address with" in said.stderr
    assert PASSWORD not in said.stdout + said.stderr
    held = [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert held == [tmp_path / "config.yaml"]


def test_a_deleted_experiment_is_restored_by_the_job_that_records(run: Path) -> None:
    import mlflow

    store = json.loads((run / "results" / "mlflow" / "store.json").read_text())
    client = mlflow.MlflowClient(f"sqlite:///{run / 'results' / 'mlflow' / 'mlflow.db'}")
    client.delete_experiment(store["experiment_id"])
    tiny.build(run, "--forcerun", "track")
    assert client.get_experiment(store["experiment_id"]).lifecycle_stage == "active"
