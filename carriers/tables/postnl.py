"""PostNL's codes: events ("observations", a letter and two digits) and the statuses that group them (1 to 99).

Source: PostNL's reference data of events as open clients copy it, which gives each event no more than its status;
where a client recorded an event's own Dutch text, that text decides and stands beside the code. Knows codes and
statuses, nothing else.
"""

from carriers.sdk import Codes, TextRule, TextRules

CODES = Codes(
    CONFIRMED="""
        1           # pre-advised
        A01 A10 A71 F01 J93 M03 X80 X81
        A03 M02     # announced, not received yet
        13          # pre-advised, not accepted yet
        A22 Q02
    """,
    CARRIER_PICKED_UP="""
        2           # received
        B01 X40
        C02         # "Pakket is ontvangen door PostNL", whatever its status (99, not applicable) says
        3           # collected
        B04
        23          # collection order carried out
        C01
    """,
    IN_TRANSIT="""
        5           # sorted
        A08 A09 A11 A12 A13 A27 A28 A29 A30 A31 A32 A34 A35 A42 A43 A99 J01 J06 J07 J10 J14 J16 J17 J22 J24 J26 J27
        J28 J33 J36 J61 J90 Q12 Q13 R01 R06 X01 X02 X07 X08 X11 X14 X17 X20 X21 X22 X50 X51 X68 Y23 Y24 Y33 Y35 Y60
        Y61 Y62
        7           # in the distribution process
        H32 H35 J08 J29 J39 J41 J42 J45 J47 J48 J55 J94 J95 K14 K15 Q15 S05 T02 X04 X06 X19 X55 Y05
        J04 J30 J31 J32 J40 J44     # on and between rounds; the texts speak of planning and sorting
        J21         # handed to a pickup point, not ready there yet
        J46         # the driver opened the locker it was dropped into
        9           # at customs, not held by them
        J59 X30 X60 X61 X62 X63 X64 X65 X66 Y25 Y29
        20          # being cleared
        A76 X10 X67
        X03         # "Pakket wordt ingeklaard in het land van bestemming", with status 13
        21          # in stock
        V02 V03 V04 V11 V12 V13 V21 V22 V23 V31 V50
        31          # ready for transport to the destination country
        A72 A74 A75 X15
    """,
    UNSCANNED="A21         # the charges were paid",
    OUT_FOR_DELIVERY="J05  # the courier is on the way",
    ATTEMPTED_DELIVERY="""
        8           # not delivered
        H01 H02 H03 H04 H05 H07 H08 H09 H12 H20 H22 H24 H34 H36 H38 H51 H52 J92 K16 K41 K43 Y01 Y02 Y03 Y04 Y08 Y09
        Y10 Y11 Y12 Y13 Y14 Y15 Y16 Y17 Y18 Y19 Y20 Y21 Y22 Y30 Y31 Y32 Y36 Y38 Y39 Y40 Y41 Y42 Y43 Y44 Y50 Y71
        K70         # not delivered, goes to a pickup point; its status is 7
    """,
    READY_FOR_PICKUP="""
        12          # available at the pickup location
        I08 J02 J12 J23 J52 X05
    """,
    PICKED_UP="""
        22          # collected at the post office
        I02 Z80
    """,
    DELIVERED="""
        11          # delivered
        I01 I03 I05 I06 I09 I10 I11 I12 I22 I23 J63 J91 K91 X24 Y26 Z01 Z02 Z03 Z04 Z05 Z06 Z08 Z09
    """,
    DELAYED="""
        6           # not sorted
        D08 H10 K01 K02 K03 K30 K92 V01 V06 Y07
        15 16 17    # missing at collection, at sorting, on the round
        G03 G01 G02 G05 H23 K90
        T04         # "bezorgmoment is bijgewerkt": comes later
    """,
    ON_HOLD="A20         # payment of charges was asked for",
    FAILURE="""
        14          # pre-advised, and definitely not accepted
        M01
        19          # rejected
        F03 F04 F05 F06 F07 F08 F10
    """,
    RETURNING="""
        27          # returned, undeliverable
        H16 H25
        28          # returned, wrong delivery code
        Y37
        I07         # "Retourzending gesorteerd, wordt overgedragen aan afzender", with status 11
    """,
    INFORMATIONAL="""
        4           # not collected; from whom, it does not say
        D02 D03 D04 D05 D06 D07 D09 D40 D41 H31 X42 X43 Y80 Y81
        99          # not applicable
        A41 A46 A73 A94 B06 H15 H17 H18 H30 J56 J80 K25 K71 P20 P21 P22 P23 P24 Q14 Q16 Q17 Q18 Q19 X16 X52 Y45 Y46
        Y47 Y48 Y64 Y65 Y66
        J09         # the delivery moment was changed, also of parcels that wait in a locker; its status is 5
        A04 A18 A19 A24 A25 A65 A95 A96 A98     # notices, forecasts, reminders, delivery choices
        A80         # the signature has come in
        B03 K33 K50 # empty, and a notice
    """,
)

#: Status 7 and its events cover the courier's round and the way between centres alike; the text tells them apart.
TEXTS = TextRules(
    TextRule("nl", "J05", r"(de )?bezorger is onderweg", "Bezorger is onderweg"),
    TextRule(
        "nl",
        "J05",
        r"((je|uw) )?(pakket|zending) is onderweg naar het bezorgadres",
        "Pakket is onderweg naar het bezorgadres",
    ),
    TextRule("en", "J05", r"shipment out for delivery", "Shipment out for delivery"),
    table=CODES,
)
