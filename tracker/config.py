"""config.yaml and the environment -> Settings, checked before anything starts.

Owns the shape of the configuration and what is expected where; the file with its lines and variables is
`tracker.config_file`'s. A secret is a SecretStr. Knows the carriers' Infos, no database and no network.
"""

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from carriers.sdk.auth import Credentials, credentials_model
from carriers.sdk.carrier import Carrier, CarrierOptions, Quota
from carriers.sdk.codes import MEANINGS, Meaning, normalise
from carriers.sdk.registry import Registered, known_carriers
from carriers.sdk.status import CARRIER_STATUSES, ENDED, FulfillmentStatus
from tracker.cadence import Cadence
from tracker.config_file import BadConfig, ConfigFile
from tracker.durations import Duration
from tracker.routing import ANY, Route, Routes
from tracker.timeline import RollUp


class Section(BaseModel):
    """A part of config.yaml: unknown keys are errors, values never appear in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _url(value: str) -> str:
    HttpUrl(value)
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(_url)]


class OrderProtection(Section):
    """Where status changes go."""

    url: Url = Field("https://api.production.orderprotection.com", description="Base URL of the API.")
    token: SecretStr = Field(SecretStr(""), description="Static bearer token.")
    client_id: str = Field("", description="Client credentials, the other way to a token.")
    client_secret: SecretStr = Field(SecretStr(""), description="Goes with client_id.")
    store_id: str = Field("", description="Goes with client_id.")
    timeout: Duration = Field(timedelta(seconds=30), description="How long one push may take.")
    connections: int = Field(4, ge=1, le=32, description="Pushes under way at once.")
    reconcile: Duration = Field(
        timedelta(days=7),
        description="How often what is held there of an open or just ended fulfillment is compared with ours;"
        " 0s: never.",
    )

    @property
    def configured(self) -> bool:
        """Whether there is a way to authenticate; without one, pushes wait in the outbox."""
        return bool(self.token.get_secret_value() or (self.client_id and self.client_secret.get_secret_value()))

    @model_validator(mode="after")
    def _one_way_in(self) -> "OrderProtection":
        if self.token.get_secret_value() and self.client_id:
            raise ValueError("set either token or client_id with client_secret, not both")
        if bool(self.client_id) != bool(self.client_secret.get_secret_value()):
            raise ValueError("client_id and client_secret go together")
        return self


class QuotaSettings(Section):
    """Limits of one account; what is left out is the carrier's documented default."""

    per_second: float | None = Field(None, gt=0, description="Calls a second; 0.2 is one in five seconds.")
    per_hour: int | None = Field(None, gt=0, description="Calls in any hour.")
    per_day: int | None = Field(None, gt=0, description="Calls in any 24 hours.")
    fixed: bool | None = Field(
        None, description="true: the carrier's hours and days begin on the clock, in UTC, and count anew then."
    )


class CarrierAccount(Section):
    """One account with one carrier."""

    account: str = Field("", description="Name of the account where a carrier has several.", pattern=r"^[a-z0-9_-]*$")
    enabled: bool = Field(True, description="false: keep the settings, don't poll.")
    credentials: dict[str, SecretStr] = Field(
        default_factory=dict, description="By the names the carrier's portal uses; `tracker carriers` lists them."
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="What the carrier proves its own deliveries with; `tracker hooks` says where it is."
    )
    environment: Literal["production", "sandbox"] = Field("production", description="Which of the carrier's hosts.")
    base_url: Url | None = Field(None, description="Another host, a proxy or a test server.")
    quota: QuotaSettings = Field(QuotaSettings(), description="What your contract allows, if not the default.")
    batch: int | None = Field(None, ge=1, description="Fewer numbers a call than the carrier allows.")
    connections: int = Field(5, ge=1, le=16, description="Calls under way at once.")
    timeout: Duration = Field(timedelta(seconds=30), description="How long one call may take.")
    options: dict[str, Any] = Field(default_factory=dict, description="The carrier's own options.")


class Polling(Cadence):
    """How often parcels are asked about, and what is made of the answers."""

    aggregate: RollUp = Field(RollUp.ATTENTION, description="How parcels make up a fulfillment's status.")
    reuse_margin: Duration = Field(
        timedelta(days=30), description="Events older than the fulfillment by more belong to another parcel."
    )
    elsewhere: Duration = Field(
        timedelta(days=1),
        description="Unknown for so long, a number is tried at its next source, and at carriers its form speaks for.",
    )
    fall_back: Duration = Field(
        timedelta(hours=2), description="An account silent for so long leaves its parcels to their next source."
    )
    hooked: Duration = Field(
        timedelta(hours=12),
        description="A parcel is not asked about so long after its carrier delivered news of it; 0s: as if it had not.",
    )
    tick: float = Field(1.0, gt=0, le=60, description="Seconds between looks for due parcels and pushes.")


