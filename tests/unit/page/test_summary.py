"""The sentences on the data, for axes and names of every kind."""

from dataclasses import replace

import pytest

from pellucid.page import explanations, summary
from pellucid.page.ranking import Ranking

DATA = {
    "title": "Beats",
    "kind": "series",
    "classes": ["a"],
    "channels": ["I"],
    "groups": {},
    "counts": {"train": {"a": 1500}, "validation": {"a": 0}, "test": {"a": 20}},
    "shape": [1000, 1],
    "sampling_rate_hz": 500.0,
    "scale": "none",
    "unit": "mV",
    "notes": ["3 of 20 test examples (15.0%) are exact copies of training examples."],
}


def test_splits_axes_unit_and_notes_are_told():
    assert summary.data_sentences(DATA) == [
        "Beats.",
        "1,500 training and 20 test examples of 1 class: a.",
        "Each example is a series of 1,000 samples, 2 s at 500 Hz, of 1 channel (I); unit: mV.",
        "3 of 20 test examples (15.0%) are exact copies of training examples.",
    ]


def test_of_many_classes_and_channels_the_first_are_named():
    many = {"classes": [f"k{place}" for place in range(1000)], "channels": [f"c{place}" for place in range(64)]}
    text = " ".join(summary.data_sentences({**DATA, **many, "shape": [100, 64], "sampling_rate_hz": None}))
    assert "of 1,000 classes: k0, k1, k2, k3, k4 and 995 more." in text
    assert "100 samples, without a sampling rate, of 64 channels (c0, c1, c2, c3, c4 and 59 more)" in text


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined(words, text):
    assert summary.listed(words) == text


def test_a_model_from_elsewhere_is_not_called_trained():
    assert "not trained here" in summary.model_sentences("A model", {"parameters": 1200, "epochs": 0})[1]


def test_names_explanations_over_frequencies():
    swept = {"mode": "absolute", "sweep": {"domain": ["time", "stft"]}}
    elsewhere = explanations.of_other_domains({"saliency": swept, "cam": {}})
    assert elsewhere == {"saliency.domain=stft": ("saliency", {"mode": "absolute", "domain": "stft"})}
    sentence = summary.frequencies_sentence(list(elsewhere))
    assert sentence.startswith("1 explanation is over frequencies: saliency.domain=stft.")


def test_ranks_of_measured_examples_are_told_as_such():
    ranks = Ranking(["lime"], {"lime": 1.0, "rise": 2.0}, frozenset(), {}, [], [], [], ["faithfulness"], 1500, {})
    for choice, said in (({}, "at most 1,500 examples"), ({"scored": "measured"}, "at most 1,500 measured examples")):
        first = summary.method_sections(ranks, ["lime", "rise"], choice)[0]
        assert said in " ".join(first.sentences)


def test_the_page_says_over_which_groups_the_intervals_are():
    ranks = Ranking(["lime"], {"lime": 1.0}, frozenset(), {}, [], [], [], ["faithfulness"], 60, {})
    for groups, said in (
        (0, ""),
        (12, "are over groups, at most 12."),
        (3, "no 95% intervals: the examples are from 3 "),
    ):
        text = " ".join(summary.method_sections(replace(ranks, groups=groups), ["lime"])[0].sentences)
        assert said in text
        assert ("group" in text) == bool(groups)
