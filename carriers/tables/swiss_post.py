"""Swiss Post's event codes, shipment words, and rules for its sentences in the country's languages and English.

Source: open clients of Swiss Post's public tracking, which show its codes beside its own texts; Swiss Post publishes
no list. A code without a text here rests on one client, unverified. Knows codes and statuses, nothing else.
"""

from carriers.sdk import Codes, TextRule, TextRules

#: Keys: the last part of a dotted code (4000 of `PARCEL.*.84.4000`), which means the same for parcels and letters;
#: `REVOKED/4000` for a scan that was taken back, `RETURNED/4000` for a delivery of what went back to its sender; the
#: words are those of a shipment as a whole.
CODES = Codes(
    CONFIRMED="""
        600 620         # data received; from a sender abroad
        854 859         # will shortly be handed over
        REPORTED REGISTERED
    """,
    CARRIER_PICKED_UP="""
        100 912         # mailed
        200             # unverified
        500 501 502     # picked up at the sender
    """,
    IN_TRANSIT="""
        803 804 805     # customs clearance under way, completed
        819 842 902 919 # of customs, too; unverified, presumably none holds it
        818 820 915     # in the destination country, forwarded, left the border point
        813 815 847 904 906 908 909 913 918 920 921     # unverified
        1001            # at the collection or delivery point: it does not say which
        1002            # unverified
        1100            # at the delivery point
        1201 1213 1218  # sorted for delivery
        1202 1204       # sorted, processed
        4020            # forwarded abroad
        CUSTOMS TO_BE_DELIVERED
    """,
    OUT_FOR_DELIVERY="""
        1003            # loaded into the delivery vehicle
        IN_DELIVERY
    """,
    ATTEMPTED_DELIVERY="""
        910             # nobody at home, a collection note was left
        923 934         # recipient unknown, undeliverable: from abroad, where it may be tried again
        924             # unverified
        MISSED_DELIVERY NOT_DELIVERED
    """,
    READY_FOR_PICKUP="""
        2102            # in a My Post 24 terminal; the shipment as a whole reads DELIVERED then
        AVAILABLE       # no code of Swiss Post's: a sentence that says so
    """,
    PICKED_UP="COLLECTED    # no code of Swiss Post's: a sentence that says so",
    DELIVERED="""
        3800            # into the letter box
        4000 4001
        938 4600        # unverified
        DELIVERED
    """,
    DELAYED="1800         # delay",
    ON_HOLD="HELD         # no code of Swiss Post's: a sentence that says so",
    RETURNING="""
        3600            # returned
        RETURNED
        RETURNED/938 RETURNED/3800 RETURNED/4000 RETURNED/4001 RETURNED/4600
    """,
    CORRECTED="REVOKED/938 REVOKED/3800 REVOKED/4000 REVOKED/4001 REVOKED/4600",
    INFORMATIONAL="""
        REVOKED         # another scan was taken back
        926             # kept longer as the recipient wished
        9112 9224       # enquiry initiated, order of the recipient
    """,
)

