"""The page of an experiment in a browser: what it shows are the numbers of the arrays and of the tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pellucid.page import build
from tests.support import tiny, written_pages
from tests.support.written_pages import Made

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

WIDTHS = (1400, 800, 380)
TITLE = "</title><script>document.title='ran'</script><img src=x onerror=document.title='ran'>"
CLASSES = ["<img src=x onerror=document.title='ran'>", "=1+1", "ضربات القلب"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """Pages of one channel, of three channels, and of images."""
    shapes = {"signal": (60, 1), "channels": (50, 3), "image": (9, 7, 1)}
    return {
        name: written_pages.write(tmp_path_factory.mktemp(name), np.random.default_rng(3), shape=shape, count=9)
        for name, shape in shapes.items()
    }


@pytest.fixture(autouse=True)
def without_messages(browser: Chrome) -> Iterator[None]:
    """No page may leave an error or a warning in the browser's console."""
    browser.get_log("browser")  # type: ignore[no-untyped-call]
    yield
    assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]


def open_page(browser: Chrome, page: Made | Path, width: int = 1400) -> None:
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((page.path if isinstance(page, Made) else page).as_uri())
    assert browser.execute_script("return document.documentElement.dataset.ready") == "true"


def choose(browser: Chrome, name: str, value: Any) -> None:
    script = (
        "const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change'))"
    )
    browser.execute_script(script, f"choose-{name}", str(value))


def shown(browser: Chrome, css: str) -> list[str]:
    return [element.text for element in browser.find_elements("css selector", css)]


def examples(browser: Chrome) -> list[int]:
    """The numbers of the examples in the order in which they are offered."""
    texts = browser.execute_script("return [...document.querySelectorAll('#choose-example option')].map(o => o.text)")
    return [int(text.split(":")[0]) for text in texts]


def read(text: str) -> list[float]:
    """The numbers of a panel's line of values that stand behind a name."""
    return [float(number.replace("−", "-")) for number in re.findall(r"(?:c\d|attribution) (\S+)", text)]


def near(value: float) -> Any:
    """A value as it is shown, with four digits."""
    return pytest.approx(float(value), rel=6e-4)


def place_of(made: Made, label: str) -> int:
    return [about["label"] for about in made.content["explorer"]["explanations"]].index(label)


@pytest.mark.parametrize(("label", "other"), [("occlusion.window=3", "grad_cam"), ("random_attribution", "saliency")])
@pytest.mark.parametrize("kind", ["signal", "channels"])
def test_the_values_at_a_sample_are_those_of_the_arrays(
    browser: Chrome, made: dict[str, Made], kind: str, label: str, other: str
) -> None:
    from selenium.webdriver import ActionChains, Keys

    page = made[kind]
    open_page(browser, page)
    choose(browser, "left", place_of(page, label))
    choose(browser, "right", place_of(page, other))
    choose(browser, "example", 4)
    canvas = browser.find_element("css selector", "canvas[data-panel=left]")
    canvas.send_keys(Keys.ARROW_RIGHT * 18)  # from the first sample on
    channel = page.shared["inputs"].shape[-1] - 1
    canvas.send_keys(Keys.ARROW_DOWN * channel)
    for text, name in zip(shown(browser, ".readout"), (label, other), strict=True):
        assert text.startswith("1.7 s (sample 17)")
        wanted = [page.shared["inputs"][4, 17, channel], page.maps[name][4, 17, channel]]
        assert read(text) == [near(value) for value in wanted]
    # The mouse reads the same value as the keyboard.
    canvas.send_keys(Keys.ESCAPE)
    assert shown(browser, ".readout") == ["", ""]
    ActionChains(browser).move_to_element(canvas).perform()
    (first, second) = shown(browser, ".readout")
    (sample,) = map(int, re.findall(r"sample (\d+)", first))
    assert 20 <= sample <= 45 and f"sample {sample})" in second
    (at,) = (int(number) for number in re.findall(r"· c(\d)", first))
    assert read(first) == [near(page.shared["inputs"][4, sample, at]), near(page.maps[label][4, sample, at])]


