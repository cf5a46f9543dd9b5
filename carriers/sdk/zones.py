"""Place -> time zone, and carriers' date strings -> aware datetimes.

Owns the rule that a bare local time is read in the zone of its place and marked as assumed, and the tables
that find that zone: tzdata's own list for countries with one zone, states and postal prefixes for the others.
Knows no carrier and no clock.

The tables follow today's borders between zones. Where neither state nor postal code is told, a country with
several zones stands for the one most of its people live in.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timezone, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from carriers.sdk.events import Place, ZoneSource

#: Countries with several zones -> the one most people live in.
_MAIN_ZONES: Mapping[str, str] = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",  # official time of the whole country
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",  # one time for the whole country since March 2024
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
    # Codes that carriers use and tzdata's list lacks.
    "IC": "Atlantic/Canary",
    "XC": "Africa/Ceuta",
    "XK": "Europe/Belgrade",
}

#: Country -> zone -> states, provinces, territories. "" = somewhere that has no zone.
_STATES: Mapping[str, Mapping[str, str]] = {
    "US": {
        "America/New_York": "CT DC DE FL GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
        "America/Detroit": "MI",
        "America/Indiana/Indianapolis": "IN",
        "America/Kentucky/Louisville": "KY",
        "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
        "America/Denver": "CO MT NM UT WY",
        "America/Boise": "ID",
        "America/Phoenix": "AZ",
        "America/Los_Angeles": "CA NV OR WA",
        "America/Anchorage": "AK",
        "Pacific/Honolulu": "HI",
        "America/Puerto_Rico": "PR",
        "America/St_Thomas": "VI",
        "Pacific/Guam": "GU",
        "Pacific/Saipan": "MP",
        "Pacific/Pago_Pago": "AS",
        "": "AA AE AP",  # military post: anywhere
    },
    "CA": {
        "America/St_Johns": "NL NF",
        "America/Goose_Bay": "LB",
        "America/Halifax": "NS PE",
        "America/Moncton": "NB",
        "America/Toronto": "ON QC PQ",
        "America/Winnipeg": "MB",
        "America/Regina": "SK",
        "America/Edmonton": "AB NT",
        "America/Iqaluit": "NU",
        "America/Vancouver": "BC",
        "America/Whitehorse": "YT YK",
    },
    "AU": {
        "Australia/Sydney": "NSW ACT",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Adelaide": "SA",
        "Australia/Hobart": "TAS",
        "Australia/Darwin": "NT",
        "Australia/Perth": "WA",
    },
    "BR": {
        "America/Rio_Branco": "AC",
        "America/Manaus": "AM",
        "America/Boa_Vista": "RR",
        "America/Porto_Velho": "RO",
        "America/Cuiaba": "MT",
        "America/Campo_Grande": "MS",
        "America/Belem": "PA AP",
        "America/Fortaleza": "CE MA PB PI RN",
        "America/Recife": "PE",
        "America/Maceio": "AL SE",
        "America/Bahia": "BA",
        "America/Araguaina": "TO",
    },
    "MX": {
        "America/Tijuana": "BC BCN",
        "America/Hermosillo": "SO SON",
        "America/Mazatlan": "BS BCS SI SIN NA NAY",
        "America/Chihuahua": "CH CHH",
        "America/Cancun": "QR QROO ROO",
    },
    "RU": {
        "Europe/Kaliningrad": "KGD",
        "Europe/Samara": "SAM UD",
        "Europe/Astrakhan": "AST",
        "Europe/Saratov": "SAR",
        "Europe/Ulyanovsk": "ULY",
        "Asia/Yekaterinburg": "SVE PER BA CHE ORE TYU KHM YAN KGN",
        "Asia/Omsk": "OMS",
        "Asia/Novosibirsk": "NVS",
        "Asia/Barnaul": "ALT AL",
        "Asia/Tomsk": "TOM",
        "Asia/Novokuznetsk": "KEM",
        "Asia/Krasnoyarsk": "KYA KK TY",
        "Asia/Irkutsk": "IRK BU",
        "Asia/Chita": "ZAB",
        "Asia/Yakutsk": "SA AMU",
        "Asia/Vladivostok": "PRI KHA YEV",
        "Asia/Magadan": "MAG",
        "Asia/Sakhalin": "SAK",
        "Asia/Kamchatka": "KAM",
        "Asia/Anadyr": "CHU",
    },
    "ID": {
        "Asia/Pontianak": "KB KT",
        "Asia/Makassar": "BA NB NT KI KS KU SA GO ST SR SN SG",
        "Asia/Jayapura": "MA MU PA PB PD PE PS PT",
    },
    "ES": {"Atlantic/Canary": "CN GC TF"},
    "PT": {"Atlantic/Madeira": "30", "Atlantic/Azores": "20"},
    "EC": {"Pacific/Galapagos": "W"},
    "CL": {"America/Punta_Arenas": "MA", "America/Coyhaique": "AI"},
}

#: Country -> zone -> postal prefixes; `010-089` is a range, and the longest prefix that fits decides.
_POSTAL_PREFIXES: Mapping[str, Mapping[str, str]] = {
    "US": {
        "America/New_York": """
            005 010-089 100-323 326-339 341-342 344 346-347 349 373-374 376-379 398-399 430-459
        """,
        "America/Kentucky/Louisville": "400-418 425-427",
        "America/Indiana/Indianapolis": "460-462 465-475 478-479",
        "America/Detroit": "480-499",
        "America/Chicago": """
            324-325 350-372 375 380-397 420-424 463-464 476-477 500-567 570-575 580-585 587-588
            600-692 700-798
            49801 49802 49812 49815 49821 49831 49834 49845 49847 49848 49852 49858 49863 49870
            49873 49874 49876 49877 49881 49886 49887 49892 49893 49896 49902 49903 49911 49915
            49920 49927 49935 49938 49947 49959 49964 49968 49969   # Michigan's four counties along Wisconsin
            47523 47550 47586 47588   # Indiana along the lower Ohio
            57601
        """,
        "America/Denver": """
            576-577 586 590-599 693 799 800-831 840-847 870-884 885 89883
            67733 67735 67741 67758 67761 67762 67836 67857 67878 67879   # west Kansas
            69021 69023 69027 69030 69033 69041 69045 69140 69153 69162   # west Nebraska
            79821 79835 79836 79837 79838 79839 79849 79851 79853   # around El Paso
            86033 86045 86503 86504 86505 86514 86515 86545 86556   # Navajo Nation: summer time in Arizona
        """,
        "America/Boise": "832-834 836-837 979",
        "America/Phoenix": "850-865",
        "America/Los_Angeles": "835 838 889-898 900-961 970-978 980-994",
        "America/Anchorage": "995-999",
        "America/Adak": "99546 99547",
        "Pacific/Honolulu": "967-968",
        "America/Puerto_Rico": "006 007 009",
        "America/St_Thomas": "008",
        "Pacific/Guam": "969",
        "Pacific/Pago_Pago": "96799",
        "Pacific/Palau": "96940",
        "Pacific/Pohnpei": "96941 96944",
        "Pacific/Chuuk": "96942 96943",
        "Pacific/Majuro": "96960 96970",
        "": "090-098 340 962-966",  # military post: anywhere
    },
    "CA": {
        "America/St_Johns": "A",
        "America/Goose_Bay": "A0P A0R A2V",
        "America/Halifax": "B C G4T",
        "America/Moncton": "E",
        "America/Toronto": "G H J K L M N P",
        "America/Winnipeg": "P0V P0W P0X P0Y P8N P8T P9A P9N R",
        "America/Regina": "S",
        "America/Edmonton": "T S9V V1A V1C X",
        "America/Vancouver": "V",
        "America/Dawson_Creek": "V1G V1J",
        "America/Whitehorse": "Y",
        "America/Iqaluit": "X0A",
        "America/Cambridge_Bay": "X0B",
        "America/Rankin_Inlet": "X0C",
    },
    "AU": {
        "Australia/Darwin": "08 09",
        "Australia/Sydney": "02 1 2",
        "Australia/Broken_Hill": "2880",
        "Australia/Lord_Howe": "2898",
        "Pacific/Norfolk": "2899",
        "Australia/Melbourne": "3 8",
        "Australia/Brisbane": "4 9",
        "Australia/Adelaide": "5",
        "Australia/Perth": "6",
        "Australia/Eucla": "6443",
        "Indian/Christmas": "6798",
        "Indian/Cocos": "6799",
        "Australia/Hobart": "7",
    },
    "BR": {
        "America/Sao_Paulo": "0-3 7 8 9",
        "America/Bahia": "40-48",
        "America/Maceio": "49 57",
        "America/Recife": "50-56",
        "America/Noronha": "53990",
        "America/Fortaleza": "58-59 60-65",
        "America/Belem": "66-68 689",
        "America/Manaus": "690-692 694-698",
        "America/Boa_Vista": "693",
        "America/Rio_Branco": "699",
        "America/Porto_Velho": "768-769",
        "America/Araguaina": "77",
        "America/Cuiaba": "780-788",
        "America/Campo_Grande": "79",
    },
    "MX": {
        "America/Tijuana": "21 22",
        "America/Mazatlan": "23 63 80-82",
        "America/Bahia_Banderas": "6373",
        "America/Chihuahua": "31-33",
        "America/Ciudad_Juarez": "320-325",
        "America/Cancun": "77",
        "America/Hermosillo": "83-85",
    },
    "RU": {
        "Europe/Kaliningrad": "236 238",
        "Europe/Saratov": "410-413",
        "Europe/Astrakhan": "414 416",
        "Europe/Samara": "426-427 443 445-446",
        "Europe/Ulyanovsk": "432-433",
        "Asia/Yekaterinburg": "450-457 460-462 614-629 640-641",
        "Asia/Omsk": "644-646",
        "Asia/Novosibirsk": "630-633",
        "Asia/Tomsk": "634-636",
        "Asia/Barnaul": "649 656-659",
        "Asia/Novokuznetsk": "650-654",
        "Asia/Krasnoyarsk": "647-648 655 660-663 667-668",
        "Asia/Irkutsk": "664-666 669-671",
        "Asia/Chita": "672-674 687",
        "Asia/Yakutsk": "675-678",
        "Asia/Vladivostok": "679-682 690-692",
        "Asia/Kamchatka": "683-684 688",
        "Asia/Magadan": "685-686",
        "Asia/Anadyr": "689",
        "Asia/Sakhalin": "693-694",
    },
    "ID": {
        "Asia/Pontianak": "73-74 78-79",
        "Asia/Makassar": "70-72 75-77 80-96",
        "Asia/Jayapura": "97-99",
    },
    "ES": {"Atlantic/Canary": "35 38"},
    "PT": {"Atlantic/Madeira": "90-94", "Atlantic/Azores": "95-99"},
    "CL": {"America/Coyhaique": "595-602", "America/Punta_Arenas": "62-64", "Pacific/Easter": "277"},
    "NZ": {"Pacific/Chatham": "8016 8942"},
    "FR": {
        "America/Guadeloupe": "971",
        "America/Martinique": "972",
        "America/Cayenne": "973",
        "Indian/Reunion": "974",
        "America/Miquelon": "975",
        "Indian/Mayotte": "976",
        "Pacific/Wallis": "986",
        "Pacific/Tahiti": "987",
        "Pacific/Noumea": "988",
    },
}

#: Ways to write a country that ISO 3166 does not list.
_COUNTRY_ALIASES: Mapping[str, str] = {
    "AMERICA": "US", "UNITED STATES OF AMERICA": "US", "USA": "US", "UK": "GB", "UNITED KINGDOM": "GB",
    "GREAT BRITAIN": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB", "NORTHERN IRELAND": "GB",
    "GBR": "GB", "EL": "GR", "HOLLAND": "NL", "THE NETHERLANDS": "NL", "NETHERLANDS, THE": "NL",
    "CZECHIA": "CZ", "CZECH REPUBLIC, THE": "CZ", "SOUTH KOREA": "KR", "TURKIYE": "TR",
    "RUSSIAN FEDERATION": "RU", "RUSSIAN FEDERATION, THE": "RU", "CHINA, PEOPLES REPUBLIC": "CN",
    "CHINA MAINLAND": "CN", "HONG KONG SAR": "HK", "HONG KONG SAR, CHINA": "HK", "MACAU SAR, CHINA": "MO",
    "KOREA, REPUBLIC OF": "KR", "KOREA, REPUBLIC OF (SOUTH K.)": "KR", "VIET NAM": "VN",
    "DEUTSCHLAND": "DE", "AUT": "AT", "AUS": "AU", "BEL": "BE", "BRA": "BR", "CAN": "CA", "CHE": "CH",
    "CHN": "CN", "CZE": "CZ", "DEU": "DE", "DNK": "DK", "ESP": "ES", "FIN": "FI", "FRA": "FR", "GRC": "GR",
    "HKG": "HK", "HUN": "HU", "IDN": "ID", "IND": "IN", "IRL": "IE", "ISR": "IL", "ITA": "IT", "JPN": "JP",
    "KOR": "KR", "LUX": "LU", "MEX": "MX", "MYS": "MY", "NLD": "NL", "NOR": "NO", "NZL": "NZ", "POL": "PL",
    "PRI": "PR", "PRT": "PT", "ROU": "RO", "RUS": "RU", "SGP": "SG", "SVK": "SK", "SVN": "SI", "SWE": "SE",
    "THA": "TH", "TUR": "TR", "TWN": "TW", "UKR": "UA", "VNM": "VN", "ZAF": "ZA",
}  # fmt: skip

#: A carrier's "no date" is often the year 1 or 9999; nothing tracked happens outside these years.
_YEARS = range(1990, 2101)

#: A blank before the offset, or the offset written as a word, which ISO 8601 does not know.
_LOOSE_OFFSET = re.compile(r"\s*(?:UTC|GMT|Z)$|\s+(?=[+-]\d\d:?\d\d$)", re.IGNORECASE)


@cache
def _single_zones() -> Mapping[str, str]:
    """Country -> zone, for the countries to which tzdata's zone.tab gives exactly one."""
    zones: dict[str, list[str]] = {}
    for line in _tzdata("zone.tab"):
        country, _, zone = line.split("\t")[:3]
        zones.setdefault(country, []).append(zone)
    return {country: names[0] for country, names in zones.items() if len(names) == 1}


