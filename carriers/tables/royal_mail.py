"""Royal Mail's code tables: event codes of the Tracking API v2, and the status categories of its summaries.

Owns what each code means. Knows no payload.

Source: Royal Mail's event list as third parties copy it (code, place in the network, event name, category shown to
customers); the words after `#` shorten its names. RDC, MC and DO are its centres and delivery offices, RTS its
"return to sender". Doubts are marked with `?`.
"""

from carriers.sdk import Codes

#: Keys: event codes; `X*` for a family of them; `CATEGORY/...` for `statusCategory`, which speaks where an event's
#: code is unknown.
CODES = Codes(
    CONFIRMED="""
        EVAIE EVAIP EVAPA               # pre-advice
        EVPPB                           # at a Post Office, inferred; Royal Mail still says "expecting it"
        CATEGORY/WE'RE_EXPECTING_IT
    """,
    CARRIER_PICKED_UP="""
        EVNPB EVPPA                     # accepted at a customer service point, a Post Office
        EVOAC EVOBC                     # accepted, singly or in bulk
        EVBAH EVBAV EVBPM EVBPR EVBSM EVBSR     # accepted at the outward RDC
        EVDAC EVDAV EVDPL EVDPM EVDPR EVDSL EVDSM EVDSR     # accepted at the outward MC
        EVBAW EVBOF EVBRS EVBSS EVBSW   # there, put aside by the machine, sorted by hand
        EVDAA EVDAW EVDOF EVDRO EVDRS EVDSS
        CATEGORY/WE'VE_GOT_IT
    """,
    IN_TRANSIT="""
        EVCAH EVCAV EVCOF EVCPS EVCPW EVCRS EVCRW       # at the inward RDC
        EVIAV EVIMC EVIMS EVIOF EVIPR EVIPS EVIPW EVIRM EVIRO   # at the inward MC
        EVGDO EVNDO EVNMC               # at the DO, forwarded to one, to an MC
        EVODO EVORC EVORI               # despatched, received with its container
        EVOLB EVOOC EVORW EVOVB         # in a wrongly labelled, unannounced or damaged bag; out of course
        EVOUF                           # refused by the aviation authority, goes another way ?
        EVNWA EVNRD                     # address corrected, redirection in place: forwarded
        EVHAC EVHOE                     # at the exporting hub, left the UK
        EVJOE                           # arrived in the UK: abroad somebody else had it first
        EVJIC                           # presented to customs, as planned
        EVJDP EVJEA EVJFC EVJIA EVJNT   # released from customs
        EVILC EVJDU EVJJV EVJLV EVJMV   # left the importing hub
        CATEGORY/IN_TRANSIT CATEGORY/IN_CUSTOMS CATEGORY/RELEASED_FROM_CUSTOMS
    """,
    OUT_FOR_DELIVERY="""
        EVGPD                           # ready at the DO, due today
        CATEGORY/READY_FOR_DELIVERY
    """,
    ATTEMPTED_DELIVERY="""
        EVKAA EVKNA EVKSU               # address inaccessible, no answer, no way into the safeplace
        EVNAA                           # address inaccessible, again on the next working day
        EVNBA EVNSA EVNIL EVNIO         # recorded at the DO: no answer, address inaccessible
        EVNUL EVNUO EVPOU EVPXU         # addressee unknown; the return, if any, has codes of its own
        EVPOA EVPON EVPXA EVPXN         # by a Post Office
        CATEGORY/DELIVERY_ATTEMPTED
    """,
    READY_FOR_PICKUP="""
        EVNAE EVNDA                     # at a customer service point
        EVKLC EVKLS EVNLC EVPLA         # Local Collect: Royal Mail's "delivered" is to a Post Office
        CATEGORY/AVAILABLE_FOR_COLLECTION CATEGORY/READY_FOR_COLLECTION
    """,
    PICKED_UP="EVNCE EVNCO EVNOC EVNSC EVPLC EVPLF CATEGORY/COLLECTED",
    DELIVERED="""
        EVKOP EVKSP EVKSF               # without and with signature, to the safeplace
        EVKDN ENKDN EVKNS               # to a neighbour
        EVNFS EVNLP EVNPO               # recorded at the DO, late, to a PO box
        CATEGORY/DELIVERED
    """,
    DELAYED="""
        EVNDN EVNAR                     # not attempted today
        EVBMI EVCMI EVCPI EVDMI EVGMI EVIMI EVIPI EVNMI EVOMI       # missorted, sent on
        EVBDM EVBSD EVCDM EVCPD EVDDM EVDSD EVGDM EVIDM EVIPD       # damaged, goes on
        EVDLS                           # lost by the machine
        EVHFM                           # export stopped by an exceptional event
        EVSGS                           # dangerous part taken out, the rest goes on
    """,
    ON_HOLD="""
        EVJAP EVJBA EVJCA EVJCC EVJCD EVJCO EVJEM EVJES EVJIN EVJML EVJPA EVJSR     # held by customs
        EVHAP EVHNC                     # export waits for charges, for the sender's answer
        EVNCF EVNKS EVNRT               # fee to pay, Keepsafe, retained
        EVSUS                           # suspected of prohibited contents
        CATEGORY/PENDING_HOLDS CATEGORY/RESTRICTED_OR_PROHIBITED_CONTENTS
    """,
    FAILURE="""
        EVHAR EVHSR                     # export cancelled by addressee, by sender
        EVNDL EVSGD                     # destroyed, disposed of
    """,
    RETURNING="""
        EVRTS                           # delivered back to the sender
        EVBRA EVBRB EVBRT EVBRW EVBSA EVCPA EVCRA EVCRB EVDRA EVDRB EVDRW EVDSA EVDSW EVIPA     # in sorting
        EVORR EVORT                     # received as an RTS item
        EVHCA EVHCR EVHDI EVHID         # can't be exported: address, customs, damage, documents
        EVKAI EVKGA EVKRF               # at the door: address incomplete, gone away, refused
        EVNAB EVNAC EVNAD EVNUK         # marked for return: refused, gone away, retention exceeded, unknown
        EVNAI EVNGA EVNRE EVNRF EVNRS   # the same, sent
        EVNGL EVNLI EVNRO EVNRR EVNSI   # recorded at the DO
        EVNLA EVNLG EVNLR EVNRL EVNRN   # to the National Returns Centre
        EVNHE EVNHR                     # back to the exporting hub
        EVPLI EVPLN EVPLR EVPLU EVPLX   # Local Collect: on request, not collected, refused, unknown, waiting
        EVPOG EVPOI EVPOR EVPUX EVPXG EVPXI EVPXR       # by a Post Office
        CATEGORY/RETURNED_TO_SENDER
    """,
    INFORMATIONAL="""
        EVNSR EVNRC ASRXS RFRXS RNRXS RORXS RPRXS RSRXS     # redelivery arranged
        EVNCL EVNDS EVNOU               # not located in the DO's store, deleted, booked out of its system
        EVNOI                           # delivery implied, for lack of a scan ?
        EVZ* NDE* NEP* NFN* NLC* NRD* NRE* NSF* NUN*        # notices: each family of codes is one key
        CATEGORY/PENDING                # anything from a fee to a redelivery
        CATEGORY/REDELIVERY CATEGORY/NOT_APPLICABLE
    """,
)

#: Letters that a whole family of codes begins with -> the family's key.
FAMILIES = {code.rstrip("*"): code for code in CODES if code.endswith("*")}
