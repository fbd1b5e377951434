"""The report: one file that shows every figure with its caption, and asks for nothing that is not in it."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.support import tiny

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

pytestmark = pytest.mark.slow

FIGURE = "//img[starts-with(@src, 'data:image/webp')]"

PARTS = ("0 Summary and explorer", "1 Data", "2 Model", "3 Evaluation", "7 Explanations")

# Where each figure is found: part, label, file.
FIGURES = [
    ("1 Data", "Training examples", "data/examples.png"),
    ("2 Model", "Learning curves", "model/history.png"),
    ("3 Evaluation", "Confusion matrix", "evaluation/confusion_matrix.png"),
    ("3 Evaluation", "Reliability diagram", "evaluation/reliability.png"),
    ("7 Explanations", "saliency", "explain/saliency/saliency.png"),
    ("7 Explanations", "occlusion", "explain/occlusion/occlusion.png"),
    ("7 Explanations", "grad_cam", "explain/grad_cam/grad_cam.png"),
]


@pytest.fixture(scope="module")
def report(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    done = tiny.snakemake(tiny_run, "--report", str(path))
    assert done.returncode == 0, done.stderr[-3000:]
    return path


def _shown(browser: Chrome, xpath: str) -> WebElement:
    """An element of the page, as soon as it is to be seen."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import visibility_of_element_located
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, 30).until(visibility_of_element_located((By.XPATH, xpath)), f"not seen: {xpath}")


def _open(browser: Chrome, report: Path, *path: str) -> None:
    """Open the report and go down into its menu."""
    browser.get("about:blank")
    browser.get(report.as_uri())
    for entry in path:
        _shown(browser, f"//a[normalize-space()='{entry}']").click()


def _button(label: str, which: str) -> str:
    """The button that shows a figure ("eye") or tells about it ("information-circle")."""
    return f"//tr[td[normalize-space()='{label}']]//a[@iconname='{which}']"


def test_every_experiment_is_a_category_of_four_parts(browser: Chrome, report: Path) -> None:
    for name in tiny.CONFIG["run"]:
        _open(browser, report, name)
        for part in PARTS:
            _shown(browser, f"//a[normalize-space()='{part}']")


@pytest.mark.parametrize(("part", "label", "file"), FIGURES, ids=[file for _, _, file in FIGURES])
def test_a_figure_is_shown_as_it_was_drawn(
    browser: Chrome, report: Path, tiny_run: Path, part: str, label: str, file: str
) -> None:
    _open(browser, report, "digits", part)
    _shown(browser, _button(label, "eye")).click()
    figure = _shown(browser, FIGURE)
    content = base64.b64decode((figure.get_attribute("src") or "").split("base64,", 1)[1])
    with Image.open(io.BytesIO(content)) as small, Image.open(tiny_run / "results" / "digits" / file) as drawn:
        assert browser.execute_script("return arguments[0].naturalWidth", figure) == small.width > 300
        wanted = np.asarray(drawn.convert("RGB").resize(small.size, Image.Resampling.BOX), float)
        assert np.abs(np.asarray(small.convert("RGB"), float) - wanted).mean() < 4