def test_the_values_at_a_pixel_are_those_of_the_arrays(browser: Chrome, made: dict[str, Made]) -> None:
    from selenium.webdriver import Keys

    page = made["image"]
    open_page(browser, page)
    choose(browser, "left", place_of(page, "occlusion.window=2"))
    canvas = browser.find_element("css selector", "canvas[data-panel=left]")
    canvas.send_keys(Keys.ARROW_RIGHT * 4 + Keys.ARROW_DOWN * 5)
    itself, left, _ = shown(browser, ".readout")
    assert left.startswith("row 5, column 3")
    assert read(itself) == [near(page.shared["inputs"][0, 5, 3, 0])]
    assert read(left) == [near(page.shared["inputs"][0, 5, 3, 0]), near(page.maps["occlusion.window=2"][0, 5, 3, 0])]


def test_the_colour_of_a_pixel_is_that_of_the_figures(browser: Chrome, made: dict[str, Made]) -> None:
    from pellucid.draw import style
    from pellucid.draw.shared.pixels import ink

    page = made["image"]
    open_page(browser, page)
    choose(browser, "left", place_of(page, "occlusion.window=2"))
    inputs, values = page.shared["inputs"][0], page.maps["occlusion.window=2"][0, ..., 0]
    scale = style.Scale.of(values, True)
    script = """const c = document.querySelector('canvas[data-panel=left]');
        return [c.width, c.height, [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]]"""
    width, height, pixels = browser.execute_script(script)
    colours = np.array(pixels).reshape(height, width, 4)
    for row, column in ((0, 0), (4, 2), (8, 6)):
        paper = 255 * (1 - 0.55 * ink(inputs)[row, column])
        strength = np.clip(0.25 + 0.65 * abs(values[row, column]) / scale.norm.vmax, 0, 0.9)
        wanted = paper + strength * (255 * np.array(scale.colours(scale.norm(values[row, column]))[:3]) - paper)
        drawn = colours[int((row + 0.5) * height / 9), int((column + 0.5) * width / 7), :3]
        np.testing.assert_allclose(drawn, wanted, atol=4)


def test_the_largest_value_stands_over_every_map(browser: Chrome, made: dict[str, Made]) -> None:
    from pellucid.draw import style

    page = made["signal"]
    open_page(browser, page)
    choose(browser, "left", place_of(page, "saliency"))
    choose(browser, "right", place_of(page, "occlusion.window=2"))
    left, right = shown(browser, ".panel p")
    assert float(re.findall(r"largest value ([\d.]*\d)", left)[0]) == near(page.maps["saliency"][0].max())
    # The colours end where those of the figures do: below the largest value only if that is a spike.
    assert style.Scale.of(page.maps["saliency"][0], False).extend == "neither" and "colours end" not in left
    ends = [
        float(end.replace("−", "-").rstrip(";.")) for end in re.findall(r"values from (\S+) to ([^;\s]+)", right)[0]
    ]
    assert ends == [near(page.maps["occlusion.window=2"][0].min()), near(page.maps["occlusion.window=2"][0].max())]
    assert "failed sanity 0.83 > 0.5" in shown(browser, ".panel h3")[0]


def test_examples_are_sorted_and_chosen_by_what_is_known_of_them(browser: Chrome, made: dict[str, Made]) -> None:
    page = made["signal"]
    open_page(browser, page)
    arrays, numbers = page.shared, page.shared["indices"]
    rows, p = np.arange(9), page.shared["probabilities"]
    told = [example["disagreement"] for example in page.content["explorer"]["examples"]]
    orders = {
        "order": rows,
        "unsure": p[rows, arrays["predictions"]],
        "sure": -p[rows, arrays["predictions"]],
        "error": p[rows, arrays["labels"]],
        "disagree": -np.array(told),
        "agree": np.array(told),
    }
    for name, keys in orders.items():
        choose(browser, "sort", name)
        assert examples(browser) == numbers[np.argsort(keys, kind="stable")].tolist(), name
    choose(browser, "sort", "order")
    wrong = arrays["labels"] != arrays["predictions"]
    choose(browser, "which", "wrong")
    assert examples(browser) == numbers[wrong].tolist()
    assert "The model is wrong." in shown(browser, ".facts")[0]
    choose(browser, "class", 1)
    assert examples(browser) == numbers[wrong & (arrays["labels"] == 1)].tolist()
    choose(browser, "which", "right")
    assert examples(browser) == numbers[~wrong & (arrays["labels"] == 1)].tolist()


