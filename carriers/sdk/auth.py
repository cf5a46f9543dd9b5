"""How carriers let one in: the schemes, the names of their credentials, and where those go.

Owns the description of a scheme and the placing of secrets into a call. The fetching of tokens is the
tracker's; nothing here is sent or logged.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from json import dumps
from typing import ClassVar, Literal
from urllib.parse import quote
from xml.sax.saxutils import escape

from pydantic import BaseModel, ConfigDict, SecretStr, create_model

from carriers.sdk.exchange import Call


class Credentials(BaseModel):
    """Secrets of one account; the fields bear the names the carrier's own portal uses."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def secret(self, name: str) -> str:
        """The value of one field, in clear: for the request that needs it, and for nothing else."""
        value: SecretStr = getattr(self, name)
        return value.get_secret_value()


@dataclass(frozen=True, slots=True)
class OAuth2:
    """A grant of client credentials, of a refresh token or of a user's password.

    The token is sent as `Authorization: Bearer`.
    """

    token_path: str
    """Relative to the base URL, or absolute."""
    id_field: str = "client_id"
    secret_field: str = "client_secret"  # noqa: S105 - the name of a field
    sends: Literal["form", "json", "basic"] = "form"
    """How id and secret travel: form fields, JSON fields, or HTTP Basic with the grant as a form."""
    scope: str = ""
    audience: str = ""
    refresh_field: str = ""
    """Name of the refresh token among the credentials, where the carrier grants by one."""
    user_field: str = ""
    password_field: str = ""
    """Names of a user and its password among the credentials, where the carrier grants by those."""
    header: str = "Authorization"
    """Another header that takes the bare token, without `Bearer`."""
    in_request: tuple[str, ...] = ()
    """Further credentials, which calls have `{{field}}` for, as with `InRequest`."""

    name: ClassVar[str] = "oauth2"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the credentials, as config.yaml has them."""
        named = (self.id_field, self.secret_field, self.refresh_field, self.user_field, self.password_field)
        return (*(field for field in named if field), *self.in_request)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header of every request."""

    header: str
    key_field: str = "api_key"

    name: ClassVar[str] = "api_key"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the credentials, as config.yaml has them."""
        return (self.key_field,)


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic. `password_field` '': the user alone is the secret."""

    user_field: str = "username"
    password_field: str = "password"  # noqa: S105 - the name of a field

    name: ClassVar[str] = "basic"

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the credentials, as config.yaml has them."""
        return tuple(field for field in (self.user_field, self.password_field) if field)


@dataclass(frozen=True, slots=True)
class InRequest:
    """Credentials that stand inside the request: a call has `{{field}}` in its path, query, headers or body
    where the secret goes, and whoever sends it puts it there (`placed`). A header `Basic {{user}}:{{password}}` is
    encoded as HTTP Basic wants it, for carriers that want more beside it."""

    fields: tuple[str, ...]

    name: ClassVar[str] = "in_request"


@dataclass(frozen=True, slots=True)
class Login:
    """A call of its own that trades credentials for a token, for carriers with neither OAuth nor keys.

    `call` has `{{field}}` for the credentials; the tracking calls have `{{token}}` where its token goes.
    """

    call: Call
    fields: tuple[str, ...]
    token: str
    """Name of the field or XML element of the answer that holds the token."""
    hours: float
    """How long a token lives."""
    refused: str = ""
    """A word of an answer that says the token is no longer good, where the HTTP status is not 401."""

    name: ClassVar[str] = "login"


@dataclass(frozen=True, slots=True)
class NoAuth:
    """Nothing: the carrier answers anybody who asks."""

    name: ClassVar[str] = "none"
    fields: ClassVar[tuple[str, ...]] = ()


Auth = OAuth2 | ApiKey | Basic | InRequest | Login | NoAuth


def credentials_model(auth: Auth) -> type[Credentials]:
    """The pydantic model that config.yaml's credentials of such a carrier are checked with."""
    fields: dict[str, tuple[type[SecretStr], object]] = dict.fromkeys(auth.fields, (SecretStr, ...))
    return create_model(f"{type(auth).__name__}Credentials", __base__=Credentials, **fields)  # type: ignore[call-overload, no-any-return]


def placed(call: Call, secrets: Mapping[str, str]) -> Call:
    """The call with each `{{name}}` replaced by that secret, escaped as its place demands."""
    if not secrets:
        return call

    def fill(text: str, escaped: Callable[[str], str] = str) -> str:
        return _PLACEHOLDER.sub(lambda found: escaped(secrets.get(found[1], found[0])), text)

    body = call.body
    if body is not None and b"{{" in body:
        form = body.lstrip()[:1]
        escaping = _in_xml if form == b"<" else _in_json if form in (b"{", b"[") else _in_url
        body = fill(body.decode(), escaping).encode()
    return replace(
        call,
        path=fill(call.path, _in_url),
        query={
            name: fill(value, _in_xml if value.startswith("<") else str)
            if isinstance(value, str)
            else tuple(map(fill, value))
            for name, value in call.query.items()
        },
        headers={name: _header(value, fill(value)) for name, value in call.headers.items()},
        body=body,
    )


_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def _header(template: str, filled: str) -> str:
    if not template.startswith("Basic {{"):
        return filled
    return f"Basic {b64encode(filled.removeprefix('Basic ').encode()).decode()}"


def _in_xml(secret: str) -> str:
    return escape(secret, {'"': "&quot;"})


def _in_json(secret: str) -> str:
    return dumps(secret)[1:-1]


def _in_url(secret: str) -> str:
    return quote(secret, safe="")
