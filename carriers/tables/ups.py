"""UPS's code tables: status codes, types, and the appendix lists a scan's `code` comes from.

Owns what each code means, and which status codes are too vague to decide alone. Knows no payload.

Source: the appendices of the UPS Tracking API v1. The lists overlap (`OD`, `DP`, `YI` stand in several
with different meanings), so every list is a table of its own. The words after `#` shorten UPS's. Doubts
are marked with `?`.
"""

from carriers.sdk import Codes

#: Three-digit `statusCode`s, padded with zeros.
STATUS = Codes(
    CONFIRMED="""
        003 157                         # ready for UPS
        044 045                         # on the way to UPS: still with the shipper or a drop-off point
        077 079 080                     # scheduled for pickup; order processed
        166                             # ready for Roadie
    """,
    CARRIER_PICKED_UP="""
        038 160                         # picked up; we have your package
        167 168 169                     # dropped off at a UPS Store, a shop, an access point
    """,
    IN_TRANSIT="""
        005 010 025 039 047             # on the way
        087 158 159 164 165             # on the way
        016 057 071                     # in a warehouse; to an access point; preparing for delivery
        073 074 137                     # with or on the way to a delivery partner
        094 138                         # recovered; awaiting scheduled departure
    """,
    UNSCANNED="""
        012 092 126                     # clearance in progress, nothing is asked of anybody
        014 084 134                     # cleared: papers, perhaps ahead of the package
        070                             # not at the access point yet
    """,
    OUT_FOR_DELIVERY="006 021 037 072 078 089 091 146 162",
    ATTEMPTED_DELIVERY="""
        022 023 024 060 145             # first, second, final attempt
        061 062                         # adult signature, funds required
        066                             # by the post office
    """,
    READY_FOR_PICKUP="""
        017 040                         # held, ready for customer pickup
        144 161                         # delivered to a post office for pickup, to an access point
    """,
    DELIVERED="""
        011 026                         # delivered; by the local post office
        143                             # to an agent, who takes it on the recipient's behalf ?
        156                             # commercial inside release
    """,
    DELAYED="""
        013 030 076                     # exception; of the post office, of a delivery partner
        032 051 052 053                 # severe weather, emergency
        046 048 086 090                 # delay
        059                             # damage reported
        093 132                         # Premier recovery; airport security
    """,
    ON_HOLD="""
        019 083                         # held for future delivery; held
        029 049 050                     # action required; address information required
        058 124 125                     # clearance information needed
        085 104                         # held for payment, for instructions
        123 139                         # a broker must release it; security access needed
    """,
    FAILURE="""
        007                             # label voided
        064                             # refused
        068 069                         # lost and found; unable to deliver
        147 149                         # seized, destroyed
    """,
    RETURNING="""
        034 035 036 067                 # returned or returning to the sender, also by the post office
        081                             # returned, damage reported
        117 118                         # the return is confirmed, no longer only requested
    """,
    CORRECTED="130                      # a claim is in progress: what was booked as delivered is in doubt",
    INFORMATIONAL="""
        000 088 148 163                 # no status, test, package information unavailable
        018 020 033 119                 # hold, future delivery, return: requested, not done
        027 028 041 042 054 056 063     # address, service or delivery change
        043 065 131 135                 # pickup voided or attempted in vain
        055 075 082 136                 # rescheduled, scheduled, instructions received
        095 096 097 098 099             # address and attempt requests
        100 101 102 103 105 106 107 108 109 110 111 112 113 114 115 116     # requests and their confirmation
        120 121 122
        127 128 129                     # investigation closed, cancelled, opened
        133                             # return label left with the customer
        140 141 142                     # claim paid, lacks documents, voided
        153 154 155                     # new time, new date, photo
    """,
)

#: Status codes that only name a family ("On the Way", "Delay", "Exception"): a scan's own `code`, where the
#: tables know it, says more and decides.
_VAGUE = """
    005 010 025 039 047 087 158 159 164 165
    044 045 013 030 076 029 049
    046 048 086 090 059 083 069
    000 055
"""
VAGUE_STATUS = frozenset(_VAGUE.split())