def test_two_methods_are_sorted_by_how_much_they_disagree(browser: Chrome, made: dict[str, Made]) -> None:
    from pellucid.ranks import spearman

    page = made["channels"]
    open_page(browser, page)
    choose(browser, "left", place_of(page, "saliency"))
    choose(browser, "right", place_of(page, "occlusion.window=3"))
    choose(browser, "sort", "pair")
    similar = spearman(np.abs(page.maps["saliency"]), np.abs(page.maps["occlusion.window=3"]))
    assert examples(browser) == page.shared["indices"][np.argsort(similar, kind="stable")].tolist()
    told = re.findall(r"the two shown by ([\d.]+)\.", shown(browser, ".facts")[0])
    assert float(told[0]) == pytest.approx(1 - similar.min(), abs=0.006)


def test_the_keyboard_goes_through_examples_methods_and_stretches(browser: Chrome, made: dict[str, Made]) -> None:
    from selenium.webdriver import Keys

    page = made["signal"]
    open_page(browser, page)
    canvas = browser.find_element("css selector", "canvas[data-panel=right]")
    before = shown(browser, ".panel h3")[0]
    canvas.send_keys("n")
    assert shown(browser, ".facts")[0].startswith(f"Test example {page.shared['indices'][1]}:")
    canvas.send_keys("pp")
    assert shown(browser, ".facts")[0].startswith(f"Test example {page.shared['indices'][-1]}:")
    canvas.send_keys("m")
    assert shown(browser, ".panel h3")[0] != before
    # Zoomed in, both panels end where they are told to: at the same samples.
    canvas.send_keys("++++", Keys.ARROW_RIGHT)
    samples = {text.split(" · ")[0] for text in shown(browser, ".readout")}
    assert len(samples) == 1
    assert samples != {"0 s (sample 0)"}
    canvas.send_keys("0", Keys.ESCAPE, Keys.ARROW_RIGHT)
    assert {text.split(" · ")[0] for text in shown(browser, ".readout")} == {"0 s (sample 0)"}
    assert browser.switch_to.active_element == canvas


def test_tables_show_the_numbers_of_the_csv_files_and_are_sorted(browser: Chrome, made: dict[str, Made]) -> None:
    page = made["signal"]
    open_page(browser, page)
    for table in page.content["tables"]:
        browser.execute_script("document.getElementById(arguments[0]).open = true", f"table-{table['name']}")
        if table["name"] == "leaderboard":
            browser.find_element("css selector", "#table-leaderboard input").click()
        header, *rows = csv.reader(io.StringIO(table["csv"]))
        grid = f"#table-{table['name']} table"
        script = f"return [...document.querySelectorAll('{grid} tbody tr')].map(r => [...r.cells].map(c => [c.textContent, c.title]))"
        cells = browser.execute_script(script)
        assert [[full or text for text, full in row] for row in cells] == rows
        for text, full in (cell for row in cells for cell in row if cell[1]):
            assert float(text.replace("−", "-")) == pytest.approx(float(full), rel=6e-4)
        column = len(header) - 1
        for descending in (False, True):
            browser.find_elements("css selector", f"{grid} thead button")[column].click()
            values = [row[column][1] or row[column][0] for row in browser.execute_script(script)]
            known = [value for value in values if value]
            numeric = all(re.fullmatch(r"-?[\d.]+(e-?\d+)?", value) for value in known)
            if numeric:
                assert list(map(float, known)) == sorted(map(float, known), reverse=descending)
            assert values == known + [""] * (len(values) - len(known))


def test_a_table_is_downloaded_as_its_file(browser: Chrome, made: dict[str, Made], tmp_path: Path) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    page = made["signal"]
    open_page(browser, page)
    allowed = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    browser.find_elements("css selector", "#table-leaderboard .buttons button")[1].click()
    saved = tmp_path / "bumps-leaderboard.csv"
    WebDriverWait(browser, 20).until(lambda _: saved.is_file())
    assert saved.read_bytes() == (page.folder / "leaderboard.csv").read_bytes()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["signal", "channels", "image"])
