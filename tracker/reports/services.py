"""The service a parcel was sent with, as far as its number or the merchant's words tell.

A carrier's answer names the service in many forms that are not kept; the number never changes its mind. Codes in
numbers go before words. What neither tells is '', not a guess.
"""

import re
from functools import lru_cache

#: Characters 9 and 10 of a 1Z number. Source: lists of UPS's service indicators by third parties, unverified.
_UPS = {
    "01": "Next Day Air",
    "02": "2nd Day Air",
    "03": "Ground",
    "12": "3 Day Select",
    "13": "Next Day Air Saver",
    "15": "Next Day Air Early",
    "22": "Ground Returns",
    "42": "Ground",
    "44": "Next Day Air",
    "66": "Worldwide Express",
    "72": "Ground",
    "78": "Ground Returns",
    "90": "Ground Returns",
    "YW": "SurePost",
}
#: The three digits behind 92, 93 or 94 in USPS's 22 digits. Source: the examples USPS's own help page gives for each
#: service.
_USPS = {
    "055": "Priority Mail",
    "701": "Priority Mail Express",
    "073": "Certified Mail",
    "088": "Registered Mail",
    "033": "Collect on Delivery",
    "021": "Signature Confirmation",
}
#: The first letter of a postal S10 number. Source: UPU standard S10, service indicators.
_S10 = {
    "C": "Parcel",
    "E": "EMS",
    "H": "E-commerce parcel",
    "L": "Tracked letter",
    "R": "Registered",
    "U": "Letter",
    "V": "Insured",
}
_UPS_1Z = re.compile(r"1Z\w{6}(\w\w)\w{8}")
_USPS_22 = re.compile(r"(?:420\d{5}(?:\d{4})?)?9[234](\d{3})\d{17}")
_S10_FORM = re.compile(r"([A-Z])[A-Z]\d{9}[A-Z]{2}")

#: What merchants write behind a carrier's name; the longest that fits counts.
_WORDS = sorted(
    (
        *("2 Day", "2Day", "2nd Day Air", "3 Day Select", "Connect", "Economy", "Expedited", "Expedited Mail"),
        *("Express", "Express Saver", "First Class", "First Overnight", "Freight", "Ground", "Ground Advantage"),
        *("Ground Economy", "Home Delivery", "International Connect Plus", "International Economy"),
        *("International Priority", "Mail Innovations", "Media Mail", "Next Day", "Next Day Air"),
        *("Next Day Air Saver", "Overnight", "Parcel Select", "Priority", "Priority Mail", "Priority Mail Express"),
        *("Priority Overnight", "Same Day", "SmartPost", "Special Delivery", "Standard", "Standard Overnight"),
        *("SurePost", "Tracked 24", "Tracked 48", "Worldwide Expedited", "Worldwide Express", "Worldwide Saver"),
    ),
    key=len,
    reverse=True,
)


def service_of(carrier: str, company: str, number: str) -> str:
    """The service's name, or ''. `company`: the carrier as the merchant wrote it."""
    if carrier == "ups" and (found := _UPS_1Z.fullmatch(number)):
        told = _UPS.get(found[1], "")
    elif carrier == "usps" and (found := _USPS_22.fullmatch(number)):
        told = _USPS.get(found[1], "")
    elif found := _S10_FORM.fullmatch(number):
        told = _S10.get(found[1], "")
    else:
        told = ""
    return told or _named(company)


@lru_cache(maxsize=1024)
def _named(company: str) -> str:
    words = f" {' '.join(re.sub(r'[^a-z0-9]', ' ', company.lower()).split())} "
    return next((name for name in _WORDS if f" {name.lower()} " in words), "")
