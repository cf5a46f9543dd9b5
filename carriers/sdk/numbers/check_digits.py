"""The carriers' check digits.

Each function takes a number, or the part of it that is checked, whose last character is the check digit; digits
alone unless it says otherwise. Owns the arithmetic. Knows neither which carriers use it nor how their numbers look.
"""

from collections.abc import Callable, Sequence
from itertools import cycle

Check = Callable[[str], bool]


def gs1_mod10(number: str) -> bool:
    """Mod 10 with weights 3, 1, 3, … from the right; what is missing to a multiple of ten.

    GS1 General Specifications; also USPS Publication 199, FedEx Ground, Canada Post.
    """
    values = list(map(int, reversed(number)))
    return (3 * sum(values[1::2]) + sum(values[::2])) % 10 == 0


def ups_mod10(number: str) -> bool:
    """Mod 10 with weights 1, 2, 1, … from the left, letters as numbers (A = 2, B = 3, …), what is missing to ten.

    UPS 1Z and waybill numbers; OnTrac, whose leading C and D count as the 4 and 5 of its barcodes.
    """
    if not number[-1].isdigit():
        return False
    values = [ord(char) - 48 if char <= "9" else (ord(char) - 63) % 10 for char in number]
    body = values[:-1]
    return (sum(body[::2]) + 2 * sum(body[1::2]) + values[-1]) % 10 == 0


def luhn(number: str) -> bool:
    """Mod 10, every second digit from the right twice, digit sums added: ISO/IEC 7812-1; Purolator, Old Dominion."""
    values = list(map(int, reversed(number)))
    return (sum(values[::2]) + sum(2 * value - 9 * (value > 4) for value in values[1::2])) % 10 == 0


def mod7(number: str) -> bool:
    """The number before the digit, modulo 7: air waybills as IATA numbers them; DHL Express, Japan's carriers."""
    return int(number[:-1]) % 7 == int(number[-1])


def sum_product(digits: str, weights: Sequence[int], modulus: int) -> int:
    """Each digit times its weight, summed up, modulo `modulus`; the weights repeat where there are more digits."""
    return sum(int(digit) * weight for digit, weight in zip(digits, cycle(weights), strict=False)) % modulus


def fedex_mod11(number: str) -> bool:
    """FedEx Express: weights 1, 3, 7 in turn from the right, modulo 11, ten as zero."""
    return sum_product(number[-2::-1], (1, 3, 7), 11) % 10 == int(number[-1])


def identcode_mod10(number: str) -> bool:
    """Deutsche Post's Identcode and Leitcode: weights 4 and 9 in turn from the left; what is missing to ten."""
    return (sum_product(number[:-1], (4, 9), 10) + int(number[-1])) % 10 == 0


def s10_mod11(number: str) -> bool:
    """UPU standard S10, the nine digits: weights 8 6 4 2 3 5 9 7; 11 minus the rest, ten as zero, eleven as five."""
    missing = 11 - sum_product(number[:-1], (8, 6, 4, 2, 3, 5, 9, 7), 11)
    return {10: 0, 11: 5}.get(missing, missing) == int(number[-1])


def mod37_36(number: str) -> bool:
    """ISO 7064 mod 37,36 over digits and letters (A = 10, …), the check character one of them too; DPD."""
    rest = 36
    for char in number[:-1]:
        rest = ((rest + int(char, 36)) % 36 or 36) * 2 % 37
    return (rest + int(number[-1], 36)) % 36 == 1


def behind(prefix: str, check: Check) -> Check:
    """The check of a number whose leading `prefix` is left out when it is printed."""

    def checked(number: str) -> bool:
        return check(prefix + number)

    return checked