def _webhook_url(value: str) -> str:
    url = HttpUrl(value)
    if url.username or url.password:
        raise ValueError("leave name and password out of the URL: the signature proves who sends")
    return value


def _statuses(value: object) -> object:
    return [FulfillmentStatus.read(word) for word in value] if isinstance(value, list | tuple) else value


class Webhook(Section):
    """Somebody who is told of status changes, by Standard Webhooks."""

    name: str = Field(description="What it is called here.", pattern=r"^[a-z0-9_-]+$")
    url: Annotated[str, AfterValidator(_webhook_url)] = Field(description="Where messages are sent by POST.")
    secret: SecretStr = Field(description="`whsec_` and 24 to 64 bytes in base64; `tracker hooks secret` makes one.")
    statuses: Annotated[tuple[FulfillmentStatus, ...], BeforeValidator(_statuses)] = Field(
        (), description="Only changes to these."
    )
    final: bool = Field(False, description="Only changes to DELIVERED, PICKED_UP and FAILURE.")
    carriers: tuple[str, ...] = Field((), description="Only fulfillments with a parcel of these carriers.")
    paused: bool = Field(False, description="true: messages wait until it is false again.")
    timeout: Duration = Field(timedelta(seconds=15), description="How long one message may take.")

    @property
    def wanted(self) -> tuple[FulfillmentStatus, ...]:
        """The statuses it is told of; empty = all."""
        return tuple(sorted(ENDED)) if self.final else self.statuses

    @property
    def key(self) -> bytes:
        """The secret as messages are signed with it."""
        return _signing_key(self.secret.get_secret_value())

    @field_validator("secret")
    @classmethod
    def _secret_is_one(cls, secret: SecretStr) -> SecretStr:
        _signing_key(secret.get_secret_value())
        return secret

    @field_validator("carriers")
    @classmethod
    def _carriers_are_known(cls, carriers: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [code for code in carriers if code not in known_carriers()]:
            raise ValueError(f"unknown carrier {', '.join(unknown)}; known: {', '.join(known_carriers())}")
        return carriers

    @model_validator(mode="after")
    def _one_choice(self) -> "Webhook":
        if self.final and self.statuses:
            raise ValueError("set either final or statuses, not both")
        return self


def _signing_key(secret: str) -> bytes:
    """The bytes of a `whsec_` secret. Raises ValueError."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("expected `whsec_` and 24 to 64 bytes in base64; `tracker hooks secret` makes one")
    return key


class FrontDoor(StrEnum):
    """What becomes of a merchant's call while Order Protection is down."""

    REFUSE = "refuse"
    QUEUE = "queue"


class Web(Section):
    """The page and the HTTP API."""

    enabled: bool = Field(True, description="Serve the page from `tracker run`.")
    host: str = Field("127.0.0.1", description="Beyond loopback nothing is served until there is a token.")
    port: int = Field(8470, ge=0, le=65535, description="0 picks a free one.")
    names: tuple[str, ...] = Field(
        (), description="Host names under which a proxy in front serves it, without ports; they need a token."
    )
    front_door: FrontDoor = Field(
        FrontDoor.REFUSE,
        description="What becomes of a merchant's call that Order Protection cannot be given: refuse or queue.",
    )


class Logging(Section):
    """Logs go to stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="This and everything graver.")
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else JSON.")


class Retention(Section):
    """What is deleted, and when."""

    ended: Duration = Field(
        timedelta(days=365), description="Parcels that ended this long ago go, with their events and history."
    )
    idle: Duration = Field(
        timedelta(days=730),
        description="Whatever else nothing was heard of for so long goes too: parcels that never ended, pushes that"
        " nobody took, orders never shipped.",
    )


class Claims(Section):
    """When a parcel counts as lost, and until when a claim can be made: what the page calls somebody for."""

    home: tuple[str, ...] = Field(
        (), description="Countries (US, CA, …) where `stalled` holds, and `stalled_abroad` elsewhere; none named: all."
    )
    stalled: Duration = Field(timedelta(days=7), description="No movement for so long: lost, at home.")
    stalled_abroad: Duration = Field(timedelta(days=14), description="No movement for so long: lost, abroad.")
    window: Duration = Field(timedelta(days=45), description="After its fulfilment a claim can be made for so long.")
    warning: Duration = Field(timedelta(days=10), description="An open parcel is pointed out so long before that ends.")


def _accounts(value: object) -> object:
    return value if isinstance(value, list) else [{} if value is None else value]


class Settings(BaseSettings):
    """All of config.yaml. Any scalar can be overridden by TRACKER_<SECTION>__<KEY> in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="TRACKER_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    database: Path = Field(Path("tracker.db"), description="The SQLite file; relative to config.yaml.")
    orders: OrderProtection = OrderProtection()
    carriers: dict[str, Annotated[list[CarrierAccount], BeforeValidator(_accounts)]] = Field(default_factory=dict)
    routes: tuple[Route, ...] = Field(
        (), description="Which parcels are asked about through which accounts; the first rule that fits counts."
    )
    mapping: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="Carrier -> code or whole text -> status, over the built-in table."
    )
    polling: Polling = Polling()
    webhooks: tuple[Webhook, ...] = Field(
        (), description="Who else is told of status changes, beside Order Protection."
    )
    web: Web = Web()
    logging: Logging = Logging()
    retention: Retention = Retention()
    claims: Claims = Claims()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings

    @field_validator("webhooks")
    @classmethod
    def _webhooks_have_names(cls, webhooks: tuple[Webhook, ...]) -> tuple[Webhook, ...]:
        names = [webhook.name for webhook in webhooks]
        if taken := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{', '.join(sorted(taken))}: taken; give each webhook its own name")
        return webhooks

    @field_validator("mapping")
    @classmethod
    def _mapping_is_sound(cls, mapping: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for carrier, rules in mapping.items():
            if carrier not in known_carriers():
                raise ValueError(f"{carrier}: unknown carrier; known: {', '.join(known_carriers())}")
            seen: dict[str, str] = {}
            for key, word in rules.items():
                where = f"{carrier}.{key}"
                if not normalise(key):
                    raise ValueError(f"{where}: an empty code or text can never match")
                if normalise(key) in seen:
                    raise ValueError(f"{where}: can never match, {seen[normalise(key)]!r} above is the same code")
                seen[normalise(key)] = key
                meaning_of(word, where)
        return mapping

    def meanings(self, carrier: str) -> Mapping[str, Meaning]:
        """The merchant's own mapping for a carrier: normalised code or text -> meaning."""
        rules = self.mapping.get(carrier, {})
        return {normalise(key): meaning_of(word, f"{carrier}.{key}") for key, word in rules.items()}


def meaning_of(word: str, where: str) -> Meaning:
    """What a word of `mapping:` stands for. Raises ValueError naming the place."""
    try:
        return MEANINGS[normalise(word).replace("-", "_")]
    except KeyError:
        pass
    try:
        status = FulfillmentStatus.read(word)
    except ValueError as error:
        raise ValueError(f"{where}: {error}, or INFORMATIONAL or RETURNING") from None
    if status not in CARRIER_STATUSES:
        raise ValueError(f"{where}: {status} is the merchant's side's word, no carrier event can set it")
    return Meaning(status)


class AccountPlan(BaseModel):
    """An account ready for use: its carrier made, its credentials checked, its limits settled."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    name: str
    code: str
    """The carrier's."""
    carrier: Carrier
    credentials: Credentials
    base_url: str
    quota: Quota
    batch: int
    connections: int
    timeout: timedelta
    hook_secret: SecretStr = SecretStr("")
    """What its carrier proves deliveries with; empty where none is configured."""


class AccountOff(BaseModel):
    """A configured account that is not polled, and what it takes to change that."""

    name: str
    code: str
    """The carrier's."""
    reason: str


def plan_accounts(settings: Settings) -> tuple[list[AccountPlan], list[AccountOff]]:
    """The accounts that can be polled, and those that can't with the reason. Raises BadConfig."""
    ready: list[AccountPlan] = []
    off: list[AccountOff] = []
    problems: list[str] = []
    names: dict[str, str] = {}
    for code, accounts in settings.carriers.items():
        registered = known_carriers().get(code)
        if registered is None:
            problems.append(f"carriers.{code}: unknown carrier; known: {', '.join(known_carriers())}")
            continue
        for index, account in enumerate(accounts):
            place = f"carriers.{code}" + (f"[{index}]" if len(accounts) > 1 else "")
            name = f"{code}/{account.account}" if account.account else code
            if name in names:
                problems.append(f"{place}.account: {name!r} is taken; give each account of a carrier its own name")
            names[name] = code
            try:
                plan = _plan(name, registered, account)
            except BadConfig as error:
                problems.append(f"{place}{error}")
                continue
            (ready if isinstance(plan, AccountPlan) else off).append(plan)  # type: ignore[arg-type]
    problems += _routes_lead_somewhere(settings.routes, names)
    if problems:
        raise BadConfig("\n".join(problems))
    return ready, off


def routes_of(settings: Settings) -> Routes:
    """The rules of `routes:` over the accounts that are polled. Raises BadConfig."""
    ready, _ = plan_accounts(settings)
    return Routes(settings.routes, {account.name: account.code for account in ready})


def _routes_lead_somewhere(routes: Sequence[Route], accounts: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the rules. `accounts`: name -> carrier of all that are configured, on or off."""
    carriers = {**accounts, **{code: code for code in accounts.values()}}
    known = known_carriers()
    for index, route in enumerate(routes):
        place = f"routes[{index}]"
        if unknown := [code for code in route.carrier if code != ANY and code not in known]:
            yield f"{place}.carrier: unknown carrier {', '.join(unknown)}; known: {', '.join(known)}"
        for source in route.through:
            if source not in carriers:
                expected = ", ".join(carriers) or "none is configured"
                yield f"{place}.through: {source!r} is no account under carriers; expected some of {expected}"
            elif not known[carriers[source]].aggregator and set(route.carrier) != {carriers[source]}:
                yield (
                    f"{place}.through: {source} tells of {carriers[source]}'s own parcels only;"
                    f" set carrier: {carriers[source]}, or go through an aggregator"
                )


def _plan(name: str, registered: Registered, account: CarrierAccount) -> AccountPlan | AccountOff:
    try:
        options: CarrierOptions = registered.options.model_validate(account.options)
    except ValidationError as error:
        raise BadConfig("; ".join(f".options.{place}: {what}" for place, what in _problems(error))) from None
    carrier = registered.create(options)
    info = carrier.info  # the options may choose among a carrier's APIs
    given = {key for key, value in account.credentials.items() if value.get_secret_value()}
    unknown = account.credentials.keys() - set(info.auth.fields)
    if unknown:
        raise BadConfig(
            f".credentials: unknown {', '.join(sorted(unknown))}; {info.name} wants {', '.join(info.auth.fields)}"
        )
    if account.batch is not None and account.batch > carrier.info.batch:
        raise BadConfig(f".batch: {account.batch} is more than {info.name} takes ({carrier.info.batch} numbers a call)")
    if account.webhook_secret.get_secret_value() and carrier.hook is None:
        raise BadConfig(f".webhook_secret: {info.name} is not known to deliver anything by itself; leave it out")
    if not account.enabled:
        return AccountOff(name=name, code=info.code, reason="switched off (enabled: false)")
    missing = [field for field in info.auth.fields if field not in given]
    missing += [f"options.{name}" for name in options.required if not getattr(options, name)]
    if missing:
        return AccountOff(name=name, code=info.code, reason=f"needs {' and '.join(missing)} (see {info.docs})")
    if account.base_url:
        base_url = account.base_url
    elif account.environment == "production":
        base_url = info.production
    elif info.sandbox:
        base_url = info.sandbox
    else:
        raise BadConfig(f".environment: {info.name} has no sandbox; use production or set base_url")
    return AccountPlan(
        name=name,
        code=info.code,
        carrier=carrier,
        credentials=credentials_model(info.auth).model_validate(account.credentials),
        base_url=base_url,
        quota=Quota(
            per_second=account.quota.per_second or info.quota.per_second,
            per_hour=account.quota.per_hour or info.quota.per_hour,
            per_day=account.quota.per_day or info.quota.per_day,
            counts_tokens=info.quota.counts_tokens,
            fixed=info.quota.fixed if account.quota.fixed is None else account.quota.fixed,
        ),
        batch=account.batch or carrier.info.batch,
        connections=account.connections,
        timeout=account.timeout,
        hook_secret=_hook_secret(carrier, account),
    )


def _hook_secret(carrier: Carrier, account: CarrierAccount) -> SecretStr:
    """The secret set for deliveries, or the credential that carries it with some."""
    if account.webhook_secret.get_secret_value() or carrier.hook is None:
        return account.webhook_secret
    return account.credentials.get(carrier.hook.secret_field, SecretStr(""))


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a config file. Raises BadConfig with every problem, each with its line and place."""
    file = ConfigFile(path, environ)
    try:
        settings = Settings(**file.tree)
        plan_accounts(settings)
    except ValidationError as error:
        raise BadConfig(file.located(f"{place}: {what}" for place, what in _problems(error))) from None
    except BadConfig as error:
        raise BadConfig(file.located(str(error).splitlines())) from None
    if not settings.database.is_absolute():
        settings = settings.model_copy(update={"database": path.parent / settings.database})
    return settings


def load_mapping(path: Path, environ: Mapping[str, str] = os.environ) -> dict[str, dict[str, str]]:
    """Read a file that holds what stands under `mapping:`, with that line or without. Raises BadConfig as `load`."""
    file = ConfigFile(path, environ)
    under = "mapping." if set(file.tree) == {"mapping"} else ""
    try:
        shape = TypeAdapter(dict[str, dict[str, str]], config=ConfigDict(hide_input_in_errors=True))
        return Settings._mapping_is_sound(shape.validate_python(file.tree["mapping"] if under else file.tree))
    except ValidationError as error:
        raise BadConfig(file.located(f"{under}{place}: {what}" for place, what in _problems(error))) from None
    except ValueError as error:
        raise BadConfig(file.located([f"{under}{error}"])) from None


def _problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        what = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            what = "unknown key"
        yield place, what