def test_the_page_is_as_wide_as_the_window_and_asks_for_nothing(
    browser: Chrome, made: dict[str, Made], kind: str, width: int
) -> None:
    tiny.requests(browser)
    open_page(browser, made[kind], width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert set(tiny.requests(browser)) == {made[kind].path.as_uri()}
    named = "return [...document.querySelectorAll('select, button, input, canvas:not(.bar)')].filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).length"
    assert browser.execute_script(named) == 0


def test_hostile_words_are_read_and_run_nothing(browser: Chrome, tmp_path: Path) -> None:
    page = written_pages.write(
        tmp_path,
        np.random.default_rng(1),
        shape=(30, 2),
        classes=CLASSES,
        channels=["</script>", "\u2028<b>"],
        title=TITLE,
        unit="<i>mV</i>",
        count=9,
    )
    open_page(browser, page)
    assert browser.title.startswith("</title><script>")
    assert shown(browser, "h1") == [TITLE]
    assert browser.find_elements("tag name", "img") == []
    for position in range(9):
        choose(browser, "example", position)
        assert CLASSES[page.shared["labels"][position]] in shown(browser, ".facts")[0]
    rows = browser.execute_script(
        "return [...document.querySelectorAll('#table-per_class tbody th')].map(c => c.textContent)"
    )
    assert rows == CLASSES


@pytest.mark.parametrize(
    "absent", [{"methods": {}, "scored": False, "evaluated": False}, {"classes": ["one"]}, {"measured": True}], ids=str
)
def test_a_page_without_some_parts_opens(browser: Chrome, tmp_path: Path, absent: dict[str, Any]) -> None:
    open_page(browser, written_pages.write(tmp_path, np.random.default_rng(2), **absent))
    assert bool(shown(browser, ".readout")) == (absent.get("methods") != {})


def test_the_workflow_writes_a_page_and_records_it(browser: Chrome, tiny_run: Path) -> None:
    page = tiny_run / "results" / "digits" / "page.html"
    open_page(browser, page)
    assert shown(browser, "h1") == ["Handwritten digits"]
    assert len(browser.find_elements("css selector", "#choose-left option")) == 3
    recorded = list((tiny_run / "results" / "mlflow").rglob("page.html"))
    assert page.read_bytes() in [path.read_bytes() for path in recorded]


def drop(browser: Chrome, page: Path) -> None:
    """Choose a file for the right panel, and wait until it is shown or refused."""
    from selenium.webdriver.support.wait import WebDriverWait

    def told(_: Any) -> bool:
        return bool(shown(browser, "#beside")[0] or shown(browser, "#refused")[0])

    browser.find_element("css selector", "#other-page").send_keys(str(page))
    WebDriverWait(browser, 20).until(told)


@pytest.mark.parametrize("kind", ["signal", "channels", "image"])
def test_another_page_beside_this_one_shows_its_own_arrays(
    browser: Chrome, made: dict[str, Made], tmp_path: Path, kind: str
) -> None:
    """Of the same shape: both panels have the same cursor, and each reads its own experiment's arrays."""
    from selenium.webdriver import Keys

    page = made[kind]
    other = written_pages.write(tmp_path, np.random.default_rng(11), shape=page.shared["inputs"].shape[1:], count=7)
    open_page(browser, page)
    drop(browser, other.path)
    choose(browser, "left", place_of(page, "occlusion.window=3"))
    choose(browser, "right", place_of(other, "occlusion.window=2"))
    choose(browser, "example", 2)
    choose(browser, "beside", 5)
    about = shown(browser, "#beside")[0]
    assert "another example" in about and "Both panels show the same stretch." in about
    assert f"Test example {other.shared['indices'][5]}:" in about
    canvas = browser.find_element("css selector", "canvas[data-panel=left]")
    canvas.send_keys(Keys.ARROW_RIGHT * 5)
    canvas.send_keys(Keys.ARROW_DOWN * (2 if kind != "signal" else 0))
    texts = [text for text in shown(browser, ".readout") if "attribution" in text]
    at = {"signal": (4, 0), "channels": (4, 2), "image": (2, 4, 0)}[kind]
    for text, made_page, row, name in zip(
        texts, (page, other), (2, 5), ("occlusion.window=3", "occlusion.window=2"), strict=True
    ):
        assert read(text) == [near(made_page.shared["inputs"][(row, *at)]), near(made_page.maps[name][(row, *at)])]
    assert texts[0].split(" · ")[0] == texts[1].split(" · ")[0]
    # Its own page again.
    browser.find_element("xpath", "//button[text()='This page alone']").click()
    choose(browser, "right", place_of(page, "saliency"))
    canvas = browser.find_element("css selector", "canvas[data-panel=left]")
    canvas.send_keys(Keys.ESCAPE, Keys.ARROW_RIGHT)
    first = (0, 0) if kind != "image" else (0, 0, 0)
    assert read(shown(browser, ".readout")[-1])[1] == near(page.maps["saliency"][(2, *first)].sum())
    assert shown(browser, "#beside") == [""]


def test_the_same_example_is_found_in_the_other_page(browser: Chrome, made: dict[str, Made], tmp_path: Path) -> None:
    page = made["channels"]

    def reordered(shared: dict[str, np.ndarray], _: dict[str, np.ndarray]) -> None:
        shared["inputs"][:5] = page.shared["inputs"][[8, 6, 4, 2, 0]]

    other = written_pages.write(tmp_path, np.random.default_rng(4), shape=(50, 3), count=6, change=reordered)
    open_page(browser, page)
    drop(browser, other.path)
    for place, wanted in ((4, 2), (8, 0), (2, 3)):
        choose(browser, "example", place)
        about = shown(browser, "#beside")[0]
        assert "the same example" in about and f"Test example {other.shared['indices'][wanted]}:" in about
    choose(browser, "example", 1)  # which the other page does not have
    assert "another example" in shown(browser, "#beside")[0]


def test_pages_of_other_shapes_are_not_linked_and_say_why(browser: Chrome, made: dict[str, Made]) -> None:
    from selenium.webdriver import Keys

    open_page(browser, made["signal"])
    for kind, reason in (
        ("channels", "other shapes (60 × 1 and 50 × 3)"),
        ("image", "one has images, the other series"),
    ):
        drop(browser, made[kind].path)
        about = shown(browser, "#beside")[0]
        assert "The panels are not linked" in about and reason in about
        choose(browser, "right", place_of(made[kind], "occlusion.window=2"))
        choose(browser, "beside", 3)
        browser.find_element("css selector", "canvas[data-panel=right]").send_keys(
            Keys.ARROW_RIGHT * 3 + Keys.ARROW_DOWN
        )
        left, *_, right = shown(browser, ".readout")
        at = (3, 2, 1) if kind == "channels" else (3, 1, 2, 0)
        assert left == ""
        assert read(right)[1] == near(made[kind].maps["occlusion.window=2"][at])


FORMAT = f'"format":{build.FORMAT},'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "<h1>hello</h1>", "no page of an experiment"),
        (lambda text: text.replace(FORMAT, '"format":99,'), "another version of Pellucid"),
        (lambda text: text.replace(FORMAT, ""), "another version of Pellucid"),
        (lambda text: text.replace(FORMAT, f"{FORMAT},"), "the file is damaged"),
        (lambda text: re.sub(r'("data":"[^"]{40})[^"]{8}', r"\1", text, count=1), "the file is damaged"),
        (lambda text: text.replace('"predicted":', '"predicted":7', 1), "the file is damaged"),
        (lambda text: re.sub(r'"explorer":\{.*?\},"ranking"', '"explorer":null,"ranking"', text), "no explanations"),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_refused_and_nothing_of_it_runs(
    browser: Chrome, made: dict[str, Made], tmp_path: Path, change: Any, reason: str
) -> None:
    page = made["signal"]
    text = change(page.html)
    assert text != page.html
    file = tmp_path / "other.html"
    file.write_text(f"<script>document.title = 'ran'</script><img src=x onerror=document.title='ran'>{text}")
    open_page(browser, page)
    title = browser.title
    drop(browser, file)
    (told,) = shown(browser, "#refused")
    assert told.startswith("other.html is not shown: ") and reason in told and told.endswith(".")
    assert browser.title == title and shown(browser, "#beside") == [""]


def test_a_dropped_file_is_read_and_its_words_are_text(browser: Chrome, made: dict[str, Made], tmp_path: Path) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    other = written_pages.write(
        tmp_path, np.random.default_rng(1), shape=(30, 2), classes=CLASSES, title=TITLE, count=9
    )
    open_page(browser, made["signal"])
    title = browser.title
    script = """const all = new DataTransfer(); all.items.add(new File([arguments[0]], 'page.html'));
        return document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: all, bubbles: true, cancelable: true}))"""
    assert browser.execute_script(script, other.html) is False  # the browser does not open the file itself
    WebDriverWait(browser, 20).until(lambda _: shown(browser, "#beside")[0])
    choose(browser, "beside", 0)
    assert CLASSES[other.shared["labels"][0]] in shown(browser, "#beside")[0]
    assert browser.title == title and browser.find_elements("tag name", "img") == []
