"""Who is looking at a page: the session's cookie, the forms' tokens, and what an error looks like.

Every form carries a token that only our own pages know. For someone signed in it belongs to the
session; for a stranger it is derived from a cookie that the page with the form has set.
"""

import hmac
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import SESSION_DAYS, Account, Sessions
from charafy.dashboard.way_back import BACK_COOKIE, BACK_S, wanted, way_back
from charafy.dashboard.words import explain
from charafy.kernel.errors import CharafyError, Forbidden
from charafy.kernel.http.limits import Limiter, address_of
from charafy.kernel.ids import new_id
from charafy.kernel.observe import describe
from charafy.kernel.settings import Settings
from charafy.web.pages import Pages, language_of

log = structlog.get_logger("charafy.dashboard")

SESSION_COOKIE = "charafy_session"
FORM_COOKIE = "charafy_form"
SESSION_S = SESSION_DAYS * 86_400


class SeeOther(Exception):
    """Go to another page of ours instead."""

    def __init__(self, path: str, back: str | None = None) -> None:
        """`back`: the page to come back to after a sign-in."""
        super().__init__(path)
        self.path = path
        self.back = back


@dataclass(frozen=True, slots=True)
class Visitor:
    """Someone at a page; `account` is None for a stranger."""

    account: Account | None
    csrf_token: str
    session_token: str | None = None
    new_form_cookie: str | None = None

    @property
    def member(self) -> Account:
        """The account of someone whom a dependency has already found to be signed in."""
        if self.account is None:
            raise SeeOther("/sign-in")
        return self.account


Token = Annotated[str, Form(alias="csrf_token", max_length=100)]


class Door:
    """Makes visitors of requests and answers of templates. Thread-safe."""

    def __init__(
        self,
        pages: Pages,
        sessions: Sessions,
        limiter: Limiter,
        settings: Settings,
        secret: bytes,
        *,
        purse: Callable[[str], int],
    ) -> None:
        """`purse`: an account's id -> the credits that it can spend."""
        self._pages = pages
        self._sessions = sessions
        self._limiter = limiter
        self._purse = purse
        self._https = settings.base_url.startswith("https://")
        self._form_key = hmac.digest(secret, b"charafy form", "sha256")

    def visitor(self, request: Request) -> Visitor:
        """Anyone."""
        token = request.cookies.get(SESSION_COOKIE)
        if token and (signed_in := self._sessions.find(token)):
            return Visitor(signed_in.account, signed_in.csrf, token)
        known = request.cookies.get(FORM_COOKIE)
        cookie = known if known and len(known) < 100 else secrets.token_urlsafe(16)
        form_token = hmac.digest(self._form_key, cookie.encode(), "sha256").hex()
        return Visitor(None, form_token, None, None if cookie == known else cookie)

    def sender(self, request: Request, token: Token = "") -> Visitor:
        """Anyone who sends a form of ours. Raises `Forbidden` for a form from elsewhere."""
        return _from_our_form(self.visitor(request), token)

    def member(self, request: Request) -> Visitor:
        """Someone signed in; others see the sign-in page."""
        visitor = self.visitor(request)
        if visitor.account is None:
            raise SeeOther("/sign-in", wanted(request))
        return visitor

    def member_sender(self, request: Request, token: Token = "") -> Visitor:
        """Someone signed in who sends a form of ours."""
        return _from_our_form(self.member(request), token)

    def operator(self, request: Request) -> Visitor:
        """The owner. Raises `Forbidden` for other members."""
        visitor = self.member(request)
        if not visitor.member.is_owner:
            raise Forbidden("Only the operator of this server may do that.", code="operator_only")
        return visitor

    def operator_sender(self, request: Request, token: Token = "") -> Visitor:
        """The owner, sending a form of ours."""
        return _from_our_form(self.operator(request), token)

    def limit(self, request: Request, policy: str, per_minute: int, *more: str) -> None:
        """Count by address, and by each of `more`. Raises `TooManyRequests`."""
        self._limiter.require(policy, f"address {address_of(request)}", per_minute)
        for key in more:  # as addresses are compared: spaces around one don't make it another
            self._limiter.require(policy, key.strip()[:320].lower(), per_minute)

    def page(
        self, request: Request, visitor: Visitor, template: str, status: int = 200, /, **more: Any
    ) -> Response:
        """A page of the dashboard for this visitor."""
        response = self._pages.render(
            request,
            f"dashboard/{template}.html",
            status,
            account=visitor.account,
            csrf_token=visitor.csrf_token,
            form_number=new_id(),
            purse=lambda: self._purse(visitor.member.account_id),
            **more,
        )
        if visitor.new_form_cookie:
            self._set_cookie(response, FORM_COOKIE, visitor.new_form_cookie, None)
        return response

    def words(self, request: Request, error: CharafyError) -> str:
        """What went wrong, in the reader's language."""
        return explain(error, self._pages.translate(language_of(request)))

    def failure(self, request: Request, error: CharafyError) -> Response:
        """A page that says what went wrong."""
        visitor = self.visitor(request)
        said = self.words(request, error)
        response = self.page(request, visitor, "failure", error.status, said=said)
        response.headers.update(error.headers)
        return response

    def enter(self, request: Request, account: Account) -> Response:
        """Begin a session, ending the one before in this browser.

        Leads to the page that was wanted before, or else to the first.
        """
        if old := request.cookies.get(SESSION_COOKIE):
            self._sessions.end(old[:100])
        session = self._sessions.begin(account.account_id)
        response = RedirectResponse(way_back(request) or "/dashboard", 303)
        if BACK_COOKIE in request.cookies:
            response.delete_cookie(BACK_COOKIE)
        self._set_cookie(response, SESSION_COOKIE, session.token, SESSION_S)
        return response

    def elsewhere(self, other: SeeOther) -> Response:
        """Lead there, and remember the way back."""
        response = RedirectResponse(other.path, 303)
        if other.back:
            self._set_cookie(response, BACK_COOKIE, other.back, BACK_S)
        return response

    def leave(self, visitor: Visitor) -> Response:
        """End the session."""
        if visitor.session_token:
            self._sessions.end(visitor.session_token)
        response = RedirectResponse("/", 303)
        response.delete_cookie(SESSION_COOKIE)
        return response

    def _set_cookie(self, response: Response, name: str, value: str, max_age_s: int | None) -> None:
        response.set_cookie(
            name, value, max_age=max_age_s, httponly=True, samesite="lax", secure=self._https
        )

    def route_class(self) -> type[APIRoute]:
        """Routes whose errors are pages, not JSON."""
        door = self

        class PageRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def handle_or_explain(request: Request) -> Response:
                    try:
                        return await handle(request)
                    except SeeOther as other:
                        return door.elsewhere(other)
                    except CharafyError as error:
                        return await run_in_threadpool(door.failure, request, error)
                    except (HTTPException, RequestValidationError):
                        raise  # a request that can't be read: answered as everywhere
                    except Exception as error:  # noqa: BLE001 - whatever broke, people see a page
                        log.error("request_failed", **describe(error))
                        broken = CharafyError("Something went wrong on our end.")
                        return await run_in_threadpool(door.failure, request, broken)

                return handle_or_explain

        return PageRoute


def _from_our_form(visitor: Visitor, token: str) -> Visitor:
    if not hmac.compare_digest(visitor.csrf_token.encode(), token.encode()):
        raise Forbidden("This form is out of date: load the page again.", code="form_expired")
    return visitor
