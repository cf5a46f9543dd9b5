"""Canada's provinces, as the letters after a place. Knows no carrier.

Canadian carriers name a scan's province and no country.
"""

PROVINCES = frozenset(
    ["AB", "BC", "MB", "NB", "NF", "NL", "NS", "NT", "NU", "ON", "PE", "PQ", "QC", "SK", "YT"]  # NF, PQ: older letters
)


def country_of(state: str) -> str:
    """ISO code of the country a state lies in: Canada's for a province, else the USA's, the only other country
    whose states Canadian carriers are likely to write (unverified)."""
    return "CA" if state in PROVINCES else "US"