@pytest.mark.parametrize("width", [1400, 800, 380])
def test_nothing_is_cut_in_a_window_of_any_size(browser: Chrome, report: Path, width: int) -> None:
    """What is larger than the window begins at its edges and ends where it can be scrolled to."""
    size = {"width": width, "height": 300, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    script = """const box = document.querySelector('#app .grow.h-screen'), shown = box.querySelector(arguments[0]);
        const [outer, inner] = [box, shown].map(e => e.getBoundingClientRect());
        return [inner.left - outer.left, inner.top - outer.top, box.scrollWidth - (inner.right - outer.left),
                box.scrollHeight - (inner.bottom - outer.top), outer.width, outer.height,
                innerHeight - outer.bottom, innerWidth - outer.right]"""
    try:
        _open(browser, report)
        _shown(browser, "//h1")
        places = [browser.execute_script(script, ".prose")]
        for _, _, file in FIGURES:
            show = "app.setView({content: 'img', contentPath: results[arguments[0]].data_uri})"
            browser.execute_script(show, f"results/digits/{file}")
            _shown(browser, FIGURE)
            places.append(browser.execute_script(script, "img"))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for left, top, right, bottom, wide, high, below, beside in places:
        assert min(left, top, right, bottom) >= -1
        assert wide >= 300 and high >= 150 and abs(below) <= 1 and abs(beside) <= 1


@pytest.mark.parametrize(
    ("part", "label", "caption"),
    [
        ("1 Data", "Training examples", "Training examples of every class"),
        ("1 Data", "Training examples", "Licence: CC BY 4.0"),
        ("1 Data", "Training examples", "Cite: Alpaydin E, Kaynak C."),
        ("2 Model", "Learning curves", "as a mean during each epoch, on the validation examples after it"),
        ("3 Evaluation", "Confusion matrix", "Test examples by their true and their predicted class"),
        ("3 Evaluation", "Reliability diagram", "accuracy against confidence"),
        ("7 Explanations", "occlusion", "by the method occlusion, for test examples"),
    ],
)
def test_a_figure_has_its_own_caption(browser: Chrome, report: Path, part: str, label: str, caption: str) -> None:
    _open(browser, report, "digits", part)
    _shown(browser, _button(label, "information-circle")).click()
    _shown(browser, "//*[normalize-space(text())='Description']")
    text = " ".join(browser.find_element("tag name", "body").text.split())
    assert caption in text
    assert "{{" not in text


def test_the_page_of_an_experiment_works_inside_the_report(browser: Chrome, report: Path) -> None:
    _open(browser, report, "digits", "0 Summary and explorer")
    _shown(browser, _button("Summary, explorer and tables", "eye")).click()
    browser.switch_to.frame(_shown(browser, "//iframe"))
    _shown(browser, "//h1[normalize-space()='Handwritten digits']")
    _shown(browser, "//canvas[@data-panel='left' and @data-ready]")
    browser.switch_to.default_content()


@pytest.mark.parametrize("part", PARTS)
def test_no_column_of_a_table_is_empty(browser: Chrome, report: Path, part: str) -> None:
    _open(browser, report, "digits", part)
    _shown(browser, "//a[@iconname='eye']")
    rows = browser.find_elements("xpath", "//table//tr[td]")
    labels = [[cell.text for cell in row.find_elements("xpath", "./td[not(.//a)]")] for row in rows]
    assert all(any(column) for column in zip(*labels, strict=True)), labels


def test_the_first_page_begins_with_what_the_pages_say(browser: Chrome, report: Path, tiny_run: Path) -> None:
    _open(browser, report)
    _shown(browser, "//p[contains(., 'Convolutional networks trained on signals and images')]")
    first = " ".join(browser.find_element("css selector", "#app .prose").text.split())
    told = [json.loads((tiny_run / "results" / name / "summary.json").read_text()) for name in tiny.CONFIG["run"]]
    assert first.startswith(f"{told[0]['title']} {told[0]['sections'][0]['heading']}. ")
    for summary in told:
        for section in summary["sections"]:
            assert " ".join(section["sentences"]) in first
    # Its links lead to the page and to the figures.
    browser.find_elements("link text", "All its figures")[1].click()
    _shown(browser, "//a[normalize-space()='7 Explanations']")
    browser.find_elements("link text", "Open its page")[1].click()
    browser.switch_to.frame(_shown(browser, "//iframe"))
    _shown(browser, "//h1[normalize-space()='Handwritten digits, one epoch']")
    browser.switch_to.default_content()


def test_the_report_asks_for_nothing_from_outside(browser: Chrome, report: Path) -> None:
    tiny.requests(browser)
    for part, label, _ in FIGURES:
        _open(browser, report, "digits", part)
        _shown(browser, _button(label, "eye")).click()
        _shown(browser, FIGURE)
    for page in ("Workflow", "Statistics", "About"):
        _open(browser, report, page)
    asked = tiny.requests(browser)
    assert report.as_uri() in asked
    assert [address for address in asked if not address.startswith((report.as_uri(), "data:", "blob:", "about:"))] == []


def test_nothing_in_the_report_is_loaded_from_outside(report: Path) -> None:
    loaded = _Loaded()
    loaded.feed(report.read_text(encoding="utf-8"))
    assert loaded.tags >= {"script", "style"}
    assert loaded.addresses == []


def test_the_report_tells_nothing_of_the_folders_of_this_machine(
    report: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = report.read_text(encoding="utf-8")
    assert "results/digits/evaluation/confusion_matrix.png" in text
    # Where the run was made, and where it was copied to.
    assert str(tmp_path_factory.getbasetemp().parent) not in text


class _Loaded(HTMLParser):
    """Addresses elsewhere that the tags and the styles of a page load by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.style = tag == "style"
        for name, value in attrs:
            # A link that a person follows is no request of the page.
            follows = tag == "a" and name == "href"
            if name in ("src", "href", "data", "srcset", "poster") and not follows and _elsewhere(value or ""):
                self.addresses.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self.style = False

    def handle_data(self, data: str) -> None:
        if self.style:
            self.addresses += re.findall(r"@import[^;]*|url\(\s*['\"]?(?:https?:)?//[^)]*\)", data)


def _elsewhere(address: str) -> bool:
    return re.match(r"\s*([a-z]+:)?//", address, re.IGNORECASE) is not None
