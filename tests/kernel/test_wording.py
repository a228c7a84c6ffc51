from __future__ import annotations

import pytest

from charafy.kernel.wording import counted


@pytest.mark.parametrize(
    ("number", "says"),
    [(0, "0 credits"), (1, "1 credit"), (2, "2 credits"), (2_000, "2,000 credits")],
)
def test_one_is_the_only_number_without_a_plural(number: int, says: str) -> None:
    assert counted(number, "credit") == says