#: `type`, the coarse field of every activity. DO, DD, W and NA come with freight, U with Track Alert only.
TYPE = Codes(
    CONFIRMED="M",
    CARRIER_PICKED_UP="P",
    IN_TRANSIT="I DO DD                 # DO, DD: at the freight station of origin, of destination",
    OUT_FOR_DELIVERY="O",
    DELIVERED="D",
    DELAYED="X",
    ON_HOLD="W                          # warehousing",
    FAILURE="MV                         # manifest voided",
    RETURNING="RS",
    INFORMATIONAL="U NA",
)

#: Ordinary scans.
MOVEMENT = Codes(
    CONFIRMED="OC PL SP                 # OC, PL: a label, no package yet; SP: pickup scheduled for today",
    CARRIER_PICKED_UP="OR PC PU PT XD   # origin scan, picked up by car, pickup scan, trailer, drop-off",
    IN_TRANSIT="""
        AG AR AT DL DP DS EP HU IP LC LM UL WH
        XA XR YH YM YN                  # at or on the way to the local post office
        YP                              # preparing for delivery, perhaps not today
    """,
    OUT_FOR_DELIVERY="""
        OF OT YF YI
        OD                              # on the delivery vehicle; on a Saturday perhaps for Monday
    """,
    INFORMATIONAL="CA CD CL UA UD VP    # a scan cancelled or updated, a pickup voided",
)

MANIFEST = Codes(CONFIRMED="DP MP RD", FAILURE="VP                      # cancelled, shipment voided")

#: Track Alert's updates: photo, delivery date, delivery time.
UPDATE = Codes(INFORMATIONAL="PX UP UT")

#: What the driver's hand-held recorded ("DIALS").
DELIVERY = Codes(
    CARRIER_PICKED_UP="A0 VS            # picked up at a USPS facility; tendered to UPS",
    IN_TRANSIT="""
        2D 2J F0 F3 YH                  # arrivals and departures, USPS's too
        4X                              # to a UPS facility, goes on under another number
        85 EC                           # in the warehouse; redispatched
    """,
    UNSCANNED="""
        70 B2 83 BN EZ                  # awaiting customs, cleared
        7A                              # to an access point next business day
    """,
    OUT_FOR_DELIVERY="2K 7K FB",
    ATTEMPTED_DELIVERY="BI CI CO DI DO FO   # closed, not in, not ready, no money, other, closed early",
    READY_FOR_PICKUP="""
        1N 2Q                           # delivered to a locker, to an access point
        EP ZQ                           # held at the post office, for collection
    """,
    UNCOLLECTED="5F                     # not collected after all, back in the access point's inventory",
    PICKED_UP="2W",
    DELIVERED="""
        3F 3G 3H M1 M2 M3 M4 M5 M6 M7 M8 M9 MA MB MC MD ME MG MH MJ MK ML MM MN MP MQ MR MS MU MW MX
        NL NT OZ P5 PF ZF ZG ZH AI 8O   # left at, left with
        ZI                              # left at a UPS shop: a mailbox address there ?
        9E OO UC FV YC ZE               # completed, released, by the local post office
        FS KB                           # seen with statusCode 011, not in the appendix
        F7                              # to an agent for final delivery ?
    """,
    DELAYED="""
        0 9 12 32 57 7B 98 EA EK FZ     # late, missed, no attempt
        41 42 44 CB EF EG EL EM         # special flight arranged
        CR EI EJ                        # weather, mechanical
        DK L4                           # customs inspect it
        GK KU                           # contents short, shipment incomplete
    """,
    ON_HOLD="""
        50 BO DZ MV F2                  # address or delivery information wrong or incomplete
        BS FC                           # receiver can't be reached
        74 CU                           # label missing or illegible
        28 BM                           # damaged, too large
        61 62 BL RN                     # hazardous or restricted contents
        86 ET RQ SG ST                  # with the broker, documents missing, agency hold, customs reject
        AU TW                           # receiver asks to hold it; supervisor must approve
    """,
    FAILURE="53                         # refused",
    RETURNING="B0                       # delivered to the original sender",
    INFORMATIONAL="""
        1Z 2C 38 GW 8Q F1 FD HI EQ      # requests, appointments, intercept, upgrade
        8N L6 LM UJ EB EE FI            # nothing about the package itself
        NS NX OE                        # gate and security codes
        MY SB SE                        # return label left; papers pulled or replaced
    """,
)

