"""The features that plugins require, in words (of a model: `models.base.ModelSpec.features`), and what each implies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# The features of models, data and settings that a plugin may require, in words.
WORDS: Mapping[str, str] = {
    "conv": "a convolution layer whose maps lie along the axes of the input",
    "relu": "a ReLU, and no rectifier of another form",
    "gap": "global average pooling in front of the dense layer of the classes",
    "rescale_rule": "layers that DeepLIFT's rules cover (no LSTM)",
    "relevance_rule": "layers that LRP's rules cover (also LSTM, GRU, attention)",
    "attention": "attention over time (`attention_lstm`)",
    "self_attention": "self-attention over tokens in time, read as a mean or as one token (`transformer`)",
    "instances": "attention over windows (`mil_cnn`)",
    "layers": "layers that can be reached (no SavedModel)",
    "truth": "data whose evidence is known",
    "truth_frequency": "data whose evidence is known in frequency (`synthetic_frequencies`, `synthetic_bearing`)",
    "training": "a model that is trained here (`epochs` above 0)",
    "labels": "data with labels",
    "split": "data that are divided (`split` is not `none`)",
}


def with_implied(features: Iterable[str]) -> tuple[str, ...]:
    """Return the features, and those that follow from them: LRP has a rule wherever DeepLIFT has one."""
    listed = tuple(features)
    return (*listed, "relevance_rule") if "rescale_rule" in listed and "relevance_rule" not in listed else listed
