"""The sandbox as a process of its own: `python -m tracker.sandbox --port 8090 --parcels 500 --seed 7`.

Prints one line of JSON, `{"url": ...}`, once it answers; lives on the clock that TRACKER_SIMULATED_CLOCK
describes; SIGTERM or SIGINT ends it.
"""

import argparse
import asyncio
import json
import os
import signal
from datetime import timedelta

from tracker.clock import Clock
from tracker.sandbox.carriers import CARRIERS
from tracker.sandbox.quotas import Limit
from tracker.sandbox.server import serve
from tracker.sandbox.world import World


def main() -> None:
    """Read the arguments, draw the world, serve it."""
    arguments = _parser().parse_args()
    world = World(
        Clock.from_environment(os.environ),
        parcels=arguments.parcels,
        seed=arguments.seed,
        carriers=arguments.carriers,
        labels=(timedelta(hours=arguments.labels[0]), timedelta(hours=arguments.labels[1])),
        quotas=dict(arguments.quota),
    )
    asyncio.run(_run(world, arguments.port))


async def _run(world: World, port: int) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with serve(world, port) as url:
        print(json.dumps({"url": url}), flush=True)
        await ended.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracker.sandbox", description="A world to run the tracker against."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--parcels", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--carriers", nargs="+", choices=tuple(CARRIERS), default=tuple(CARRIERS))
    parser.add_argument(
        "--labels",
        nargs=2,
        type=float,
        default=(-12.0, 24.0),
        metavar=("FROM", "TO"),
        help="hours from now between which labels are made",
    )
    parser.add_argument(
        "--quota",
        action="append",
        type=_quota,
        default=[],
        metavar="SERVICE=LIMITS",
        help="in place of the service's own: usps=per_hour:600, dhl=per_day:1000,per_second:1, ups=none",
    )
    return parser


def _quota(text: str) -> tuple[str, tuple[Limit, ...]]:
    service, _, limits = text.partition("=")
    try:
        return service, Limit.read(limits)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    main()
