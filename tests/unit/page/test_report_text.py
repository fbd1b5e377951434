"""The first page of the report: every sentence of every page's summary, and no word of the user's is mark-up."""

import html
from html.parser import HTMLParser

import pytest
from docutils.core import publish_parts

from pellucid import files
from pellucid.page import report_text
from pellucid.user_text import in_figure
from tests.metamorphic.hostile import WORDS
from tests.support import written_pages


class _Shown(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.links = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.text += data


def _published(text):
    settings = {"report_level": 2, "halt_level": 2}
    return _Shown(publish_parts(text, writer="html", settings_overrides=settings)["html_body"])


def _plain(text):
    return " ".join(text.split())


@pytest.fixture
def summary(tmp_path, rng):
    """What a page says of itself, its classes and its unit named by hostile words."""
    written_pages.write(tmp_path, rng, classes=["`a <javascript:x>`__", "|b|_"], unit="</p>")
    return tmp_path / "summary.json"


def test_every_sentence_of_a_page_stands_on_the_first_page(summary):
    pages = {"e0": "results/e0/page.html", "e1": "results/e1/page.html"}
    shown = _published(report_text.first_page(dict.fromkeys(pages, summary), pages))
    told = files.read_json(summary)
    assert told["title"] == "Bumps" and len(told["sections"]) == 6
    page = html.unescape((summary.parent / "page.html").read_text(encoding="utf-8"))
    for section in told["sections"]:
        text = " ".join(section["sentences"])
        assert f"<h3>{section['heading']}</h3><p>{text}</p>" in page
        assert _plain(shown.text).count(_plain(text)) == 2
    assert "80 of 100 test examples correctly: accuracy 0.800 (95% interval 0.708 to 0.873)" in _plain(shown.text)
    assert "`a <javascript:x>`__ and |b|_" in shown.text
    assert (
        len([link for link in shown.links if link.startswith("javascript:app.setView") and "e1/page.html" in link]) == 1
    )


def test_hostile_titles_are_text_on_the_first_page(summary):
    titles = [*WORDS, "  blanks", "====", "1. a", "`x <javascript:alert(1)>`__", ".. raw:: html", "<b>", "\u00a0"]
    told = files.read_json(summary)
    wanted = None
    for title in ["Bumps", *titles]:
        files.write_json(summary, {**told, "title": in_figure(title, 300)})
        shown = _published(report_text.first_page({"e0": summary}, {"e0": "results/e0/page.html"}))
        wanted = wanted or shown
        assert (shown.tags, shown.links) == (wanted.tags, wanted.links), title
        assert _plain(in_figure(title, 300)) in _plain(shown.text)


def test_an_experiment_without_a_summary_is_left_out(summary, tmp_path):
    pages = {"e9": "results/e9/page.html", "e0": "results/e0/page.html"}
    told = report_text.first_page({"e9": tmp_path / "no.json", "e0": summary}, pages)
    assert "e9" not in told and "Bumps" in told