@cache
def _country_names() -> Mapping[str, str]:
    """Codes and English names, upper case -> ISO 3166-1 alpha-2."""
    pairs = [line.split("\t")[:2] for line in _tzdata("iso3166.tab")]
    return {
        **{name.upper(): code for code, name in pairs},
        **{code: code for code, _ in pairs},
        **_COUNTRY_ALIASES,
    }


def _tzdata(name: str) -> list[str]:
    lines = files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def country_code(text: str) -> str:
    """ISO 3166-1 alpha-2 of a country given as that, a common alpha-3 or an English name; '' if unknown."""
    word = text.strip().upper()
    return _country_names().get(word) or (word if word in _MAIN_ZONES else "")


def _words(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from line.partition("#")[0].split()


def _expanded(word: str) -> list[str]:
    """`010-012` -> 010, 011, 012; a plain prefix -> itself."""
    first, dash, last = word.partition("-")
    return [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)] if dash else [first]


@cache
def _states_of(country: str) -> Mapping[str, str]:
    return {state: zone for zone, text in _STATES.get(country, {}).items() for state in _words(text)}


@cache
def _prefixes_of(country: str) -> Mapping[str, str]:
    table = _POSTAL_PREFIXES.get(country, {})
    return {prefix: zone for zone, text in table.items() for word in _words(text) for prefix in _expanded(word)}


