"""The page's JSON against the arrays and the tables that it was made from; hostile words; parts that are absent."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from pellucid.page import packing
from pellucid.page.build import MOST_BYTES, in_script
from pellucid.user_text import readable
from tests.metamorphic.hostile import WORDS
from tests.support import written_pages

SHAPES = [(40, 1), (40, 3), (30, 30), (8, 8, 1), (9, 7, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_explorer_shows_is_what_the_arrays_hold(tmp_path, rng, shape):
    made = written_pages.write(tmp_path, rng, shape=shape)
    explorer = made.content["explorer"]
    assert (packing.unpack(explorer["inputs"]) == made.shared["inputs"]).all()
    for about, block in zip(explorer["explanations"], explorer["maps"], strict=True):
        maps, shown = made.maps[about["label"]], packing.unpack(block)
        if about["label"] == "grad_cam":
            maps = maps[..., :1]
        elif len(shape) == 3:
            maps = maps.sum(-1, keepdims=True)
        np.testing.assert_array_equal(shown, maps)
    for place, example in enumerate(explorer["examples"]):
        p = made.shared["probabilities"][place]
        assert example["index"] == made.shared["indices"][place]
        assert (example["label"], example["predicted"]) == tuple(
            int(made.shared[name][place]) for name in ("labels", "predictions")
        )
        assert example["explained"] == made.content["data"]["classes"][int(made.shared["targets"][place])]
        assert example["wrong"] == (example["label"] != example["predicted"])
        assert example["p"] == p[example["predicted"]] and example["p_true"] == p[example["label"]]
        assert [one for one, _ in example["best"]] == np.argsort(-p, kind="stable")[:5].tolist()


def test_tables_are_the_csv_files_letter_by_letter(tmp_path, rng):
    made = written_pages.write(tmp_path, rng)
    names = {
        "leaderboard": "leaderboard",
        "metrics": "leaderboard_metrics",
        "per_class": "per_class",
        "checks": "checks",
    }
    assert [table["name"] for table in made.content["tables"]] == list(names)
    for table in made.content["tables"]:
        assert table["csv"].encode() == (tmp_path / f"{names[table['name']]}.csv").read_bytes()


def test_measures_of_a_view_are_a_table_of_the_page(tmp_path, rng):
    path = tmp_path / "counterfactuals_measures.csv"
    path.write_text("variant,measure,mean\ncounterfactuals,validity,0.75\n")
    made = written_pages.write(tmp_path, rng, view_measures=[path])
    assert made.content["tables"][-1] == {
        "name": "counterfactuals-measures",
        "title": "Counterfactuals: means over the examples with a change found (validity and seconds: over all); "
        "examples: how many",
        "csv": path.read_text(),
    }


def test_the_summary_answers_in_sentences_made_from_the_numbers(tmp_path, rng):
    made = written_pages.write(tmp_path, rng)
    text = " ".join(made.text.split())
    assert "100 training, 100 validation and 100 test examples of 2 classes: a and b." in text
    assert "a series of 40 samples, 4 s at 10 Hz, of 1 channel (c0); unit: mV." in text
    assert "80 of 100 test examples correctly: accuracy 0.800 (95% interval 0.708 to 0.873)" in text
    # Saliency has the best rank, and failed; the other two share theirs.
    assert "occlusion.window=2 (mean rank 2.50, tied), occlusion.window=3 (mean rank 2.50, tied) and grad_cam" in text
    assert "Sanity (rank correlation with the map of the model without its training): saliency (0.83 > 0.5)." in text
    assert made.content["ranking"]["first"] == ["occlusion.window=2", "occlusion.window=3", "grad_cam"]
    assert made.content["ranking"]["failed"] == {
        "saliency": "sanity 0.83 > 0.5",
        "random_attribution": "sanity 1 > 0.5",
    }


def test_the_methods_text_cites_what_ran_and_nothing_else(tmp_path, rng):
    methods = {name: written_pages.METHODS[name] for name in ("occlusion", "random_attribution")}
    made = written_pages.write(tmp_path, rng, methods=methods, scored=False)
    text = " ".join(made.text.split())
    assert "Occlusion [3] (channels each, window 2), Occlusion [3] (channels each, window 3)" in text
    assert "Random attribution" in text and "a control" not in text
    assert "TensorFlow 2.0, Keras 3.0" in text
    references = re.findall(r"<li>(.*?)</li>", made.html)
    assert [reference[:9] for reference in references] == ["Someone A", "Wang Z, Y", "Zeiler MD"]
    assert "Selvaraju" not in made.html


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs).get("id")))


def test_words_of_the_user_are_text_wherever_they_stand(tmp_path, rng):
    words = [
        *WORDS,
        "</script><script>document.title='ran'</script>",
        "<!--<script>",
        "a\u2028b\u2029c",
        "{{script}}",
    ]
    (tmp_path / "plain").mkdir(), (tmp_path / "hostile").mkdir()
    plain = written_pages.write(
        tmp_path / "plain", rng, shape=(40, 2), classes=[f"k{place}" for place in range(len(words))]
    )
    title = "{{script}} </title><script>document.title='ran'</script> <!-- \u2028"
    made = written_pages.write(
        tmp_path / "hostile", rng, shape=(40, 2), classes=words, channels=words[-2:], title=title, unit="</script>"
    )
    parsers = [_Tags(), _Tags()]
    for parser, page in zip(parsers, (plain, made), strict=True):
        parser.feed(page.html)
    assert parsers[0].tags == parsers[1].tags
    assert made.content["data"]["classes"] == [
        readable(word)[:200] if len(word) < 200 else made.content["data"]["classes"][place]
        for place, word in enumerate(words)
    ]
    assert "\u2028" not in made.html


def test_json_in_a_script_cannot_end_it_and_is_read_back():
    content = {"</script>": ["<!--", "\u2028", "]]>", "&", "\ud800", 1.5, None, {"x": float("nan")}]}
    text = in_script(content)
    assert not set("<>&\u2028") & set(text) and text.isascii()
    assert json.loads(text) == {"</script>": ["<!--", "\u2028", "]]>", "&", "\ud800", 1.5, None, {"x": None}]}


@pytest.mark.parametrize(
    "absent",
    [
        {"methods": {}, "scored": False},
        {"methods": {"saliency": written_pages.METHODS["saliency"]}, "scored": False},
        {"scored": False},
        {"evaluated": False},
        {"methods": {}, "scored": False, "evaluated": False},
        {"classes": ["only"], "right": 100},
        {"measured": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_page_without_some_parts_is_written_and_says_so(tmp_path, rng, absent):
    made = written_pages.write(tmp_path, rng, **absent)
    assert ("Nobody knows" in made.text or "nobody knows" in made.text) == ("evaluated" in absent)
    assert ("No method was run" in made.text) == (absent.get("methods") == {})
    assert ("do not show what the model knows" in made.text) == ("classes" in absent)
    assert (made.content["ranking"] is None) == ("scored" in absent)
    assert ("measured" in (made.content["explorer"] or {})) == ("measured" in absent)


def test_examples_without_labels_have_none(tmp_path, rng):
    def unlabelled(shared, maps):
        shared["labels"] = np.full(6, -1)

    made = written_pages.write(tmp_path, rng, evaluated=False, change=unlabelled)
    assert {example["label"] for example in made.content["explorer"]["examples"]} == {None}
    assert "which have no labels" in made.text


def test_a_thousand_classes_and_large_images_stay_small(tmp_path, rng):
    classes = [f"a class with a long name, number {place}" for place in range(1000)]
    made = written_pages.write(tmp_path, rng, shape=(224, 224, 3), classes=classes, count=30)
    assert made.path.stat().st_size < MOST_BYTES
    explorer = made.content["explorer"]
    assert (explorer["dtype"], explorer["of"]) == ("int8", 30)
    assert len(explorer["examples"]) < 30 and f"This page holds {len(explorer['examples'])} of them" in made.text
    for place, example in enumerate(explorer["examples"]):
        row = int(np.flatnonzero(made.shared["indices"] == example["index"])[0])
        shown, maps = packing.unpack(explorer["maps"][0])[place], made.maps["saliency"][row].sum(-1, keepdims=True)
        np.testing.assert_allclose(shown, maps, atol=0.51 * np.abs(maps).max() / 127)
    # Wrong examples are kept first.
    wrong = int((made.shared["labels"] != made.shared["predictions"]).sum())
    assert sum(example["label"] != example["predicted"] for example in explorer["examples"]) == min(
        wrong, len(explorer["examples"])
    )


def test_the_page_asks_for_nothing_and_allows_its_own_script_alone(tmp_path, rng):
    made = written_pages.write(tmp_path, rng)
    assert "default-src 'none'" in made.html and "unsafe" not in made.html.split("</head>")[0].split("<style>")[0]
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", made.html)
    (tmp_path / "again").mkdir()
    assert (
        written_pages.write(tmp_path / "again", np.random.default_rng(5)).html
        == written_pages.write(tmp_path, np.random.default_rng(5)).html
    )
