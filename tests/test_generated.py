"""The generated files are those that `celosia.spec` makes now."""

import pytest
from scripts.gen import files


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_is_up_to_date(path):
    assert path.read_text() == files()[path], "run: make gen"
