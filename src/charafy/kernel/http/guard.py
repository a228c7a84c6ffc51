"""The guard in front of every route of the API: who is asking, may they, and how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from charafy.kernel.errors import Forbidden, Unauthorized
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.limits import Limiter, address_of
from charafy.kernel.settings import Settings

Authenticate = Callable[[str], Caller]
"""An API key -> its caller; raises `Unauthorized` or `Forbidden`."""


class Guard:
    """Makes FastAPI dependencies: `caller: Annotated[Caller, Depends(guard("credits:read"))]`."""

    def __init__(
        self,
        authenticate: Authenticate,
        limiter: Limiter,
        settings: Settings,
        *,
        remembers: Callable[[str], bool] = lambda _key: False,
    ) -> None:
        """`remembers` tells that `authenticate` knows a key without asking anybody.

        Then it runs on the event loop, if the limiter asks nobody either: a trip to a worker
        thread would cost more than all of it.
        """
        self._authenticate = authenticate
        self._limiter = limiter
        self._settings = settings
        self._remembers = remembers

    def __call__(self, scope: str) -> Callable[[Request], Awaitable[Caller]]:
        async def admit(request: Request) -> Caller:
            key = api_key(request)
            if key is not None and self._limiter.is_quick and self._remembers(key):
                caller = self._admit(request, scope)
            else:
                caller = await run_in_threadpool(self._admit, request, scope)
            if scope not in caller.scopes:
                raise Forbidden(
                    f"This API key may not do that: it lacks the scope {scope}.",
                    code="missing_scope",
                )
            return caller

        return admit

    def _admit(self, request: Request, scope: str) -> Caller:
        caller = self._identify(request)
        # Reads go on while nobody can count for all processes, and so does what takes away
        # (revoking a key, ending a conversation) or what the operator does (suspending).
        opens = scope.endswith(":read") or request.method == "DELETE" or caller.is_operator
        self._count(request, caller, opens=opens)
        return caller

    def vouch(self, request: Request) -> None:
        """Raise what a caller without a valid key is told: for what comes before the routes."""
        self._identify(request)

    def _identify(self, request: Request) -> Caller:
        key = api_key(request)
        try:
            if key is None:
                raise Unauthorized("Send your API key in the x-api-key header.")
            return self._authenticate(key)
        except Unauthorized:
            # Guessing keys is limited by address; a valid key is never slowed by it.
            self.limit_address(request)
            raise

    def limit_address(self, request: Request, policy: str = "address") -> None:
        """Count a request that nobody vouches for; raises `TooManyRequests`."""
        # Nobody guesses a key or a token, however often: who has a wrong one is to be told so.
        allowance = self._limiter.require(
            policy, address_of(request), self._settings.requests_per_minute_by_address, opens=True
        )
        request.scope["state"]["extra_headers"].update(allowance.headers())

    def limit_account(self, caller: Caller, policy: str, per_minute: int) -> None:
        """Count something rarer than requests; raises `TooManyRequests`, `Unavailable`."""
        self._limiter.require(policy, caller.account_id, per_minute)

    def _count(self, request: Request, caller: Caller, *, opens: bool) -> None:
        plan = self._settings.plan(caller.plan)
        quota = plan.test_requests_per_minute if caller.is_test else plan.requests_per_minute
        allowance = self._limiter.require("account", caller.limit_key, quota, opens=opens)
        request.scope["state"]["extra_headers"].update(allowance.headers())


def api_key(request: Request) -> str | None:
    """The key from `x-api-key`, or from `Authorization: Bearer` as OpenAI's clients send it."""
    if key := request.headers.get("x-api-key"):
        return key.strip()
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None
