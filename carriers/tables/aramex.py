"""Aramex' update codes.

Source: the vocabulary that open-source clients of the tracking API carry, unverified; Aramex' own list is not public,
and is said to differ by region. So the sentences in `carriers.aramex` come before these codes.
"""

from carriers.sdk import Codes

UPDATES = Codes(
    CONFIRMED="""
        SH014 SH203 SH278           # record created, data received
        SH308 SH312 SH313           # pickup scheduled, again, cancelled
        SH299                       # not received from the shipper
    """,
    CARRIER_PICKED_UP="""
        SH012 SH314                 # picked up from the shipper, pickup completed
        SH047 SH406 SH434           # received at the origin facility
    """,
    IN_TRANSIT="""
        SH001 SH160 SH495           # being processed at a facility, scanned there
        SH022                       # departed
        SH041 SH464                 # cleared from customs
        SH466 SH469                 # clearance under way
        SH222                       # arrived at destination
        SH073 SH252 SH077 SH475 SH110 SH272     # forwarded to remote area, office, delivery office, destination
        SH259 SH260                 # into the warehouse, out of it
        SH494                       # taken back from a locker by the courier
        SH007                       # will be delivered by the post
        SH154                       # partial delivery: other pieces are still on their way
    """,
    OUT_FOR_DELIVERY="SH003 SH004",
    ATTEMPTED_DELIVERY="""
        SH033                       # rejected because late; awaits the shipper's instructions
    """,
    READY_FOR_PICKUP="""
        SH164                       # held for consignee pickup
        SH499 SH533                 # in a locker, at a drop-off location
        SH532                       # left at the drop-off location the customer asked for
        SH560                       # awaits collection, goes back in two days
    """,
    PICKED_UP="""
        SH006 SH496 SH534           # collected by the consignee, from the drop-off location
    """,
    DELIVERED="SH005 SH234          # SH234: in the letter box",
    DELAYED="""
        SH044 SH076 SH376           # delivery rescheduled
        SH157 SH162                 # unable to deliver; beyond Aramex' control
    """,
    ON_HOLD="""
        SH008 SH275 SH381           # on hold
        SH074 SH480                 # payment pending
        SH043 SH156                 # identity document invalid, missing
        SH035 SH034                 # consignee or broker has to clear it
        SH158 SH462 SH467 SH468 SH470 SH471 SH472 SH473     # held in customs
        SH163                       # customs value to be confirmed
        SH294 SH375                 # phone unreachable, address wrong
        SH492 SH531                 # not collected in time
    """,
    FAILURE="""
        SH280                       # confiscated by customs
        SH474 SH498                 # to be returned to the shipper
    """,
    RETURNING="SH069 SH407 SH559    # returned to the shipper",
    INFORMATIONAL="""
        SH070 SH295 SH296           # address changed, corrected
        SH071 SH237 SH538 SH539     # please contact the local office
        SH228 SH279 SH382           # consolidation, Shop&Ship, shipment update
        SH230 SH249 SH250 SH251 SH257 SH261 SH270 SH271     # messages, calls
        SH369 SH410 SH479 SH491 SH515 SH516 SH530 SH556
        SH236 SH408 SH247 SH281     # papers delivered, returned, out for delivery
        SH239 SH383 SH505           # charges and card payments
        SH273 SH513 SH521           # delivery scheduled
        SH484 SH493 SH504 SH529 SH537   # delivery method set, changed
    """,
)
