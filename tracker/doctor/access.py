"""Who gets in, and what must not get out."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection

from tracker.doctor.findings import Case, Finding, note, ok, span, wrong
from tracker.store import tokens
from tracker.telemetry import SHORT
from tracker.web.security import is_loopback

#: A token that ends so soon is pointed out.
SOON = timedelta(days=14)


def secrets(case: Case) -> Iterator[Finding]:
    """Secrets too short to be kept out of logs for certain."""
    orders = case.settings.orders
    given = {"orders.token": orders.token, "orders.client_secret": orders.client_secret}
    for code, accounts in case.settings.carriers.items():
        for account in accounts:
            name = f"carriers.{code}" + (f" ({account.account})" if account.account else "")
            given |= {f"{name}.credentials.{field}": value for field, value in account.credentials.items()}
    for name, value in given.items():
        if 0 < len(value.get_secret_value()) < SHORT:
            yield note(
                name,
                f"shorter than {SHORT} characters: a placeholder? So short a secret is kept out of logs only where it"
                " stands alone",
                "check it in the carrier's portal",
            )


def web(db: Connection, case: Case) -> Iterator[Finding]:
    """Whether the page and the API are open to whom they should be."""
    settings, now = case.settings.web, case.now
    if not settings.enabled:
        return
    there = tokens.listed(db)
    good = [token for token in there if not token.is_expired(now)]
    add = "`tracker token add NAME --role read|write`"
    if not there:
        if not is_loopback(settings.host):
            what = f"on {settings.host} others can reach it, so nothing is served until there is a token"
            yield wrong("web", what, f"{add}, or set web.host to 127.0.0.1")
        elif settings.names:
            what = f"under {', '.join(settings.names)} nothing is served until there is a token"
            yield wrong("web", what, add)
        else:
            yield ok("web", f"open to everybody on this machine, and to nobody else, on port {settings.port}")
        return
    if not good:
        yield wrong("web", "every token has expired, so nobody gets in", f"{add}; `tracker token revoke` the old ones")
    else:
        yield ok("web", f"on {settings.host}, port {settings.port}, for whoever has one of {len(good)} tokens")
    for token in good:
        if token.expires_at is not None and token.expires_at - now < SOON:
            what = f"token {token.name!r} expires in {span(token.expires_at - now)}"
            yield note("web", what, f"{add}, under another name")