#: Package exceptions. UPS sends most with a statusCode; where that is specific, it decides.
EXCEPTION = Codes(
    CONFIRMED="""
        9D 9J 9K                        # label printed and applied
        5D                              # drop-off cancelled, UPS does not have the package
    """,
    CARRIER_PICKED_UP="HF P4 Z5         # picked up, we have your package, pickup scan",
    IN_TRANSIT="""
        2O F0 F3 GD HL HM PG RB YT      # arrived, departed, processed, redirected, in a warehouse
        IP XD YX                        # import and export scan
        TE W8                           # moves in bond, to a free trade zone
        2S 2V 4B 4H LX RC YG ZK ZN ZW   # with the post
        OA VX ZV                        # with a forwarder, a courier partner, an agent
        3P 4J YR                        # back from an access point, out of storage, at the last facility
        7C LY ZX ZY ZZ                  # upgraded and sent, final delivery leg, expedited
    """,
    UNSCANNED="""
        5 1U 2N 2T B4 B8 BW BX CE DE E4 E8 E9 L3 OB R4      # an agency must release it; no-one is asked
        R5 RD RE RM RP RZ SF SS VK X2 X3 X7 XJ XK XL XY     # for anything
        4C 7M B3 B6 BV C3 D5 DB ER HW S4 S5 SI SY X4        # being prepared for clearance
        7I LV TG TT Y1 Y5 Z1            # papers reviewed, resubmitted; awaiting release
        DA Z3 X0 1M                     # released by the agency, to the broker; hold resolved
        1P 4F 6P 8R I8 SX UI            # in transit, delivery being scheduled
        5S 5V 5W 6H 6J 6K 7D RI ZD ZL   # will go to an access point
        3S 6I 6L 77 VZ EO P7            # will go to a facility, to the address, by a special flight
    """,
    OUT_FOR_DELIVERY="RK RL ZS          # ZS: to an access point",
    ATTEMPTED_DELIVERY="""
        48 49 C4 GB HQ KX OH            # nobody there
        55 AY G3 L1 ZM                  # business closed
        51 52 KZ                        # no payment
        FM G7 G8 IQ IR PI               # no adult signature, PIN or identification
        YD                              # by the post office, notice left
        2X 5R 6R 89                     # undelivered, goes to an access point now
        5Z 7L 3J 3L 84                  # access point or locker could not take it
    """,
    READY_FOR_PICKUP="""
        I5 ZP 5G 6B                     # at an access point
        54 O5 O8 UE VB VE VN            # the receiver collects it at a UPS facility
        E2                              # must be picked up within five business days
    """,
    UNCOLLECTED="8I                     # was scanned as picked up by mistake, waits at the access point",
    PICKED_UP="FT",
    DELIVERED="""
        F4 KM FN K7 KN                  # delivered, receipt acknowledged, kept
        56 59 4L 64                     # late, with a lift gate, with damaged contents
        F7                              # to an agent for final delivery ?
    """,
    DELAYED="""
        1 3 4 11 17 18 19 22 1K 1Q 2Z 4K 9S S8 CL MT K1 6E DC ED CD TC 7G   # missed, late, left behind
        6 7 34 D1 8G YI                 # misrouted, missorted
        15 16 23 68 1O CQ DR GH GI LE LF                    # derailment, mechanical failure
        CK CM FG HG NP OD P6            # flights, airport, rail check
        C5 7V 7W DJ PZ DF 1E 2A 7X 3D 6D                    # weather, emergency, natural disaster
        B1 RY Q0 DG H7 VL AZ 9L         # strike, unrest, event, weekend, holiday, Eurotunnel
        8 31 1V 2H 2Y 3A 3B 3C 7Y CC E3 NW UK               # operating conditions
        9M 9N 9O 9P 9Q 9R 9T 9U 9V 9X 9Y 9Z 8K 8L           # operating conditions
        2 14 3T 7Z C6 8Y 8Z 4Y TH GV IB TN                  # delivery rescheduled by UPS, or late
        8A K2                           # tendered too late
        8C 8E 8F                        # may not have arrived on schedule
        1A 1B 1L 1X 7N 87 DU Q1 EH EN GC HA HH TI           # delay, no reason told
        46 D4 DQ S6 6Z                  # service or hours not available at the address
        7R 7S G6 G9 OS                  # security screening, lithium batteries
        1G 1H 72                        # waits for aircraft, vehicle, the rest of the shipment
        XZ OI                           # cleared too late, customs delay
        F8 UP                           # UPS looks for the package
        45 HR TV AJ                     # damaged, contents missing
        25 66 A3 A4                     # damaged or short, what is left is being delivered
    """,
    ON_HOLD="""
        29 1W 2B 7U B5 BG BH BJ BK BP DY EU EV EW FE GF     # receiver or importer owes
        GZ OQ R7 RR RS S2 S3 SJ SL SP X6 XA XB              # clearance information
        40 43 71 4T 7T AO BA BB BD BE CX DN FF L2 L5 OT     # sender owes
        R6 RA S1 SN VP X5 X8 XC XE XG XN XO XV XW           # clearance information
        7P R1 RJ RU SV T9 YA RX         # broker missing or must release, power of attorney missing
        B9 CZ D0 OM                     # invoice, hazard label, clearance or shipment data missing
        CF CN CP CT ES MI X9 Y4 XS      # customs: authorisation, gateway hold, rejected, instruction awaited
        1C 7F D9 EY 33 C7 91 6T         # charges due, billing or C.O.D. not in order
        A5 A6 A7 A8 A9 AA AB AC AD AE AF AG AK AL AV AW CW CY DS DW E1 FA   # address query
        H1 H2 H3 H4 H5 OJ PH TF YF      # address query
        AX BF BQ BT DD DT Y3 VI VJ 5T 5U 7E 99              # receiver's or customer's word awaited
        TK 2E H9 HK I2                  # sender's word awaited
        95 4P 4Q                        # access, approval, authorisation awaited
        39 S7 T3                        # hold requested
        LI MF UG Y7                     # held for a future date
        13 67 4I                        # damage held, in storage
        60 73 9F D2 DP OR TX U0 U3 UR US                    # contents restricted
        C9 CA CV EX                     # too large, too heavy
        47 4Z YU YV                     # address not served; label lost; return not in order
    """,
    FAILURE="""
        AM AN AP AQ AS KI KQ KR KS KT YE                    # refused
        C8                              # receiver out of business
        26 A2 BZ NI 1F 8D YL            # discarded, destroyed
        S9 TJ YM                        # lost and found, postal recovery
        IY J0                           # seized by the post office
        UN HO                           # contents that UPS won't deliver
        4R                              # goes back, or on with a forwarder: UPS does not say which
    """,
    RETURNING="""
        DL KP O4 RV UF                  # will be or is being returned
        UA PP 4S                        # was returned
        24 27 65 A1                     # damaged or short, the rest goes back
        3N 6C                           # not collected at the access point
        7H 8H 90 H8 I1 O0 TU XU         # duties, refused, embargo, requested, regulation, address, compliance
        YJ YK                           # by the post office
    """,
    CORRECTED="""
        TL                              # delivery was booked in error
        UO UL                           # lost package investigation; claim issued
    """,
    INFORMATIONAL="""
        AH IJ 6G 9I                     # address corrected, directions found
        E0 3R 3V O7                     # another address given
        1T 30 37 3Q 3U 3W 4M 4N 78 92   # requests and upgrades
        8M 2R 2U Y9                     # who will deliver, when the post gets it
        AT CS FW G1 H6 HJ J8 JA JH JI JJ JC K8 LZ O1 O2 O3 O6 O9 OL
        L0 L8 R3 R8 S0 SO SU UT         # delivery instructions given
        RF RG RH RO RW T4 T5 T6 TB TR TO UZ UD VA VD VF VG VH VM ZA ZB ZC 7Q 76
        79 JB LU                        # delivery information updated
        93 CH CJ CG 9C                  # tracking number: altered, doubled, replaced, linked
        BR D7 KO TA Y2 63 I3            # somebody was or will be contacted
        E7 1D K5 K6                     # charges paid, refunds
        2G 3Z 5A 5B 6W 6X GN GO GQ GR I9 UW UX              # claims and investigations
        HD HE LN LO LQ HN               # damage reported after delivery, inspections
        F5 J9 T7 T8 V9 VU VV VW Z7 Z8 ZU YS                 # temperature and special handling
        G4 G5 KY YW TS                  # pickup from the sender not possible, return label discarded
        LH                              # no Saturday service
        VQ VR                           # customs reference numbers
        ZO                              # an access point has it ready for UPS: a return or a drop-off ?
    """,
)

