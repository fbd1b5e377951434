"""The links to figures of whole classes, and what the summary says of flagged groups of maps."""

import json
import re

from pellucid.page import whole_classes
from tests.support import written_pages


def group(name="normal", number=1, flags=()):
    return {"class": name, "number": number, "examples": 20, "flags": list(flags)}


def written(folder, groups):
    """The file of one explanation."""
    folder.mkdir(exist_ok=True)
    path = folder / "groups.json"
    path.write_text(json.dumps({"groups": groups}))
    return path


def test_a_page_links_the_figures_of_each_explanation_beside_it_and_names_flags(tmp_path, rng):
    flag = "follows the recording or patient: <b>r1</b> (20 of 20)"
    flags = {
        "saliency": written(tmp_path, [group(), group(number=2, flags=[flag])]),
        "occlusion.window=2": written(tmp_path / "other", [group()]),
    }
    made = written_pages.write(tmp_path, rng, flags=flags)
    links = re.findall(r'href="(summaries/[^"]+)"', made.html)
    assert links == [
        *(f"summaries/saliency/{name}.png" for name in ("class_maps", "importance", "groups")),
        *(f"summaries/occlusion.window%3D2/{name}.png" for name in ("class_maps", "importance", "groups")),
    ]
    assert '<a href="#classes">' in made.html
    assert "<b>r1" not in made.html
    assert "class normal, group 2 (20 examples) follows the recording or patient" in made.html
    sections = json.loads((tmp_path / "summary.json").read_text())["sections"]
    (told,) = [section for section in sections if section["heading"] == "Does a class rest on a shortcut?"]
    assert told["mood"] == "doubtful"
    assert told["sentences"][0].startswith("Look at the examples of saliency: ")


def test_without_whole_classes_the_page_does_not_speak_of_them(tmp_path, rng):
    made = written_pages.write(tmp_path, rng)
    assert "Whole classes" not in made.html
    assert "shortcut" not in made.text


def test_no_flag_is_no_proof_and_of_many_flags_the_first_are_told(tmp_path):
    none = whole_classes.read({"saliency": written(tmp_path, [group()])})
    (section,) = whole_classes.section(none)
    assert section.mood == "" and "This is no proof" in section.sentences[0]
    many = whole_classes.read({"saliency": written(tmp_path, [group(flags=[f"flag {place}" for place in range(5)])])})
    (section,) = whole_classes.section(many)
    assert "flag 2; and 2 more." in section.sentences[1]
    assert "flag 4" in whole_classes.in_html(many)
