"""Generated inputs are read or plainly refused."""

import pytest

from tests.fuzz.run import run
from tests.fuzz.topics import SHARES


@pytest.mark.parametrize("name", SHARES)
def test_some_inputs_are_read_or_plainly_refused(name):
    found = run(name, 300)
    # Both happen: a topic of which all is refused for one reason would test nothing.
    assert any(one.message for one in found)
    assert any(not one.message for one in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARES)
def test_many_inputs_are_read_or_plainly_refused(name):
    assert run(name, 5000)
