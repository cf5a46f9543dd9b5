"""Chronopost: La Poste's express parcels, through La Poste's Suivi v2.

Why not Chronopost's own SOAP service (`trackSkybillV2`): nobody publishes what its event codes mean, it takes one
number a call, and its times are local. Suivi v2 serves Chronopost's numbers with 23 documented codes, ten numbers a
call and offsets, with a key that Chronopost's customers get as anybody does. Owns what sets it apart from La Poste;
how an answer is read is `carriers.la_poste`'s.
"""

from dataclasses import replace

from carriers.la_poste import LaPoste


class Chronopost(LaPoste):
    """Express parcels (`holder` 3 in Suivi's answers)."""

    info = replace(
        LaPoste.info,
        code="chronopost",
        name="Chronopost",
        tracking_page="https://www.chronopost.fr/tracking-no-cms/suivi-page?listeNumerosLT={number}",  # unverified
        names=(
            "Chronopost France",
            "Chronopost International",
            "Chronopost Express",
            "Chrono Post",
            "Chrono 10",
            "Chrono 13",
            "Chrono 18",
            "Chrono Relais",
            "Chrono Classic",
            "Chrono Express",
            "Shop2Shop",
        ),
    )
