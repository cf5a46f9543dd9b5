"""What can go wrong with a carrier's answer.

    CarrierError
    ├── NumberError             about one number; the others of the batch are fine
    │   ├── NotFound            the carrier does not know it (yet): a state with its own patience
    │   ├── InvalidNumber       the carrier says it can never be one of its numbers
    │   └── AmbiguousShipment   several shipments under the number, none likelier than the other
    ├── AccountError            about the account; every number must wait, none is at fault
    │   ├── AuthFailed          credentials refused, expired or lacking a permission
    │   ├── RateLimited         over the quota; retry_after says until when, if the carrier told
    │   └── Unavailable         outage, time-out, 5xx
    └── BadPayload              unreadable: HTML, truncated, not the documented shape

Messages never hold a secret or a customer's data: they go to logs and to the database.
"""


class CarrierError(Exception):
    """Base of everything a carrier's parser may raise or report."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """`retry_after`: seconds until the carrier wants to be asked again, where it said so."""
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class NumberError(CarrierError):
    """About one tracking number."""


class NotFound(NumberError):
    """The carrier does not know the number, perhaps not yet."""


class InvalidNumber(NumberError):
    """The carrier refuses the number's form."""


class AmbiguousShipment(NumberError):
    """Several shipments fit the number equally well."""


class AccountError(CarrierError):
    """About the account or the carrier as a whole."""


class AuthFailed(AccountError):
    """Credentials refused, expired or lacking a permission."""


class RateLimited(AccountError):
    """Over the carrier's rate or quota."""


class Unavailable(AccountError):
    """The carrier is down, slow or unreachable."""


class BadPayload(CarrierError):
    """The answer is not what the carrier documents."""
