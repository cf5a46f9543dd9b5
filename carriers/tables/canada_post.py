"""Canada Post's event identifiers, and the wordings that make one of them mean something else.

Owns what each identifier means. Knows no payload. Source: Canada Post's list of tracking scan events, as open
clients reproduce it with its English and French texts; the words after `#` shorten these. A doubt stands beside
its line. Identifiers are four digits, as answers have them; `1496/RETURNING` is identifier 1496 with a text
that one of the rules below reads as RETURNING.
"""

from carriers.sdk import Codes, TextRule, TextRules

CODES = Codes(
    CONFIRMED="""
        3000                            # electronic information submitted by shipper
        3002                            # return label created: the first event of a return's own number
    """,
    CARRIER_PICKED_UP="""
        1300 1301 1302                  # accepted, accepted at the post office
        1303                            # a return accepted at the post office, under its own number
        2300                            # picked up by Canada Post
        4000                            # mailed in the origin country
    """,
    IN_TRANSIT="""
        0100 0102 0104 0105 0106 0107   # processed
        0170 1240 1241 1244 2500 2501   # processed; 1241 in French: redirected
        0113 0114 0115 0116             # at a partner's facility, left it, transferred to a partner
        0175 0804                       # in transit
        0198                            # label correction applied
        0400 0405 0410                  # arrived, departed
        0700 0701                       # arrived in Canada
        0800                            # presented to the Canada Border Services Agency for review
        0815                            # prepared for export
        0130 0900 0910 4500 5201        # released by customs
        1480 1490 4700/IN_TRANSIT       # redirected to the recipient's new address
        1703 1705                       # in transit to a post office, to a parcel locker
        4100 4202                       # processed in the origin country, left it
        4310 4311                       # arrived in a foreign country
        4330 4400 4450                  # presented to import customs, sent to it, returned from it
        4550 4600                       # in transit to the delivery office, received there
        4900 4950                       # in a country of transit, forwarded
        8901                            # transited Canada, forwarded to its destination
    """,
    OUT_FOR_DELIVERY="0174 0500",
    ATTEMPTED_DELIVERY="""
        1411                            # business closed; held for a second attempt
        1443                            # attempted; rescheduled for the next business day
    """,
    READY_FOR_PICKUP="""
        0156                            # final notice: returned to the sender if not collected within 10 days
        1405                            # in an automated parcel locker
        1407 1701 2407                  # available for pickup, at the post office
        1435 1436 1437 1438 1479 1488   # notice card left: where and when to pick it up
    """,
    PICKED_UP="1406                     # picked up from the automated parcel locker",
    DELIVERED="""
        1408 1409                       # delivered; a copy of the signature from customer service
        1421 1422 1423 1424 1425        # front door, side door, back door, garage, concierge
        1426 1427                       # parcel box, safe drop location
        1428 1429 1430 1431 1432        # the same once more
        1433 1434
        1441 1442                       # community mailbox or parcel locker of the address
        1461 1462                       # concierge or building manager
        1463 1465 1466 1467 1468 1469 1473 1475     # mailroom
        1471 1472                       # the recipient's own delivery partner
        1476 1496 1498
        1497 1499 5300                  # safe drop location, parcel box: only in older lists
    """,
    DELAYED="""
        0159 0160 0161 0162 0163        # weather, demonstration, labour disruption, transport, power outage
        0171 1412 2412 4700/DELAYED     # Canada Post is verifying the recipient's address
        0172 0173                       # re-routed after a processing error; addressing error being corrected
        0621 0622 0623 0624 0625 0626 0627 0628     # delayed to the next business day
        1414 2414 1444                  # (re)scheduled for the next business day
        0629 0630                       # locker expired or unusable: goes to a post office
        0710                            # arrived in Canada damaged, sent for further processing
        1200                            # expected delivery date updated; unverified: to a later one
    """,
    ON_HOLD="""
        0117 0118 0120                  # papers, recipient outside the partner's area, incorrect address
        0121                            # held: refused or unclaimed, what becomes of it is not said
        0127 0810                       # held by customs
        1410 2410                       # at the recipient's request
        1450                            # held at a secure facility; contact customer service
        1484 1494 4700                  # held
        1487 1495 2601                  # back to Canadian customs, where the recipient appeals the duties
        2411                            # business temporarily closed
    """,
    FAILURE="""
        0150                            # hold period expired, disposed of
        0179 1483 1493 4650             # cannot be delivered; in French: sent to the undeliverable mail office
        0190                            # retail transaction voided
        4450/FAILURE                    # import refused by customs
    """,
    RETURNING="""
        0167 0168 0169                  # postage, product requirements, label of an international item
        0181 0182 0183 0184             # label invalid, papers, service suspended, non-mailable matter
        1100                            # refused by customs, being returned
        1415 1416 1417 1418 1419 1420   # address, not located, refused, proof of age, unclaimed
        1481 1482 1491 1492             # not located, refused
        2600 2802 3001                  # returned and on the way, undeliverable abroad, being returned
        0174/RETURNING 1412/RETURNING 2412/RETURNING 1479/RETURNING
        1496/RETURNING 1498/RETURNING 1703/RETURNING 4700/RETURNING
    """,
    INFORMATIONAL="""
        0020 0021 2001                  # signature, verbal signature, photo
        0152 2101                       # money of a collect on delivery
        0610 0611 0612 0613 0614 0615   # says where at the address it lies ...
        0616 0617 0618 0619 0620        # ... the delivery has a scan of its own (unverified)
        1203                            # expected delivery date updated
        1210 1214 1215 1216             # duty and taxes paid, refunded
        1220 1221 1222 1223 1224 1225   # delivery preference
        1230 1232 1234 1245             # redirection requested, cancelled, not possible
    """,
)

