"""Whatever the user's words are, each place shows them as they are written, and none of them does anything."""

import html
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import credentials, tables, user_text
from pellucid.config.variants import variants
from pellucid.draw import style
from tests.metamorphic import hostile

FEW = settings(derandomize=True, max_examples=30, deadline=None)
UNIQUE = st.lists(hostile.words, min_size=1, max_size=12, unique=True)


class _Page(HTMLParser):
    """The elements of a page, and the text that a person reads on it."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)

    def handle_data(self, data):
        self.text += data


def _spaces(text):
    return " ".join(text.split())


@FEW
@given(hostile.words)
def test_a_title_on_a_page_of_the_report_is_text_and_nothing_else(word):
    page = publish_parts(
        f"* **name**: {user_text.in_rst(word)}\n",
        writer_name="html",
        settings_overrides={"report_level": 1, "halt_level": 5},
    )["fragment"]
    shown = _Page(page)
    assert set(shown.elements) <= {"ul", "li", "strong", "p"}
    assert _spaces(shown.text) == _spaces(f"name: {user_text.readable(word)}")


@FEW
@given(hostile.words)
def test_a_note_in_markdown_has_no_mark_up(word):
    note = user_text.in_markdown(word)
    assert "\n" not in note
    assert not re.search(r"[<>]|(?<!\\)[`*_\[\]!|~#]|(?<!\\):\S", note)
    assert html.unescape(re.sub(r"\\([\W_])", r"\1", note.replace("\\\\", "\\"))).replace(
        "\\", ""
    ) == user_text.readable(word).replace("\\", "")


@FEW
@given(UNIQUE)
def test_a_table_is_read_as_it_was_written_and_computes_nothing(tmp_path_factory, names):
    # A CSV file has no way to hold the character 0, and pandas reads a bare carriage return as the end of a line.
    names = [name for name in names if not set(name) & set("\x00\r")] or ["a"]
    path = tmp_path_factory.mktemp("table") / "table.csv"
    table = pd.DataFrame({"class": names, "mean": np.linspace(-1, 1, len(names))})
    tables.write(path, table)
    read = tables.read(path)
    assert list(read["class"]) == names
    np.testing.assert_array_equal(read["mean"], table["mean"])
    square = pd.DataFrame(np.eye(len(names), dtype=int), index=names, columns=names)
    square.index.name = "true"
    tables.write(path, square, index=True)
    assert tables.read_square(path) == (names, np.eye(len(names), dtype=int).tolist())


@FEW
@given(hostile.words)
def test_no_text_in_a_cell_is_a_formula_and_numbers_stay_numbers(word):
    cell = user_text.in_cell(word)
    assert user_text.from_cell(cell) == word
    if cell.lstrip(" \n")[:1] in tuple("=+-@\t\r"):
        assert float(cell) == float(word)


@FEW
@given(UNIQUE)
def test_mlflow_takes_the_keys_and_two_words_never_become_one(names):
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    keys = user_text.as_keys([f"dataset.class_names.{name}" for name in names] + names)
    assert len({key.casefold() for key in keys.values()}) == len(keys)
    for key in keys.values():
        _validate_param_name(key)
        _validate_metric_name(key)
    assert user_text.as_keys(["accuracy mean/filters [8]"], ",=[]") == {
        "accuracy mean/filters [8]": "accuracy mean/filters 8"
    }


@FEW
@given(hostile.words)
def test_a_part_of_a_file_name_is_no_pattern(word):
    name = user_text.in_file_name(word)
    assert not set(name) & set("/{}*?[]\\\n\x00 \"'#%$`;|&<>")
    assert len(name.encode()) <= 255 - 60


def test_values_of_a_sweep_that_would_have_one_name_are_refused():
    assert list(variants("grad_cam", {"sweep": {"layer": ["a/b", "c{d}"]}})) == [
        "grad_cam.layer=a-b",
        "grad_cam.layer=c-d-",
    ]
    with pytest.raises(ValueError, match="both be named"):
        variants("grad_cam", {"sweep": {"layer": ["a/b", "a-b"]}})


@FEW
@given(UNIQUE)
def test_names_in_a_figure_are_short_lines_and_still_differ(names):
    shown = user_text.names_in_figure([f"{name}" for name in names] + ["x" * 200, "x" * 199 + "y"])
    assert all(len(name) <= user_text.LONGEST_NAME and not re.search("[\n\r\t\x00-\x1f]", name) for name in shown)
    assert len(set(shown)) == len({user_text.readable(name) for name in names}) + 2


def test_every_word_stands_in_the_svg_as_it_is_written(tmp_path):
    names = user_text.names_in_figure(hostile.WORDS)
    figure = style.new(6, 9)
    with style.styled():
        axes = figure.subplots()
        for place, name in enumerate(names):
            axes.plot([0, 1], [place, place], label=user_text.in_legend(name))
        axes.set_yticks(range(len(names)), names)
        figure.legend(*axes.get_legend_handles_labels(), fontsize=4)
        style.save(figure, tmp_path / "words.svg", tmp_path / "words.png")
    root = ElementTree.parse(tmp_path / "words.svg").getroot()  # a character that XML has not would end here
    shown = ["".join(one.itertext()).strip() for one in root.iter() if one.tag.endswith("}text")]
    # What is drawn as outlines has its text in a comment, in which -- may not stand.
    shown += [html.unescape(comment) for comment in re.findall(r"<!-- (.*?) -->", (tmp_path / "words.svg").read_text())]
    shown = [_spaces(text.lstrip("\u200b").replace("- -", "--")) for text in shown]
    # Once at the axis, once in the legend.
    assert {name: shown.count(_spaces(name)) for name in names} == dict.fromkeys(names, 2)
    assert not [one.tag for one in root.iter() if one.tag.endswith(("script", "foreignObject"))]


def test_a_formula_of_matplotlib_is_kept_on_logarithmic_axes_alone(tmp_path):
    figure = style.new(3, 2)
    with style.styled():
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_xlim(1, 1e6)
        axes.set_title("$x^2$")
        style.save(figure, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "$x^2$" in text
    assert "mathdefault" not in re.sub(r"<!--.*?-->", "", text)


@pytest.mark.parametrize("word", ["正常", "異常な", "부정맥", "ضربات", "हृदय"])
def test_a_letter_without_a_font_is_told_and_one_with_a_font_is_drawn_in_it(tmp_path, caplog, word):
    from pellucid.draw.shared import fonts

    figure = style.new(3, 2)
    text = figure.text(0.1, 0.5, word)
    style.save(figure, tmp_path / "a.png", tmp_path / "a.svg")
    families, left = fonts._families(frozenset(fonts._lacking(word)))
    assert [*text.get_fontfamily()][1:] == list(families)
    assert bool(left) == ("no font of this machine" in caplog.text)


PASSWORD = "hunter2secret"


@FEW
@given(
    st.sampled_from(["https", "http", "ftp", "postgresql", "mysql+pymysql", "HTTPS"]),
    st.sampled_from(
        [
            "{0}:{1}@host/x",
            "a%40b:{1}@host:80",
            "{0}:{1}/2@host/x",
            "host/x?token={1}",
            "h/?a=1&Api_Key={1}",
            "h/#access_token={1}",
            "{1}:@h",
            ":{1}@[::1]:80/x",
            "{0}:p@{1}@h/x",
            "h/x;sig={1}",
            "h/x?key={1}",
        ]
    ),
    st.text("abc", min_size=1, max_size=4),
    st.sampled_from(["{0}", " {0}", "Data of {0} and others", "({0})", '"{0}"', "jdbc:{0}"]),
    st.sampled_from(["://", ":/", ":///"]),
)
def test_a_password_in_an_address_is_found_and_never_repeated(scheme, form, user, text, slashes):
    address = text.format(f"{scheme}{slashes}{form.format(user, PASSWORD)}")
    faults = credentials.faults({"experiments": {"a": {"dataset": {"file": address, "list": [address]}}}})
    assert len(faults) == 2
    assert faults[0].startswith("experiments.a.dataset.file: ")
    assert PASSWORD not in "".join(faults)
    assert PASSWORD not in credentials.masked(f'no answer from {address} ("{address}")')


@pytest.mark.parametrize(
    "address",
    ["https://host/a@b:c", "http://[::1]:80/a@b", "https://host:8080/x?page=1", "postgresql://me@host/db", "sqlite:///a.db",
     "data/a:b@c.csv", "C:/me@x:y.csv", "a/b?monkey=1", "https://h/x?author=me", "See https://h/x, by me@host.org: nice"],
)  # fmt: skip
def test_addresses_without_a_secret_are_taken(address):
    assert credentials.faults({"file": address}) == []


@pytest.mark.parametrize(
    "address",
    [f"https%3A%2F%2Fme%3A{PASSWORD}%40h%2Fx", f"https://me%3A{PASSWORD}@h/x", f"https://h/x?%74oken={PASSWORD}",
     f"mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3D{PASSWORD}"],
)  # fmt: skip
def test_a_password_behind_percent_signs_is_found(address):
    faults = credentials.faults({"experiments": {"a": {"title": address, address: {"file": address}}}})
    assert len(faults) == 3
    assert PASSWORD not in "".join(faults)


def test_what_a_server_repeats_of_a_password_is_not_shown(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    for told in ("Basic bWU6aHVudGVyMnNlY3JldA==", f"you sent {PASSWORD}", "Authorization: Bearer eyJhbGciOi.abc-1"):
        shown = credentials.masked(f"401 ({told})")
        assert credentials.HIDDEN in shown
        assert not any(secret in shown for secret in (PASSWORD, "bWU6", "eyJ"))
    assert credentials.masked("Basic statistics of Basic motions") == "Basic statistics of Basic motions"
