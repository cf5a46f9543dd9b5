"""Numbers a second whose carriers are guessed, on one core.

Owns the measurement alone: a list of made-up numbers of many carriers' forms, in the shares of a shop that ships
from the USA and a little from elsewhere, and the time `candidates` takes for it. Most of their check digits do not
fit; they have to be computed all the same.
"""

import argparse
import json
import statistics
import string
import time
from random import Random

from carriers.sdk.numbers import TrackingNumber, candidates, tracking_number

#: How many of a hundred numbers look so. `#` is a digit, `?` a letter, `*` either.
MIX = {
    "1Z******03########": 24,
    "9400##################": 20,
    "420#####9205##################": 4,
    "############": 18,
    "###############": 5,
    "96####################": 2,
    "61##################": 2,
    "TBA############": 5,
    "??#########US": 2,
    "??#########CN": 2,
    "00340434############": 2,
    "##########": 3,
    "JJD000###############": 1,
    "3S????#########": 1,
    "################": 3,
    "##############": 2,
    "1LS############": 1,
    "C##############": 1,
    "########": 1,
    "ORDER-######": 1,
}


def made_up(random: Random, form: str) -> TrackingNumber:
    """A number of that look."""
    chars = {"#": string.digits, "?": string.ascii_uppercase, "*": string.digits + string.ascii_uppercase}
    return tracking_number("".join(random.choice(chars.get(char, char)) for char in form))


def speed(numbers: list[TrackingNumber], rounds: int) -> int:
    """Numbers a second, the median of some rounds."""
    took = []
    for _ in range(rounds):
        started = time.process_time()
        for number in numbers:
            candidates(number)
        took.append(time.process_time() - started)
    return round(len(numbers) / statistics.median(took))


def main() -> None:
    """Measure the mix, and each look by itself."""
    options = argparse.ArgumentParser(description="Numbers a second whose carriers are guessed, on one core.")
    options.add_argument("--json", action="store_true", help="rows of form and numbersPerSecond")
    options.add_argument("--numbers", type=int, default=50_000, help="how many are in the mix (%(default)s)")
    options.add_argument("--rounds", type=int, default=5, help="the median of so many (%(default)s)")
    chosen = options.parse_args()

    random = Random(7)  # noqa: S311 - nothing secret
    lots = {
        form: [made_up(random, form) for _ in range(max(1, chosen.numbers * share // 100))]
        for form, share in MIX.items()
    }
    mixed = [number for lot in lots.values() for number in lot]
    random.shuffle(mixed)
    candidates(mixed[0])  # the tables are made ready at the first call
    rows = [{"form": "mixed", "numbersPerSecond": speed(mixed, chosen.rounds)}]
    rows += [{"form": form, "numbersPerSecond": speed(lot, chosen.rounds)} for form, lot in lots.items()]
    if chosen.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['numbersPerSecond']:>10,}  {row['form']}")


if __name__ == "__main__":
    main()