#: Mail Innovations: event code / information source. UPS writes the key with its source; a bare event code
#: can't be told from an exception code, and there the statusCode decides.
MAIL_INNOVATIONS = Codes(
    CONFIRMED="2N/IC ML/VT MP/VT MQ/VT PF/H6 Q0/A4",
    CARRIER_PICKED_UP="2O/IC MV/VT VS/VT ZS/VT Q1/A4",
    IN_TRANSIT="""
        1B/IC DQ/IC DR/IC DY/IC DZ/IC EN/IC MU/IC XA/IC YG/IC YH/IC YI/IC ZN/IC ZZ/IC
        DS/VT MR/VT MS/VT MW/VT MX/VT MY/VT MZ/VT OF/VT ZR/VT ZT/VT ZU/VT ZV/VT ZW/VT ZX/VT ZY/VT
        P2/H6 P3/H6 P4/H6 P5/H6 P7/H6 P8/H6 PA/H6 PB/H6
        Q2/A4 Q3/A4 Q4/A4 Q6/A4 Q7/A4 S4/A4 S5/A4 S6/A4 S7/A4 S8/A4
    """,
    OUT_FOR_DELIVERY="1A/IC EL/IC P9/H6 RB/A4 RC/A4 RD/A4 RE/A4",
    ATTEMPTED_DELIVERY="""
        DO/IC DU/IC DV/IC DW/IC DX/IC EM/IC ZM/IC P6/H6
        QS/A4 QT/A4 QU/A4 QV/A4 QW/A4 RF/A4 RG/A4 RH/A4 RI/A4 SR/A4
    """,
    READY_FOR_PICKUP="1C/IC 1D/IC DN/IC AU/VT P0/H6 PC/H6 PE/H6 R1/A4 RP/A4 SO/A4",
    PICKED_UP="1E/IC 1G/IC PP/H6",
    DELIVERED="DL/IC YC/IC F4/VT P1/H6 RQ/A4",
    DELAYED="""
        00/IC EA/IC EC/IC PM/H6 PY/H6 R4/A4 SN/A4 RN/A4     # weather, animals, misrouted
        PD/H6                           # customs delay
        PX/H6 PX/IC QR/A4               # damaged
    """,
    ON_HOLD="""
        EE/IC YF/IC PI/H6 PN/H6 R5/A4 RJ/A4 RK/A4           # address
        ED/IC YD/IC R6/A4               # held at the customer's request
        PK/H6 PO/H6                     # customs hold, information needed
        Q8/A4 Q9/A4 QA/A4 QB/A4 QC/A4 QD/A4 QE/A4 QF/A4 QG/A4 QH/A4 QI/A4 QJ/A4 QK/A4 QL/A4 QM/A4 QN/A4
        QP/A4 QQ/A4                     # retained by customs
        QY/A4 QZ/A4 R0/A4 R2/A4 R3/A4 R7/A4 R8/A4           # held by the carrier abroad
    """,
    FAILURE="""
        EF/IC EG/IC EH/IC YJ/IC YK/IC RM/A4 RR/A4           # undeliverable
        YE/IC PG/H6 PL/H6 PU/H6 QX/A4   # refused
        RA/A4 RL/A4 Q5/A4               # unclaimed, prohibited, rejected
        PH/H6                           # damaged, back to UPS
        R9/A4 YL/IC YM/IC               # lost, dead mail
        RS/A4 RT/A4 RU/A4 RV/A4 RW/A4 RX/A4 RY/A4 RZ/A4 S0/A4 S1/A4 S2/A4 S3/A4     # seized or destroyed
    """,
    RETURNING="""
        1F/IC EI/IC EJ/IC EK/IC KP/IC XD/VT XO/VT PJ/H6 PQ/H6 PR/H6 PS/H6 PT/H6 PV/H6 PW/H6
        S9/A4 SA/A4 SB/A4 SC/A4 SD/A4 SE/A4 SF/A4 SG/A4 SH/A4 SI/A4 SJ/A4 SK/A4 SL/A4 SM/A4 SP/A4 SQ/A4
    """,
    INFORMATIONAL="DM/IC DP/IC EB/IC MT/IC      # redelivery scheduled, reminder, next delivery day",
)

