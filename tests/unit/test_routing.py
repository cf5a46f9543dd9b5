"""Which accounts a parcel is asked about through: by the rules of config.yaml, and by its number's form."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from carriers.sdk import TrackingNumber
from carriers.sdk.numbers import candidates
from tracker.config import load, plan_accounts, routes_of
from tracker.config_file import BadConfig
from tracker.routing import DIRECT, LIKELY, Facts, Route, Routes, order_tags

ACCOUNTS = {
    "ups": "ups",
    "ups/west": "ups",
    "ups/east": "ups",
    "fedex": "fedex",
    "usps": "usps",
    "ship24": "ship24",
    "easypost": "easypost",
}
PARCEL = Facts("ups", "UPS Ground Economy", "CA", order_tags("Wholesale, B2B"))


def routes(*rules: dict[str, Any], accounts: dict[str, str] | None = None) -> Routes:
    return Routes([Route(**rule) for rule in rules], ACCOUNTS if accounts is None else accounts)


# which rule fits


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"carrier": "ups"},
        {"carrier": ["fedex", "ups"]},
        {"carrier": "*"},
        {"country": "CA"},
        {"country": ["us", "ca"]},
        {"service": "economy"},
        {"service": "Ground Economy"},
        {"service": ["express", "ECONOMY"]},
        {"tag": "wholesale"},
        {"tag": ["nothing", "b2b"]},
        {"carrier": "ups", "country": "CA", "service": "ground", "tag": "WHOLESALE"},
    ],
)
def test_a_rule_that_fits(rule: dict[str, Any]) -> None:
    assert routes({**rule, "through": ["ship24"]}).sources(PARCEL) == ("ship24",)


@pytest.mark.parametrize(
    "rule",
    [
        {"carrier": "fedex"},
        {"carrier": ["fedex", "usps"]},
        {"country": "US"},
        {"country": "C"},
        {"service": "express"},
        {"tag": "whole"},
        {"tag": "retail"},
        {"carrier": "ups", "country": "CA", "service": "ground", "tag": "retail"},
        {"carrier": "fedex", "country": "CA", "service": "ground", "tag": "wholesale"},
        {"carrier": "ups", "country": "US", "service": "ground", "tag": "wholesale"},
        {"carrier": "ups", "country": "CA", "service": "express", "tag": "wholesale"},
    ],
)
def test_a_rule_that_does_not_fit_leaves_the_parcel_at_its_carrier(rule: dict[str, Any]) -> None:
    assert routes({**rule, "through": ["ship24"]}).sources(PARCEL) == ("ups",)


def test_the_first_rule_that_fits_counts_whatever_follows() -> None:
    made = routes(
        {"carrier": "fedex", "through": ["easypost"]},
        {"country": "CA", "through": ["ship24"]},
        {"carrier": "ups", "country": "CA", "through": ["ups/west"]},
        {"through": ["easypost"]},
    )
    assert made.sources(PARCEL) == ("ship24",)
    assert made.sources(PARCEL._replace(country="US")) == ("easypost",)


def test_a_parcel_of_which_nothing_is_known_fits_only_rules_that_ask_for_nothing() -> None:
    bare = Facts("ups")
    for rule in ({"country": "CA"}, {"service": "ups"}, {"tag": "b2b"}):
        assert routes({**rule, "through": ["ship24"]}).sources(bare) == ("ups",)
    assert routes({"through": ["ship24"]}).sources(bare) == ("ship24",)


WORDS = st.sampled_from(["ups", "fedex", "CA", "us", "economy", "b2b", "*"])
RULES = st.lists(
    st.fixed_dictionaries(
        {"through": st.lists(st.sampled_from([*ACCOUNTS, "gone"]), min_size=1, max_size=3, unique=True)},
        optional={
            "carrier": st.lists(WORDS, min_size=1, max_size=2),
            "country": st.lists(WORDS, max_size=2),
            "service": st.lists(WORDS, max_size=2),
            "tag": st.lists(WORDS, max_size=2),
        },
    ),
    max_size=4,
)
PARCELS = st.builds(
    Facts,
    st.sampled_from(["ups", "fedex", "usps", "dhl"]),
    st.sampled_from(["", "UPS", "FedEx Economy"]),
    st.sampled_from(["", "US", "ca"]),
    st.sampled_from([frozenset(), order_tags("B2B"), order_tags("vip, b2b")]),
)


@given(RULES, PARCELS)
def test_every_parcel_has_a_source_and_one_that_can_be_asked_where_its_rule_names_one(
    rules: list[dict[str, Any]], parcel: Facts
) -> None:
    made = routes(*rules)
    sources = made.sources(parcel)
    fitting = [rule for rule in rules if Route(**rule).fits(parcel)]
    wanted = fitting[0]["through"] if fitting else [parcel.carrier]
    served = [source for source in wanted if made.accounts_of(source)]
    assert list(sources) == (served or wanted[:1])


@given(RULES, PARCELS)
def test_rules_behind_the_one_that_fits_change_nothing_but_which_accounts_they_name(
    rules: list[dict[str, Any]], parcel: Facts
) -> None:
    fitting = next((index for index, rule in enumerate(rules) if Route(**rule).fits(parcel)), None)
    assume(fitting is not None)
    assert fitting is not None
    one_account_each = {name: name for name in ACCOUNTS}  # none shares a source that a rule could take it from
    first, whole = routes(*rules[: fitting + 1], accounts=one_account_each), routes(*rules, accounts=one_account_each)
    assert first.sources(parcel) == whole.sources(parcel)


@given(RULES)
def test_every_account_serves_its_own_name_and_its_carrier_unless_a_rule_names_it(rules: list[dict[str, Any]]) -> None:
    made = routes(*rules)
    named = {source for rule in rules for source in rule["through"]}
    for name, carrier in ACCOUNTS.items():
        assert set(made.served_by(name)) == ({name} if name in named else {name, carrier})
        for source in made.served_by(name):
            assert name in made.accounts_of(source)
            assert source in made.all_sources


# which accounts serve


def test_accounts_that_no_rule_names_share_their_carriers_parcels() -> None:
    made = routes({"carrier": "ups", "country": "CA", "through": ["ups/west"]})
    assert set(made.accounts_of("ups")) == {"ups", "ups/east"}
    assert set(made.accounts_of("ups/west")) == {"ups/west"}
    assert made.served_by("ups/west") == ("ups/west",), "an account that a rule names serves that rule's parcels alone"


def test_accounts_that_are_off_are_left_out_while_there_are_others() -> None:
    rule = {"carrier": "ups", "through": ["ups/west", "ship24", "easypost"]}
    assert routes(rule).sources(PARCEL) == ("ups/west", "ship24", "easypost")
    on = {"ship24": "ship24", "ups": "ups"}
    assert routes(rule, accounts=on).sources(PARCEL) == ("ship24",)
    assert routes(rule, accounts={}).sources(PARCEL) == ("ups/west",), "it waits for the first of them"


def test_without_rules_and_accounts_a_parcel_is_its_carriers() -> None:
    assert DIRECT.sources(PARCEL) == ("ups",)
    assert DIRECT.served_by("ups") == ()


# tags


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", set()),
        (" , ,", set()),
        ("Wholesale", {"wholesale"}),
        (" b2b ,VIP customer,b2b", {"b2b", "vip customer"}),
        ("Straße", {"strasse"}),
    ],
)
def test_tags_are_compared_without_case_and_blanks(text: str, tags: set[str]) -> None:
    assert order_tags(text) == tags


def test_the_tags_that_are_worth_keeping_are_those_that_rules_ask_for() -> None:
    made = routes({"tag": ["Wholesale", "VIP"], "through": ["ship24"]}, {"tag": "vip", "through": ["easypost"]})
    assert made.tags == {"wholesale", "vip"}


# by its form

FOURTEEN_DIGITS = TrackingNumber("12345678901234")
LIKELY_CARRIERS = [found.carrier for found in candidates(FOURTEEN_DIGITS) if found.confidence >= LIKELY]


def test_a_number_is_tried_where_its_form_says_it_may_belong_likeliest_first() -> None:
    assert len(LIKELY_CARRIERS) > 1
    everyone = {found.carrier: found.carrier for found in candidates(FOURTEEN_DIGITS)}
    made = routes(accounts=everyone)
    assert list(made.elsewhere(FOURTEEN_DIGITS, besides=())) == LIKELY_CARRIERS
    assert list(made.elsewhere(FOURTEEN_DIGITS, besides=LIKELY_CARRIERS[:1])) == LIKELY_CARRIERS[1:]


def test_a_number_is_tried_only_where_an_account_is_free_for_it() -> None:
    last = LIKELY_CARRIERS[-1]
    assert routes(accounts={"ups": "ups"}).elsewhere(FOURTEEN_DIGITS, ()) == ()
    assert routes(accounts={f"{last}/north": last}).elsewhere(FOURTEEN_DIGITS, ()) == (last,)
    taken = routes({"carrier": last, "through": [f"{last}/north"]}, accounts={f"{last}/north": last})
    assert taken.elsewhere(FOURTEEN_DIGITS, ()) == (), "the account that a rule names serves only that rule's parcels"


# the rules in config.yaml


def written(folder: Path, rules: Sequence[object], **accounts: Any) -> Path:
    """A config.yaml, each of whose rules has a line of its own, from line 3 on."""
    path = folder / "config.yaml"
    configured = {
        "ups": [
            {"account": "west", "credentials": {"client_id": "me", "client_secret": "secret"}},
            {"account": "east", "enabled": False},
        ],
        "fedex": {"credentials": {"api_key": "me", "secret_key": "secret"}},
        "seventeentrack": {"enabled": False},
    }
    lines = [f"  - {json.dumps(rule)}" for rule in rules]
    path.write_text("\n".join([f"carriers: {json.dumps(configured | accounts)}", "routes:", *lines]))
    return path


def refused(path: Path) -> list[str]:
    """What is wrong with a file, each as `line: place: what`."""
    with pytest.raises(BadConfig) as caught:
        load(path, {})
    problems = str(caught.value).splitlines()
    assert all(problem.startswith(f"{path}:") for problem in problems)
    return [problem.removeprefix(f"{path}:") for problem in problems]


def test_rules_are_read_with_the_accounts_there_are(tmp_path: Path) -> None:
    rules = [
        {"carrier": "ups", "country": ["CA", "MX"], "through": ["ups/east", "ups/west"]},
        {"carrier": "fedex", "tag": "wholesale", "through": "fedex"},
        {"through": ["seventeentrack"]},
    ]
    settings = load(written(tmp_path, rules), {})
    made = routes_of(settings)
    assert made.sources(PARCEL) == ("ups/west",), "ups/east is off"
    assert made.tags == {"wholesale"}
    assert made.sources(Facts("ups", country="US")) == ("seventeentrack",), "all that could serve it is off"
    ready, off = plan_accounts(settings)
    assert ({plan.name for plan in ready}, {plan.name for plan in off}) == (
        {"ups/west", "fedex"},
        {"ups/east", "seventeentrack"},
    )


@pytest.mark.parametrize(
    ("rule", "place", "says"),
    [
        ({"through": ["nobody"]}, "routes[1].through", ("'nobody' is no account under carriers", "ups/west")),
        ({"carrier": "ups", "through": ["ups/north"]}, "routes[1].through", ("'ups/north' is no account", "ups/west")),
        ({"carrier": "dhl_typo", "through": ["seventeentrack"]}, "routes[1].carrier", ("unknown carrier dhl_typo",)),
        ({"carrier": "fedex", "through": ["ups/west"]}, "routes[1].through", ("ups's own parcels", "carrier: ups")),
        ({"carrier": ["fedex", "ups"], "through": ["ups"]}, "routes[1].through", ("own parcels only", "aggregator")),
        ({"through": ["fedex"]}, "routes[1].through", ("fedex tells of fedex's own parcels only", "carrier: fedex")),
        ({"carrier": "ups", "through": []}, "routes.1.through", ("at least 1 item",)),
        ({"carrier": "ups"}, "routes.1.through", ("Field required",)),
        ({"carrier": [], "through": ["seventeentrack"]}, "routes.1.carrier", ("at least 1 item",)),
        ({"carriers": "ups", "through": ["ups"]}, "routes.1.carriers", ("unknown key",)),
    ],
)
def test_a_rule_that_leads_nowhere_is_refused_with_its_place(
    tmp_path: Path, rule: dict[str, Any], place: str, says: tuple[str, ...]
) -> None:
    (problem,) = refused(written(tmp_path, [{"carrier": "ups", "through": ["ups/west"]}, rule]))
    assert problem.startswith(f"4: {place}: ")
    for words in says:
        assert words in problem


def test_every_rule_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    rules = [{"through": ["nobody"]}, {"carrier": "nix", "through": ["seventeentrack"]}]
    problems = refused(written(tmp_path, rules))
    assert [problem.split(": ")[:2] for problem in problems] == [["3", "routes[0].through"], ["4", "routes[1].carrier"]]


def test_a_rule_is_not_blamed_for_what_is_wrong_with_its_account(tmp_path: Path) -> None:
    rules = [{"carrier": "fedex", "through": ["fedex"]}]
    (problem,) = refused(written(tmp_path, rules, fedex={"credentials": {"client_id": "me"}}))
    assert problem.startswith("1: carriers.fedex.credentials: ")


def test_no_value_of_the_configuration_is_in_the_error_of_a_rule() -> None:
    with pytest.raises(ValidationError) as caught:
        Route(carrier="ups", through=[{"secret": "hunter2"}])
    assert "hunter2" not in str(caught.value)
