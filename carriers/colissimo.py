"""Colissimo: La Poste's parcels, through La Poste's Suivi v2.

Owns what sets it apart from La Poste: its names, and the six-letter codes of its own older tracking service, which
say more than Suivi's. How an answer is read is `carriers.la_poste`'s.
"""

from dataclasses import replace

from carriers.la_poste import LaPoste
from carriers.sdk import Codes
from carriers.tables.la_poste import COLISSIMO, SUIVI

CODES = Codes(
    **{
        column: f"{SUIVI.get(column, '')}\n{COLISSIMO.get(column, '')}"
        for column in dict.fromkeys((*SUIVI, *COLISSIMO))
    }
)


class Colissimo(LaPoste):
    """Parcels (`holder` 4 in Suivi's answers)."""

    info = replace(
        LaPoste.info,
        code="colissimo",
        name="Colissimo",
        names=(
            "Coliposte",
            "La Poste Colissimo",
            "LaPoste Colissimo",
            "Colissimo La Poste",
            "Colissimo France",
            "Colissimo Domicile",
            "Colissimo International",
            "Colissimo Point Retrait",
            "So Colissimo",
        ),
    )
    codes = CODES