#: For an event whose code is missing or unknown. The sentences are Swiss Post's; only those marked were not seen.
TEXTS = TextRules(
    TextRule(
        "en",
        "600",
        r"your shipment will shortly be handed over to (the )?swiss post",
        "Your shipment will shortly be handed over to Swiss Post",
    ),
    TextRule("de", "600", r"dateneinlieferung durch aufgeber", "Dateneinlieferung durch Aufgeber"),
    TextRule("fr", "600", r"données reçues de l['’]expéditeur", "Données reçues de l'expéditeur"),  # unverified
    TextRule("it", "600", r"dati ricevuti dal mittente", "Dati ricevuti dal mittente"),  # unverified
    TextRule("en", "100", r"time at which your consignment was mailed", "Time at which your consignment was mailed"),
    TextRule("de", "100", r"zeitpunkt der aufgabe ihrer sendung|aufgabe", "Zeitpunkt der Aufgabe Ihrer Sendung"),
    TextRule("fr", "100", r"heure de dépôt de votre envoi", "Heure de dépôt de votre envoi"),  # unverified
    TextRule(
        "it", "100", r"momento dell['’]impostazione del suo invio", "Momento dell'impostazione del suo invio"
    ),  # unverified
    TextRule("en", "1201", r"(consignment has been )?sorted for delivery", "Consignment has been sorted for delivery"),
    TextRule("de", "1201", r"sortiert für die zustellung", "Sortiert für die Zustellung"),
    TextRule("fr", "1201", r"trié pour la distribution", "Trié pour la distribution"),  # unverified
    TextRule("it", "1201", r"smistato per il recapito", "Smistato per il recapito"),  # unverified
    TextRule(
        "en",
        "1202",
        r"consignment has been sorted and forwarded|shipment was sorted",
        "Consignment has been sorted and forwarded",
    ),
    TextRule("de", "1202", r"sortiert|sortierung", "Sortiert"),
    TextRule("fr", "1202", r"trié|tri", "Trié"),  # unverified
    TextRule("it", "1202", r"smistato|smistamento", "Smistato"),  # unverified
    TextRule("en", "1001", r"arrival at the collection/delivery point", "Arrival at the collection/delivery point"),
    TextRule(
        "fr",
        "1001",
        r"arrivée à l['’]office de retrait ?/ ?à l['’]office de distribution",
        "Arrivée à l’office de retrait / à l’office de distribution",
    ),
    TextRule("de", "1100", r"(ankunft|eingang) zustellstelle", "Ankunft Zustellstelle"),
    TextRule("en", "1003", r"loading into (the )?delivery vehicle", "Loading into delivery vehicle"),
    TextRule("de", "1003", r"verlad (zustell)?fahrzeug", "Verlad Fahrzeug"),
    TextRule(
        "fr",
        "1003",
        r"chargement (du|dans le) véhicule( de distribution)?",
        "Chargement dans le véhicule de distribution",
    ),  # unverified
    TextRule("it", "1003", r"carico sul veicolo( di recapito)?", "Carico sul veicolo di recapito"),  # unverified
    TextRule("de", "COLLECTED", r"zugestellt am schalter", "Zugestellt am Schalter"),
    TextRule("fr", "COLLECTED", r"distribué au guichet", "Distribué au guichet"),  # unverified
    TextRule("it", "COLLECTED", r"recapitato allo sportello", "Recapitato allo sportello"),  # unverified
    TextRule("en", "COLLECTED", r"delivered at (the )?counter", "Delivered at the counter"),  # unverified
    TextRule("en", "3800", r"delivered to the mailbox/letter box", "Delivered to the mailbox/letter box"),
    TextRule("en", "4000", r"delivered|delivered via secondary recipient", "Delivered"),
    TextRule("de", "4000", r"zugestellt( an domiziladresse)?", "Zugestellt an Domiziladresse"),
    TextRule("fr", "4000", r"distribué", "Distribué"),
    TextRule("it", "4000", r"recapitato", "Recapitato"),
    TextRule("en", "2102", r"deposited in the mypost ?24 (machine|terminal)", "Deposited in the MyPost24 machine"),
    TextRule("de", "AVAILABLE", r"(die )?sendung kann abgeholt werden", "Sendung kann abgeholt werden"),
    TextRule("de", "AVAILABLE", r"avisiert ins postfach", "Avisiert ins Postfach"),
    TextRule("fr", "AVAILABLE", r"l['’]envoi peut être retiré", "L'envoi peut être retiré"),  # unverified
    TextRule("it", "AVAILABLE", r"l['’]invio può essere ritirato", "L'invio può essere ritirato"),  # unverified
    TextRule("en", "AVAILABLE", r"ready for collection", "Ready for collection"),  # unverified
    TextRule("en", "910", r"registered for collection", "Registered for collection"),
    TextRule("de", "910", r"zur abholung gemeldet|zustellversuch: empfänger abwesend", "Zur Abholung gemeldet"),
    TextRule(
        "fr",
        "910",
        r"annoncé pour retrait( \(invitation à retirer un envoi\))?",
        "Annoncé pour retrait (invitation à retirer un envoi)",
    ),
    TextRule("it", "910", r"avvisato per il ritiro( \(invito di ritiro\))?", "Avvisato per il ritiro"),  # unverified
    TextRule("en", "803", r"customs clearance process underway", "Customs clearance process underway"),
    TextRule("de", "803", r"im postverzollungsprozess|exportverzollung", "Im Postverzollungsprozess"),
    TextRule(
        "de", "HELD", r"(die )?sendung wurde vom zoll zurückgehalten", "Die Sendung wurde vom Zoll zurückgehalten"
    ),  # unverified
    TextRule("en", "HELD", r"held by customs", "Held by customs"),  # unverified
    TextRule("fr", "HELD", r"retenu par la douane", "Retenu par la douane"),  # unverified
    TextRule("it", "HELD", r"trattenuto dalla dogana", "Trattenuto dalla dogana"),  # unverified
    TextRule("en", "3600", r"return(ed)?( to sender)?(: .+)?", "Return: not collected"),  # unverified
    TextRule("de", "3600", r"rücksendung(: .+)?", "Rücksendung"),
    TextRule("fr", "3600", r"renvoi(: .+)?", "Renvoi"),  # unverified
    TextRule("it", "3600", r"rinvio(: .+)?", "Rinvio"),  # unverified
    table=CODES,
)
