"""The settings of a variant in words: what has no effect beside the others is left out."""

import pytest

from pellucid.api import settings
from pellucid.config.variants import in_words


@pytest.mark.parametrize(
    ("method", "written", "said", "unsaid"),
    [
        ("lime", {}, ["segments auto", "partition grid"], ["compactness", "window", "bands", "domain"]),
        ("lime", {"partition": "superpixels"}, ["compactness 0.1", "segments auto"], ["window"]),
        ("lime", {"partition": "change_points"}, ["segments auto"], ["compactness", "window"]),
        ("sobol", {"partition": "windows"}, ["partition windows", "window 15"], ["segments", "compactness"]),
        ("occlusion", {"domain": "bands"}, ["window auto", "domain bands", "bands 8"], ["frame"]),
    ],
)
def test_a_title_lists_what_has_an_effect(method, written, said, unsaid):
    words = in_words(settings.completed("explain", method, written, None)).split(", ")
    assert set(said) <= set(words)
    assert not {name for name in unsaid if any(text.startswith(f"{name} ") for text in words)}