def _zone_name(country: str, state: str, postal_code: str) -> str | None:
    prefixes = _prefixes_of(country)
    if prefixes and len(postal_code) >= 3:
        for length in range(5, 0, -1):
            zone = prefixes.get(postal_code[:length])
            if zone is not None:
                return zone
    zone = _states_of(country).get(state)
    if zone is not None:
        return zone
    return _MAIN_ZONES.get(country) or _single_zones().get(country)


@lru_cache(maxsize=4096)
def zone_of(place: Place | None) -> ZoneInfo | None:
    """The zone of a place, as exactly as country, state and postal code tell; None where they don't.

    The postal code is trusted before the state, because several states have two zones. A country with
    several zones and nothing else told is read as the zone most of its people live in.
    """
    if place is None or not place.country:
        return None
    country = country_code(place.country)
    state = place.state.strip().upper().removeprefix(f"{country}-")
    postal_code = place.postal_code.replace(" ", "").upper()
    name = _zone_name(country, state, postal_code)
    return ZoneInfo(name) if name else None


def _zone_of_first(places: tuple[Place | None, ...]) -> tzinfo:
    return next((zone for zone in map(zone_of, places) if zone is not None), UTC)


def _placed(moment: datetime, zone: tzinfo) -> datetime:
    """A bare local time with the offset its zone had then.

    The offset is fixed, because datetimes that share a zone compare by the clock on the wall: the two hours
    of an autumn night would be out of order. An hour that comes twice is its first, one that spring leaves
    out is read with the offset before.
    """
    offset = moment.replace(tzinfo=zone).utcoffset()
    return moment.replace(tzinfo=UTC if not offset else timezone(offset))


