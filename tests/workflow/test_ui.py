"""What a person sees in MLflow's pages after a run, and that the command which shows them begins and ends cleanly."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pellucid import files
from pellucid.tracking import saved_views, score_metrics, ui
from tests.conftest import ROOT
from tests.support import tiny
from tests.support.servers import closed_port

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

WAIT = 60  # seconds for the server, or for an element; a busy machine needs many of them


# Both experiments have a leaderboard, so that there is one over experiments too.
CONFIG: dict[str, Any] = {
    **tiny.CONFIG,
    "defaults": {
        **tiny.CONFIG["defaults"],
        "methods": {"saliency": {}, "random_attribution": {}},
        "scores": {"deletion_insertion": {"baselines": ["mean"], "steps": 4}},
    },
}


@dataclass
class Pages:
    """A running server, with what was recorded."""

    address: str
    records: dict[str, dict[str, Any]]
    metrics: dict[str, dict[str, float]]
    experiment: str
    comparison: str
    leading: float

    def of(self, path: str) -> str:
        """The address of a page, in the mode that MLflow has for models rather than for agents."""
        return f"{self.address}/#/{path}{'&' if '?' in path else '?'}workflowType=machine_learning"

    def run(self, name: str) -> str:
        return f"experiments/{self.experiment}/runs/{self.records[name]['run']}"


@pytest.fixture(scope="module")
def scored_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of `CONFIG`."""
    folder = tmp_path_factory.mktemp("scored")
    tiny.write_config(folder, CONFIG)
    tiny.build(folder)
    return folder


