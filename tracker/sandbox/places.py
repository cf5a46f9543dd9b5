"""Where sandbox parcels come from, pass through and go to, each place with its true time zone.

Owns the gazetteer and the choice of a route. Knows no carrier and no clock.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from zoneinfo import ZoneInfo


class Region(StrEnum):
    """A network of places that parcels travel in."""

    US = "us"
    EUROPE = "europe"


@dataclass(frozen=True, slots=True)
class Location:
    """A place that scans happen at."""

    city: str
    state: str
    """Two letters in the US, else ''."""
    postal_code: str
    country: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Route:
    """A parcel's way: warehouse, sorting hubs in the order they are passed, recipient's town."""

    origin: Location
    hubs: tuple[Location, ...]
    destination: Location


def _read(country_in_text: bool, text: str) -> tuple[Location, ...]:
    """Lines of city | state or country | postal code | zone."""
    places = []
    for line in text.strip().splitlines():
        city, area, postal_code, zone = (part.strip() for part in line.split("|"))
        state, country = ("", area) if country_in_text else (area, "US")
        places.append(Location(city, state, postal_code, country, ZoneInfo(zone)))
    return tuple(places)


_US_HUBS = _read(
    False,
    """
    Memphis | TN | 38118 | America/Chicago
    Louisville | KY | 40213 | America/Kentucky/Louisville
    Indianapolis | IN | 46241 | America/Indiana/Indianapolis
    Hodgkins | IL | 60525 | America/Chicago
    Newark | NJ | 07114 | America/New_York
    Ontario | CA | 91761 | America/Los_Angeles
    Mesquite | TX | 75149 | America/Chicago
    Salt Lake City | UT | 84116 | America/Denver
    """,
)
_US_TOWNS = _read(
    False,
    """
    Brooklyn | NY | 11201 | America/New_York
    Norton | VA | 24273 | America/New_York
    Savannah | GA | 31401 | America/New_York
    Grand Rapids | MI | 49503 | America/Detroit
    Nashville | TN | 37203 | America/Chicago
    Pensacola | FL | 32501 | America/Chicago
    Madison | WI | 53703 | America/Chicago
    El Paso | TX | 79901 | America/Denver
    Boulder | CO | 80302 | America/Denver
    Boise | ID | 83702 | America/Boise
    Tucson | AZ | 85701 | America/Phoenix
    Reno | NV | 89501 | America/Los_Angeles
    Oakland | CA | 94612 | America/Los_Angeles
    Spokane | WA | 99201 | America/Los_Angeles
    Anchorage | AK | 99501 | America/Anchorage
    Honolulu | HI | 96813 | Pacific/Honolulu
    """,
)
_EUROPE_HUBS = _read(
    True,
    """
    Leipzig | DE | 04435 | Europe/Berlin
    Köln | DE | 51147 | Europe/Berlin
    Hamburg | DE | 21129 | Europe/Berlin
    Utrecht | NL | 3542 | Europe/Amsterdam
    Brussel | BE | 1931 | Europe/Brussels
    Praha | CZ | 25219 | Europe/Prague
    """,
)
_EUROPE_TOWNS = _read(
    True,
    """
    Berlin | DE | 10115 | Europe/Berlin
    München | DE | 81241 | Europe/Berlin
    Bremen | DE | 28195 | Europe/Berlin
    Mainz | DE | 55116 | Europe/Berlin
    Rostock | DE | 18055 | Europe/Berlin
    Gouda | NL | 2801 | Europe/Amsterdam
    Gent | BE | 9000 | Europe/Brussels
    Graz | AT | 8010 | Europe/Vienna
    Kraków | PL | 31-007 | Europe/Warsaw
    Turku | FI | 20100 | Europe/Helsinki
    Coimbra | PT | 3000 | Europe/Lisbon
    Galway | IE | H91 | Europe/Dublin
    """,
)
#: Where the merchants' parcels start; a handful of warehouses a region.
_PLACES = {
    Region.US: (_US_TOWNS[:6], _US_HUBS, _US_TOWNS),
    Region.EUROPE: (_EUROPE_TOWNS[:4], _EUROPE_HUBS, _EUROPE_TOWNS),
}


def draw_route(random: Random, region: Region) -> Route:
    """A route through two hubs; the destination is never the town the parcel starts in."""
    warehouses, hubs, towns = _PLACES[region]
    origin = random.choice(warehouses)
    destination = random.choice([town for town in towns if town is not origin])
    return Route(origin, tuple(random.sample(hubs, 2)), destination)