#: Wordings of identifiers that say more than one thing. The French ones were seen in answers; the English ones
#: for parcels on their way back are translations, unverified.
WORDINGS = TextRules(
    TextRule(
        "en",
        "RETURNING",
        r"(the )?item (was |has been )?(successfully )?(returned|delivered) to (the )?sender",
        "Item successfully returned to sender",
    ),
    TextRule(
        "en",
        "RETURNING",
        r"(the )?item (being )?returned to (the )?sender (is )?out for delivery",
        "Item returned to sender is out for delivery",
    ),
    TextRule(
        "en",
        "RETURNING",
        r"(the )?item (being )?returned to (the )?sender (has )?arrived at (the )?postal facility",
        "Item returned to sender has arrived at the postal facility",
    ),
    TextRule(
        "en",
        "RETURNING",
        r"attempt(ed)? to return (the )?item to (the )?sender[.;] .{1,80}",
        "Attempted to return item to sender. Notice card left indicating where to pick up",
    ),
    TextRule(
        "en",
        "RETURNING",
        r"(.{1,80}[.;] )?item (is )?being returned to (the )?sender",
        "Recipient not located at address provided. Item being returned to sender.",
    ),
    TextRule(
        "fr",
        "RETURNING",
        r"l['’]article a été renvoyé avec succès à l['’]expéditeur",
        "L'article a été renvoyé avec succès à l'expéditeur.",
    ),
    TextRule(
        "fr",
        "RETURNING",
        r"l['’]article renvoyé à l['’]expéditeur est (sorti pour livraison|arrivé à l['’]installation postale)",
        "L'article renvoyé à l'expéditeur est sorti pour livraison.",
    ),
    TextRule(
        "fr",
        "RETURNING",
        r"tentative de renvoyer article à expéditeur[.;] .{1,80}",
        "Tentative de renvoyer article à expéditeur. Carte laissée indiquant où ramasser.",
    ),
    TextRule(
        "fr",
        "RETURNING",
        r"(.{1,80}[.;] )?article (renvoyé|retourné) à l['’]expéditeur",
        "Destinataire ne demeure pas à l'adresse indiquée. Article renvoyé à l'expéditeur",
    ),
    TextRule(
        "en",
        "IN_TRANSIT",
        r"item redirected to recipient['’]s new address",
        "Item redirected to recipient's new address",
    ),
    TextRule(
        "fr",
        "IN_TRANSIT",
        r"article réexpédié à la nouvelle adresse du destinataire",
        "Article réexpédié à la nouvelle adresse du destinataire.",
    ),
    TextRule(
        "en",
        "DELAYED",
        r"verifying recipient['’]s address; possible delay",
        "Verifying recipient's address; Possible delay",
    ),
    TextRule(
        "fr",
        "DELAYED",
        r"vérification de l['’]adresse du destinataire; délai possible",
        "Vérification de l'adresse du destinataire; délai possible",
    ),
    TextRule(
        "en",
        "FAILURE",
        r"import(ation)? refused by (the )?customs authorities",
        "Import refused by customs authorities",
    ),
    TextRule(
        "fr",
        "FAILURE",
        r"importation refusée par les autorités douanières",
        "importation refusée par les autorités douanières",
    ),
)


def key(identifier: str, description: str) -> str:
    """The table's key for an event: its identifier in four digits, refined by its text where that says more."""
    padded = identifier.zfill(4) if identifier.isdigit() and len(identifier) < 4 else identifier
    word = WORDINGS.code(description) if description else None
    return f"{padded}/{word}" if word and f"{padded}/{word}" in CODES else padded
