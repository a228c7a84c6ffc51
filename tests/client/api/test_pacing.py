"""How long is waited before a request is tried again, whatever happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from charafy.client import ApiError, CharafyError, ConnectionFailed, RateLimited, ServerError
from charafy.client.api.errors import seconds_of
from tests.client.api.lines import Wall

CHANCE = st.floats(0, 1, exclude_max=True)
ASKED = st.none() | st.floats(0, 10_000)


def answers() -> st.SearchStrategy[CharafyError]:
    return st.one_of(
        st.builds(lambda: ConnectionFailed("cut")),
        st.builds(
            lambda asked: RateLimited(
                "slower", status=429, code="rate_limited", retry_after_s=asked
            ),
            ASKED,
        ),
        st.builds(
            lambda asked: ServerError("oh", status=503, code="busy", retry_after_s=asked), ASKED
        ),
        st.builds(lambda: ApiError("no", status=404, code="not_found")),
    )


@given(st.lists(answers(), max_size=8), CHANCE, st.integers(0, 5), st.booleans())
def test_tries_and_waits_are_bounded_and_no_pause_is_shorter_than_asked(
    failures: list[CharafyError], chance: float, max_retries: int, safe: bool
) -> None:
    wall = Wall()
    left = list(failures)
    tries: list[CharafyError | None] = []

    def work() -> str:
        tries.append(left.pop(0) if left else None)
        if (failure := tries[-1]) is not None:
            raise failure
        return "done"

    try:
        done = wall.pacing(chance, max_retries).persist(work, safe=safe, busy_s=10)
        assert (done, tries[-1]) == ("done", None)
    except CharafyError as error:
        assert error is tries[-1]
    assert len(tries) <= max_retries + 1 and len(wall.slept) == len(tries) - 1
    for n, (failure, pause) in enumerate(zip(tries, wall.slept, strict=False)):
        asked = getattr(failure, "retry_after_s", None)
        doubled = min(0.5 * 2**n, 8)
        shortest, longest = (0.75 * doubled, doubled) if asked is None else (asked, asked)
        assert shortest <= pause <= longest <= 60
        assert safe or isinstance(failure, RateLimited), "what may have been done is not repeated"


@given(st.text(max_size=40))
def test_any_retry_after_is_a_number_of_seconds_or_none(text: str) -> None:
    seconds = seconds_of(text, now=1_000.0)
    assert seconds is None or seconds >= 0


def test_retry_after_as_servers_and_proxies_write_it() -> None:
    assert seconds_of("7", now=0) == 7
    assert seconds_of("Thu, 01 Jan 1970 00:00:30 GMT", now=10) == 20
    assert seconds_of("Thu, 01 Jan 1970 00:00:30 GMT", now=99) == 0
    assert [seconds_of(t, now=0) for t in (None, "", "-3", "soon", "1.5", "9" * 400)] == [None] * 6