@pytest.fixture(scope="module")
def pages(scored_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The server that `make ui` starts, for the tiny run; it ends with the module."""
    log = tmp_path_factory.mktemp("ui") / "log"
    with tiny.started(_command(scored_run, closed_port()), scored_run, log):
        results = scored_run / "results"
        yield Pages(
            _answering(log),
            {name: _read(results / name / "tracking.json") for name in CONFIG["run"]},
            {name: _read(results / name / "evaluation" / "metrics.json") for name in CONFIG["run"]},
            _read(results / "mlflow" / "store.json")["experiment_id"],
            _read(results / "comparison" / "tracking.json")["run"],
            _leading(results / "digits" / "score"),
        )


def _command(folder: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "pellucid.tracking.ui", "--port", str(port), "--config", str(folder / "config.yaml")]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _leading(scores: Path) -> float:
    """The leading score of the explanation that ranks best among those that failed no check."""
    with (scores / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["failed checks"] and row["family"] != "control"]
    best = min(rows, key=lambda row: float(row["mean rank"]))
    return float(best["deletion_insertion.insertion_less_deletion.mean mean"])


def _answering(log: Path) -> str:
    """The address that the server has printed, as soon as it answers there."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            try:
                urllib.request.urlopen(f"{found[0]}/health", timeout=5).close()
                return found[0]
            except OSError:
                pass
        time.sleep(0.2)
    raise AssertionError(f"no server within {WAIT} s: {log.read_text()[-2000:]}")


def _shown(browser: Chrome, xpath: str) -> WebElement:
    """An element of the page, as soon as it is to be seen."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import visibility_of_element_located
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, WAIT).until(visibility_of_element_located((By.XPATH, xpath)), f"not seen: {xpath}")


def _row(browser: Chrome, name: str) -> list[str]:
    """The cells of the table row that begins with `name`."""
    heading = _shown(browser, f"//tr/th[normalize-space()='{name}']")
    return [cell.text for cell in heading.find_elements("xpath", "./following-sibling::td")]


@pytest.mark.slow
def test_the_list_of_runs_shows_experiments_and_under_them_their_explanations(browser: Chrome, pages: Pages) -> None:
    browser.get(pages.of(f"experiments/{pages.experiment}/runs"))
    for name, record in pages.records.items():
        row = f"//div[@role='row'][@row-id='{record['run']}']"
        assert _shown(browser, f"{row}//a").text == name
        # Before the row is opened, its children are not there.
        for child in record["explanations"].values():
            assert not browser.find_elements("xpath", f"//div[@row-id='{child}']")
        _shown(browser, f"{row}//a/preceding::button[1]").click()
        for label, child in record["explanations"].items():
            assert _shown(browser, f"//div[@role='row'][@row-id='{child}']//a").text == f"{name} · {label}"


@pytest.mark.slow
def test_the_page_that_the_command_opens_shows_accuracy_and_the_leading_score_first(
    browser: Chrome, pages: Pages
) -> None:
    browser.get(f"{pages.address}{saved_views.page(pages.experiment)}")
    row = f"//div[@role='row'][@row-id='{pages.records['digits']['run']}']"
    _shown(browser, f"{row}//a")
    _shown(browser, "//*[@role='columnheader'][.//*[normalize-space()='accuracy']]")
    # A cell of the header lies in another one.
    shown = dict.fromkeys(cell.text for cell in browser.find_elements("xpath", "//*[@role='columnheader']"))
    columns = ["Duration", "accuracy", "balanced_accuracy", score_metrics.leading()]
    assert [name for name in shown if name in columns] == columns
    cell = _shown(browser, f"{row}/div[contains(@col-id, 'metrics.`accuracy`')]")
    assert float(cell.text.rstrip("…")) == pytest.approx(pages.metrics["digits"]["accuracy"], abs=1e-4)
    cell = _shown(browser, f"{row}/div[contains(@col-id, 'insertion_less_deletion')]")
    assert float(cell.text.rstrip("…")) == pytest.approx(pages.leading, abs=1e-4)


@pytest.mark.slow
def test_the_list_of_views_leads_to_the_explanations_of_all_experiments(browser: Chrome, pages: Pages) -> None:
    browser.get(f"{pages.address}{saved_views.page(pages.experiment)}")
    _shown(browser, "//button[normalize-space()='Experiments']").click()
    _shown(browser, "//*[normalize-space(text())='Explanations of all experiments']").click()
    for name, record in pages.records.items():
        for label, child in record["explanations"].items():
            assert _shown(browser, f"//div[@role='row'][@row-id='{child}']//a").text == f"{name} · {label}"
    assert not browser.find_elements("xpath", f"//div[@row-id='{pages.records['digits']['run']}']")


@pytest.mark.slow
def test_the_charts_are_grouped_by_score_and_none_is_of_one_method(browser: Chrome, pages: Pages) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    # The addresses of MLflow's pages differ behind the # alone: without a new page they keep the state of the last test.
    # A page keeps in the browser how the tests before have sorted and filtered.
    browser.execute_script("localStorage.clear(); sessionStorage.clear()")
    browser.get("about:blank")
    browser.get(pages.of(f"experiments/{pages.experiment}/runs?compareRunsMode=CHART"))

    def text() -> str:
        return browser.find_element("tag name", "body").text

    groups = ("score/deletion_insertion\n(1)", "Model metrics\n(")
    WebDriverWait(browser, WAIT).until(lambda _: all(group in text() for group in groups), f"not seen: {groups}")
    assert "relative rank" not in text()


@pytest.mark.slow
def test_the_description_of_an_explanation_marks_what_is_judged_and_says_the_direction(
    browser: Chrome, pages: Pages
) -> None:
    browser.get(pages.of(f"experiments/{pages.experiment}/runs/{pages.records['digits']['explanations']['occlusion']}"))
    _shown(browser, "//button[normalize-space()='Show more']").click()
    name = score_metrics.leading().removeprefix("score/")
    row = _shown(browser, f"//table//tr[td[1]//strong[normalize-space()='{name}']]")
    assert row.text.split()[-1] == "higher"
    other = _shown(browser, "//table//tr[td[1][contains(text(), 'deletion_insertion/deletion.mean')]]")
    assert other.text.split()[-1] == "lower"
    assert not other.find_elements("tag name", "strong")


@pytest.mark.slow
def test_a_comparison_is_a_table(browser: Chrome, pages: Pages) -> None:
    run = f"experiments/{pages.experiment}/runs/{pages.comparison}"
    browser.get(pages.of(f"{run}/artifacts/leaderboard.csv"))
    _shown(browser, "//*[text()='relative rank']")
    browser.get(pages.of(run))
    _shown(browser, "//table//th[contains(text(), 'relative rank')]")
    assert "No metrics recorded" in browser.find_element("tag name", "body").text


@pytest.mark.slow
def test_the_page_of_a_run_shows_its_scores_parameters_and_children(browser: Chrome, pages: Pages) -> None:
    browser.get(pages.of(pages.run("digits")))
    _shown(browser, "//h2[normalize-space()='digits'] | //h1[normalize-space()='digits']")
    accuracy = _shown(browser, "//div[@role='row'][.//a[normalize-space()='accuracy']]")
    assert f"{pages.metrics['digits']['accuracy']:.12g}" in accuracy.text
    epochs = _shown(browser, "//div[@role='row'][div[@role='cell'][normalize-space()='training.epochs']]")
    assert epochs.text.split() == ["training.epochs", "2"]
    for label, child in pages.records["digits"]["explanations"].items():
        assert _shown(browser, f"//a[contains(@href, '{child}')]").text == f"digits · {label}"
    _shown(browser, "//*[contains(text(), 'Data: 1,797 handwritten digits')]")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["digits/figures/confusion_matrix.png", "saliency/explanation.png"])
def test_the_artifacts_of_a_run_show_its_figures(browser: Chrome, pages: Pages, path: str) -> None:
    name, path = path.split("/", 1)
    record = pages.records["digits"]
    run = record["explanations"].get(name, record["run"])
    browser.get(pages.of(f"experiments/{pages.experiment}/runs/{run}/artifacts/{path}"))
    figure = _shown(browser, f"//img[@alt='{path}']")
    # The browser knows the width of a picture only when it could decode it.
    assert browser.execute_script("return arguments[0].naturalWidth", figure) > 300
    assert figure.size["width"] > 100


@pytest.mark.slow
def test_the_comparison_of_runs_shows_the_figures_of_two_explanations(browser: Chrome, pages: Pages) -> None:
    first, second, *_ = pages.records["digits"]["explanations"].values()
    browser.get(pages.of(f'compare-runs?runs=["{first}","{second}"]&experiments=["{pages.experiment}"]'))
    file = _shown(browser, "//*[@artifact-name='explanation.png']")
    # The previews may leave the list no room in a narrow window.
    browser.execute_script("arguments[0].click()", file)
    _shown(browser, "(//img[@alt='explanation.png'])[2]")


@pytest.mark.slow
def test_the_curves_of_a_run_are_drawn(browser: Chrome, pages: Pages) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(pages.of(f"{pages.run('digits')}/model-metrics"))
    for name in ("epoch_loss", "epoch_val_accuracy"):
        card = f"//*[@data-testid='experiment-view-compare-runs-card'][.//h4[normalize-space()='{name}']]"
        # MLflow draws a chart when it comes into sight: a search brings it there.
        field = _shown(browser, "//input[@placeholder='Search metric charts']")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(name)
        line = _shown(browser, f"{card}//*[contains(@class, 'js-line')]")
        # Two epochs are a line between two points.
        assert re.fullmatch(r"M[\d.]+,[\d.]+L[\d.]+,[\d.]+", line.get_attribute("d") or "")


@pytest.mark.slow
def test_two_runs_are_compared_side_by_side(browser: Chrome, pages: Pages) -> None:
    names = list(pages.records)
    runs = json.dumps([pages.records[name]["run"] for name in names], separators=(",", ":"))
    browser.get(pages.of(f'compare-runs?runs={runs}&experiments=["{pages.experiment}"]'))
    assert _row(browser, "Run Name:") == names
    assert _row(browser, "training.epochs") == ["2", "1"]
    assert _row(browser, "model.architecture") == ["digit_cnn", "digit_cnn"]
    scores = [f"{pages.metrics[name]['accuracy']:.3f}".rstrip("0") for name in names]
    assert scores[0] != scores[1]
    text = _shown(browser, "//*[contains(text(), 'Run details')]/ancestor::*[6]").text
    assert all(score in text for score in scores)


@pytest.mark.slow
def test_the_pages_ask_for_nothing_from_outside(browser: Chrome, pages: Pages) -> None:
    tiny.requests(browser)
    browser.get(pages.of(pages.run("digits")))
    _shown(browser, "//a[normalize-space()='accuracy']")
    asked = tiny.requests(browser)
    assert any(address.startswith(f"{pages.address}/") for address in asked)
    assert [address for address in asked if not address.startswith((f"{pages.address}/", "data:", "blob:"))] == []


@pytest.mark.slow
def test_the_record_names_the_lock_file_that_the_run_was_made_with(browser: Chrome, pages: Pages) -> None:
    browser.get(pages.of(f"{pages.run('digits')}/artifacts/origin.json"))
    _shown(browser, "//*[contains(text(), 'lock file digest')]")
    assert files.sha256(ROOT / "envs" / "lock.txt") in browser.find_element("tag name", "body").text


@pytest.mark.slow
def test_ctrl_c_ends_the_server_and_all_its_processes(scored_run: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with tiny.started(_command(scored_run, closed_port()), scored_run, log) as process:
        port = int(_answering(log).rsplit(":", 1)[1])
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does to all processes in its foreground
        process.wait(20)
        with socket.socket() as model:
            assert model.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_in_use_is_passed_over() -> None:
    with socket.socket() as other:
        other.bind((ui.HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        assert taken < ui.free_port(taken) < taken + 50


def test_before_the_first_run_the_command_says_what_to_do(tmp_path: Path) -> None:
    tiny.write_config(tmp_path)
    done = _said(tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == "There is no record at results/mlflow/mlflow.db yet: `make run` makes it."


def test_without_a_configuration_the_command_says_so(tmp_path: Path) -> None:
    done = _said(tmp_path)
    assert done.returncode != 0
    assert f"{tmp_path / 'config.yaml'}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [b"", b"a: [1", b"- 1", b"\xff\xfe", b"tracking: 5", b"[" * 3000])
def test_a_configuration_that_is_none_ends_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.yaml").write_bytes(content)
    try:
        assert ui.settings_of(tmp_path / "config.yaml") == {}
    except SystemExit as said:
        assert "\n" not in str(said)
        assert str(tmp_path) in str(said)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_name_of_the_experiment_costs_no_page(tmp_path: Path, content: str) -> None:
    (tmp_path / "store.json").write_text(content)
    assert ui.page(tmp_path / "store.json") == ""


def test_a_port_that_no_machine_has_ends_in_one_line() -> None:
    with pytest.raises(SystemExit):
        ui.free_port(99_999)


def test_a_record_on_a_server_is_opened_there(tmp_path: Path) -> None:
    tiny.write_config(tmp_path, {**tiny.CONFIG, "tracking": {"uri": "http://mlflow.example.org"}})
    done = _said(tmp_path)
    assert (done.returncode, done.stdout) == (0, "The record is kept by a server: open http://mlflow.example.org\n")


def _said(folder: Path) -> subprocess.CompletedProcess[str]:
    """The command, where it ends by itself."""
    return subprocess.run(
        _command(folder, 5000), cwd=folder, env=tiny.environment(), capture_output=True, text=True, timeout=60
    )


@pytest.mark.slow
def test_the_server_refuses_pages_of_other_sites(pages: Pages) -> None:
    address = f"{pages.address}/api/2.0/mlflow/experiments/search"
    for header in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        asked = urllib.request.Request(address, b"{}", {"Content-Type": "application/json", **header}, method="POST")
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(asked, timeout=WAIT)
        assert raised.value.code == 403