def instant(text: str, *places: Place | None) -> tuple[datetime, ZoneSource] | None:
    """An ISO 8601 text as an aware datetime, and where its offset comes from; None if it is unreadable.

    A bare local time is read in the zone of the first of `places` that has a known one, and in UTC where
    none has; either way it is marked as assumed. A bare date is its midnight. Reads a blank for the `T` and
    before the offset, too. A year no parcel can be from (carriers write 0001 and 9999 for "none") is
    unreadable.
    """
    text = text.strip()
    if len(text) > 50:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(_LOOSE_OFFSET.sub(_iso_offset, text))
        except ValueError:
            return None
    if moment.year not in _YEARS:
        return None
    if moment.tzinfo is not None:
        return moment, ZoneSource.GIVEN
    return _placed(moment, _zone_of_first(places)), ZoneSource.ASSUMED


def _iso_offset(found: re.Match[str]) -> str:
    return "+00:00" if found.group().strip() else ""


def end_of_day(day: date, *places: Place | None) -> datetime:
    """The last minute of a day at the first of `places` with a known zone (UTC where none has).

    So is a day in a year no parcel can be from: the last minute in UTC, so that it stays convertible.
    """
    moment = datetime.combine(day, time(23, 59))
    return _placed(moment, _zone_of_first(places) if day.year in _YEARS else UTC)


def promised(stated: str, *places: Place | None) -> datetime | None:
    """The instant of a promised delivery; a bare date or a midnight stands for all of that day.

    Such a midnight's own offset is rarely the destination's: the day ends at the first of `places` with a known
    zone, and by that offset only where none has. None if it is unreadable.
    """
    when = instant(stated, *places)
    if when is None:
        return None
    moment = when[0]
    if moment.hour or moment.minute or moment.second:
        return moment
    if any(zone_of(place) for place in places):
        return end_of_day(moment.date(), *places)
    return moment.replace(hour=23, minute=59)
