"""Tracking numbers with true check digits, in the forms the carriers print.

Owns the arithmetic of making them. Knows no parcel.
"""

from random import Random

from carriers.sdk.numbers import TrackingNumber


def digits(random: Random, count: int) -> str:
    """That many random digits."""
    return f"{random.randrange(10**count):0{count}d}"


def fedex_12(random: Random) -> TrackingNumber:
    """FedEx Express: 11 digits, weights 3 1 7 from the left, sum modulo 11 modulo 10."""
    body = digits(random, 11)
    total = sum(int(digit) * (3, 1, 7)[index % 3] for index, digit in enumerate(body))
    return TrackingNumber(f"{body}{total % 11 % 10}")


def ups_1z(random: Random) -> TrackingNumber:
    """UPS: `1Z`, 6 of the shipper, 2 of the service, 7 of the package; letters count as (ord - 3) % 10."""
    shipper = "".join(random.choices("0123456789ABCDEFGHJKLMNPRSTUVWXY", k=6))
    body = f"{shipper}{random.choice(('01', '02', '03', '12', '13'))}{digits(random, 7)}"
    values = [int(char) if char.isdigit() else (ord(char) - 3) % 10 for char in body]
    total = sum(values[0::2]) + 2 * sum(values[1::2])
    return TrackingNumber(f"1Z{body}{-total % 10}")


def mod10(body: str) -> str:
    """`body` with its GS1 check digit: weights 3 and 1 in turn from the right."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(body)))
    return f"{body}{-total % 10}"


def usps_22(random: Random) -> TrackingNumber:
    """USPS: 22 digits that start with the service type."""
    return TrackingNumber(mod10(f"{random.choice(('9400', '9205', '9405', '9361'))}{digits(random, 17)}"))


def dhl_sscc(random: Random) -> TrackingNumber:
    """DHL Paket: the 20 digits of an SSCC with its 00."""
    return TrackingNumber(mod10(f"00340434{digits(random, 11)}"))


def dhl_3s(random: Random) -> TrackingNumber:
    """DHL eCommerce Europe: `3S`, two letters, 11 digits; no check digit."""
    return TrackingNumber(f"3S{''.join(random.choices('ABCDEFGHKLM', k=2))}{digits(random, 11)}")


def dhl_waybill(random: Random) -> TrackingNumber:
    """DHL Express: 9 digits and their remainder modulo 7."""
    body = random.randrange(10**8, 10**9)
    return TrackingNumber(f"{body}{body % 7}")
