"""The words and the limits of the checks that every argument goes through."""

import numpy as np
import pytest

from gdcore import _checks


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, ""),
        ({"low": 0}, " of at least 0"),
        ({"high": 1}, " of at most 1"),
        ({"low": 0, "high": 1}, " between 0 and 1"),
        ({"above": 0}, " greater than 0"),
        ({"above": 0, "high": 1}, " greater than 0 and at most 1"),
        ({"low": 0, "below": 1}, " of at least 0 and less than 1"),
        ({"below": 2}, " less than 2"),
        ({"above": 0, "below": 1}, " greater than 0 and less than 1"),
    ],
)
def test_ranges(limits, words):
    for value in ("0.5", True, np.True_, None, np.nan, -np.inf, 10**400, -(10**5000)):
        with pytest.raises(ValueError, match=rf"^rate=.* is not a finite number{words}$") as caught:
            _checks.number("rate", value, **limits)
        assert isinstance(caught.value, TypeError) == (value is None or isinstance(value, str | bool | np.bool_))
    for end, value in limits.items():
        if end in ("low", "high"):
            assert _checks.number("rate", value, **limits) == value
        else:
            with pytest.raises(ValueError, match=rf"^rate={value} is not"):
                _checks.number("rate", value, **limits)
    assert type(_checks.number("rate", np.float32(0.5), **limits)) is float


def test_integers_are_those_of_64_bits():
    assert _checks.integer("k", -(2**63)) == -(2**63)
    assert type(_checks.integer("k", np.int8(3), 3, 3)) is int
    for value, words in (
        (-(2**63) - 1, "k=-9223372036854775809 is not an integer of at least -9223372036854775808"),
        (-(10**5000), "k=a whole number of 16610 bits is not an integer of at least -9223372036854775808"),
        (2**63, "k=9223372036854775808 is not an integer of at most 9223372036854775807"),
        ("3", "k='3' is not an integer"),
        (3.0, "k=3.0 is not an integer"),
        (True, "k=True is not an integer"),
    ):
        with pytest.raises(ValueError, match=f"^{words}$"):
            _checks.integer("k", value)
