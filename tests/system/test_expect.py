# SPDX-License-Identifier: MIT
"""What the book says that is printed is what is printed: every tests/expect/*.expect."""

import pytest

import expect


@pytest.mark.parametrize("name", expect.names())
def test_output(name):
    difference, output = expect.run(name)
    assert difference is None, f"{difference}\n{output}"
