"""La Poste's event codes: those of Suivi v2, which its letters, Colissimo and Chronopost share, and the older six
letters of Colissimo's own service.

Source: Suivi v2's documentation and the texts La Poste puts beside the codes; Colissimo's from open clients, with
their texts. Knows codes and statuses, nothing else; columns are those of `carriers.sdk.Codes`.
"""

from collections.abc import Mapping

SUIVI: Mapping[str, str] = {
    "CONFIRMED": "DR1    # declared: La Poste has the data",
    "CARRIER_PICKED_UP": "PC1 PC2    # taken over: by La Poste, in the country of origin",
    "IN_TRANSIT": """
        ET1         # being transported or processed; no delivery round, as some read it
        ET2 ET3 ET4 # processed in the country of origin, of destination, of transit
        EP1         # waits to be presented
        DO1 DO2     # entered customs, left customs
    """,
    "UNSCANNED": "PB2      # the problem is solved",
    "OUT_FOR_DELIVERY": "MD2",
    "ATTEMPTED_DELIVERY": "ND1    # could not be delivered",
    "READY_FOR_PICKUP": "AG1",
    "DELIVERED": "DI0 DI1    # in bulk, as usual",
    "DELAYED": """
        DR2         # the sender has trouble preparing it
        PB1         # trouble on the way
        DI3         # the delivery is late
    """,
    "ON_HOLD": "DO3        # held by customs",
    "RETURNING": """
        RE1         # goes back to the sender
        DI2         # delivered to the sender
    """,
    "INFORMATIONAL": "ID0  # information from customs",
}

COLISSIMO: Mapping[str, str] = {
    "CONFIRMED": "COMCFM PCHMQT   # announced; not handed over yet",
    "CARRIER_PICKED_UP": """
        PCHCFM PCHCEX   # taken over
        DEPGUI          # dropped off at a counter; a client reads it as waiting there, which its text does not say
    """,
    "IN_TRANSIT": """
        AARCFM      # at the delivery site
        EXPCFM CHGCFM DCHCFM DCHDDT     # leaves the country, in France, in the destination, past its exchange office
        RENLNA      # sent on to another address as the recipient wished
        RSTNCG      # waits for the next round
    """,
    "ATTEMPTED_DELIVERY": """
        RENNRV RENARV   # nobody at home, comes again on the next working day
        RENACP          # put off, nobody at home (or force majeure)
    """,
    "READY_FOR_PICKUP": "RENAVI MLVARS RSTBRT",
    "DELIVERED": """
        LIVCFM
        LIVGAR LIVRTI   # to the caretaker, to a neighbour
    """,
    "DELAYED": "AARDVY     # at the wrong site",
    "ON_HOLD": """
        RENAIN RENCAD   # the address lacks something
        DOUDOU DOUIDD DOUEXI DOUPRO     # customs: clearance, contents, number of parcels, forbidden there
        DOUAGV DOUCOI DOUCOM DOUCRR DOUDDI DOUDDM DOUFCI DOUFCM    # customs: a paper is missing or wrong
        DOUDVR DOUIIR DOUNIR DOURES     # customs: payment, information, VAT or import number, licence
    """,
    "RETURNING": """
        RENAVA RENDIV RENSNC RENTAR     # refused, goes back
        RENSRB      # cash on delivery refused, goes back
        RENDIA      # does not live there, goes back
        SOLREO SOLREI
        LIVREO      # delivered to the sender
    """,
    "INFORMATIONAL": """
        QDICFM      # will be presented on the next working day
        ENEMQT      # was not in the letter box from which it was to be collected
    """,
}