#: Freight activity. Its three digits look like status codes, so it is read only with a freight type.
FREIGHT = Codes(
    CONFIRMED="001 037 038              # information, booking received; collection ordered",
    CARRIER_PICKED_UP="002 017 051",
    IN_TRANSIT="""
        005 007 010 015 016 028 029 030 031 040 046 048 049 052 080     # departures, arrivals, on hand
        009 027 043 067 068 069 070     # in or through customs
        044                             # in a warehouse
        062 063 065 066                 # rail transfers
    """,
    UNSCANNED="056                      # pending the agency's review",
    OUT_FOR_DELIVERY="011 055 057 060   # 055, 060: trailer left at the consignee, not confirmed yet",
    DELIVERED="012 050",
    DELAYED="013",
    FAILURE="014                        # voided",
    INFORMATIONAL="""
        000 003 004 006 036 072         # dates
        020 054                         # appointments
        022 053 058                     # wrapped, shortage noted
        032 033 034 035 039 041 042 045 047     # papers
        059 061 073 074                 # truck at the pickup place, truck gone from the delivery place
    """,
)

#: Freight exceptions.
FREIGHT_EXCEPTION = Codes(
    ATTEMPTED_DELIVERY="02 IE UF        # UF: closed",
    UNSCANNED="68 C7 E4 EX              # released by customs, or registered and pending",
    DELIVERED="10 12 28 31 E9           # received, with a part refused, damaged, too much or too little",
    DELAYED="""
        01 03 04 18 19 22 32 34 39 49 51 59 60 62 63 65 67 71 72 75 78 79 80 81 82 87 88 89 90 93 98
        05 45 BW                        # weather, force majeure
        20 38 40 46 IA                  # place hard to serve
        41 43 44 64 91 92 AR BL BM BP D3 FX IJ IK IL IM MB UL           # airline, vessel
        06 27 97 E8 UJ IC TE TI         # damage, temperature
        55 94 DH HN IP                  # holiday, weekend
        96 MR UM UZ EF TM F3 GD HA HD I4 I5 I6 IN IO IT MS U2 U4 UQ
        A4 A5 D2 E5                     # unbooked, unresolved, partial, to be redelivered
    """,
    ON_HOLD="""
        11 61 99 A1 A2 A3 EC HC 69 95   # customs, government, security hold
        25 26 48 52 57 58 70 73 DP HE IQ LD HG                          # papers, broker, duties
        47 56 74 84 G3 G4 G5 I1 I2 I3 IF IG             # filing data missing or rejected
        21 24 33 53 66 F2 HU            # on somebody's instruction
        B3 B4 B6 B7 B8 B9 C0            # receiver can't be reached for an appointment
        IH UG UH UN U6                  # payment, address, credit, free time
    """,
    FAILURE="""
        D1 D4 D5 E7 II RF UY 54 DG      # refused
        35 HF LC PS UX                  # seized, lost, stolen
        SC                              # cancelled
    """,
    RETURNING="86",
    INFORMATIONAL="""
        07 08 C3 DE E1 E2 UI UK         # appointments
        09 83 85 E6                     # collection or another destination arranged
        14 15 16 17 29 30 36 F1         # differences noted on the way
        42 77 50 76 SA                  # dates, pickup
        AS DX G1 G2 IS U3               # filings accepted, comments
    """,
)

#: All of it, as keys `TABLE/CODE`.
CODES = Codes.joined(
    STATUS=STATUS,
    TYPE=TYPE,
    MOVEMENT=MOVEMENT,
    MANIFEST=MANIFEST,
    UPDATE=UPDATE,
    DELIVERY=DELIVERY,
    EXCEPTION=EXCEPTION,
    MAIL_INNOVATIONS=MAIL_INNOVATIONS,
    FREIGHT=FREIGHT,
    FREIGHT_EXCEPTION=FREIGHT_EXCEPTION,
)
