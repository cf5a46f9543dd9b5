"""A world to run against: carriers and Order Protection on loopback, speaking their own wire formats.

Parcels live through journeys drawn from a seedable model, on a clock that may run thousands of times faster
than the wall's. Knows how the services answer; must not know how anything in this project reads the answers.
"""
