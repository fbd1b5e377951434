"""What the checks found, as the report says it beside each map."""

import pandas as pd
import pytest

from pellucid import tables
from pellucid.compare.failed_checks import failures
from pellucid.errors import InputError

COLUMNS = ["explanation", "check", "value", "sign", "limit", "passed"]
ROWS = [
    ("occlusion", "sanity", 0.834, ">", 0.5, False),
    ("occlusion", "coverage", 0.5, "<", 1.0, False),
    ("occlusion", "batch", 0.0, ">", 0.001, True),
    ("saliency.mode=signed", "sanity", 0.1, ">", 0.5, True),
]


def test_each_explanation_has_what_it_failed_and_one_that_passed_has_nothing(tmp_path):
    tables.write(tmp_path / "checks.csv", pd.DataFrame(ROWS, columns=COLUMNS))
    found = failures(tmp_path / "checks.csv")
    assert list(found) == ["occlusion", "saliency.mode=signed"]
    assert found["saliency.mode=signed"] == ""
    sanity, coverage = found["occlusion"].split("; ")
    assert sanity.startswith("sanity: 0.83 > 0.5 (rank correlation")
    assert coverage.startswith("coverage: 0.5 < 1 (share")


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff\xfe",
        b"explanation,check\nocclusion,sanity\n",
        b"explanation,check,value,sign,limit,passed\nocclusion,sanity,0.8,>,0.5\n",
        b"explanation,check,value,sign,limit,passed\nocclusion,sanity,much,>,0.5,False\n",
        b"explanation,check,value,sign,limit,passed\nocclusion,luck,0.8,>,0.5,False\n",
        b"explanation,check,value,sign,limit,passed\nocclusion,sanity,0.8,>,0.5,maybe\n",
    ],
)
def test_a_damaged_table_is_refused(tmp_path, content):
    (tmp_path / "checks.csv").write_bytes(content)
    with pytest.raises(InputError, match="checks.csv"):
        failures(tmp_path / "checks.csv")
