"""What the carriers' tracking numbers look like, one form a line.

Owns the table. Knows no registry: a carrier's code may stand here before the carrier does. Postal numbers of UPU
standard S10, which every post of the world issues, are in `posts`.

Sources: the carriers' own pages on what their numbers look like (UPS, USPS, FedEx, DHL, Canada Post, Parcelforce),
USPS Publication 199, DPD's Parcel Label Specification, the GS1 General Specifications, and open collections of
number formats that quote them. Where a line says "unverified", it rests on numbers seen, not on a published rule.
"""

from typing import NamedTuple

from carriers.sdk.numbers.check_digits import (
    Check,
    behind,
    fedex_mod11,
    gs1_mod10,
    identcode_mod10,
    luhn,
    mod7,
    mod37_36,
    s10_mod11,
    ups_mod10,
)

OWN = 0.9
"""From this confidence on, a form with a check digit is the carrier's own: it is recognised without the digit too."""


class Format(NamedTuple):
    """One form of number, and whose it is."""

    carrier: str
    name: str
    """For people."""
    form: str
    """In the notation of `forms`."""
    check: Check | None
    confidence: float
    """0 to 1: that a number of this form, whose check digit fits if it has one, is the carrier's."""
    misfit: float
    """The same where the form fits and the check digit does not."""


def _format(
    carrier: str, name: str, form: str, confidence: float, check: Check | None = None, misfit: float | None = None
) -> Format:
    """A check digit that does not fit leaves a third of the confidence in a carrier's own form, a tenth in others."""
    if misfit is None:
        misfit = round(confidence / (3 if confidence >= OWN else 10), 2)
    return Format(carrier, name, form, check, confidence, misfit)


FORMATS: tuple[Format, ...] = (
    # UPS
    _format("ups", "UPS 1Z", "1Z (x16)", 0.99, ups_mod10),
    _format("ups", "UPS waybill", "[AHJKTV] (d10)", 0.8, ups_mod10),
    _format("ups", "UPS Mail Innovations", "MI d6 x1-22", 0.85),
    # Handed to USPS for the last mile, so numbered as USPS does.
    _format("ups", "UPS Mail Innovations, 22 digits", "(9[23] d20)", 0.25, gs1_mod10),
    _format("ups", "UPS Mail Innovations, 26 digits", "(9[23] d24)", 0.25, gs1_mod10),
    _format("ups", "UPS Mail Innovations behind the ZIP code", "420 d5 (9[23] d20)", 0.25, gs1_mod10),
    _format("ups", "UPS Mail Innovations behind the ZIP code", "420 d5 (9[23] d24)", 0.25, gs1_mod10),
    _format("ups", "UPS freight or ground, 9 digits", "d9", 0.2),
    _format("ups", "UPS, 12 digits", "d12", 0.1),
    _format("ups", "UPS ocean or air freight", "CGISH d9", 0.85),
    # USPS: Intelligent Mail package barcode, with and without the routing prefix 420 and ZIP or ZIP+4.
    _format("usps", "USPS, 22 digits", "(9[1-5] d20)", 0.95, gs1_mod10),
    _format("usps", "USPS, 22 digits behind the ZIP code", "420 d5 (9[1-5] d20)", 0.97, gs1_mod10),
    _format("usps", "USPS, 22 digits behind the ZIP+4 code", "420 d9 (9[1-5] d20)", 0.97, gs1_mod10),
    _format("usps", "USPS, 26 digits", "(9[2-5] d24)", 0.93, gs1_mod10),
    _format("usps", "USPS, 26 digits behind the ZIP code", "420 d5 (9[2-5] d24)", 0.97, gs1_mod10),
    _format("usps", "USPS, 26 digits behind the ZIP+4 code", "420 d9 (9[2-5] d24)", 0.97, gs1_mod10),
    # The services numbered with 20 digits: certified, insured, registered, return receipt, confirmations.
    _format("usps", "USPS special service, 20 digits", "(70|71|73|77|79|81|82|23|03 d18)", 0.65, gs1_mod10),
    _format("usps", "USPS, 20 digits", "([1-9] d19)", 0.5, gs1_mod10),
    _format("usps", "USPS, 20 digits", "(0[1-9] d18)", 0.5, gs1_mod10),
    # The 91 before it is part of the sum and not of the print.
    _format("usps", "USPS special service, 20 digits", "7 d19", 0.45, behind("91", gs1_mod10)),
    _format("usps", "USPS, 20 digits behind the ZIP code", "420 d5 (d20)", 0.6, gs1_mod10),
    _format("usps", "USPS, 20 digits behind the ZIP+4 code", "420 d9 (d20)", 0.6, gs1_mod10),
    _format("usps", "USPS Global Express Guaranteed", "82 d8", 0.3),
    # FedEx
    _format("fedex", "FedEx Express, 12 digits", "d12", 0.8, fedex_mod11),
    _format("fedex", "FedEx Express label, 34 digits", "10 d18 (d14)", 0.95, fedex_mod11),
    _format("fedex", "FedEx Ground, 15 digits", "d15", 0.8, gs1_mod10),
    _format("fedex", "FedEx Ground 96, 22 digits", "96 d5 (d15)", 0.95, gs1_mod10),
    _format("fedex", "FedEx Ground 96 label, 34 digits", "96 d18 (d14)", 0.95, fedex_mod11),
    _format("fedex", "FedEx Ground Economy, 22 digits", "(92 d20)", 0.3, gs1_mod10),
    _format("fedex", "FedEx Ground Economy, 22 digits", "(92612 d17)", 0.45, gs1_mod10),
    _format("fedex", "FedEx Ground Economy behind the ZIP code", "420 d5 (92612 d17)", 0.45, gs1_mod10),
    # The leading 92 is part of the sum and not of the print.
    _format("fedex", "FedEx Ground Economy, 20 digits", "61 d18", 0.8, behind("92", gs1_mod10)),
    _format("fedex", "FedEx Ground Economy, 20 digits", "02 d18", 0.4, behind("92", gs1_mod10)),
    # Any shipper of the world can number its parcels with a serial shipping container code.
    _format("fedex", "FedEx Ground SSCC, 18 digits", "d18", 0.4, gs1_mod10, 0.1),
    _format("fedex", "FedEx Ground SSCC, 20 digits", "00 (d18)", 0.2, gs1_mod10, 0.05),
    _format("fedex", "FedEx door tag", "DT d12", 0.95),
    _format("fedex", "FedEx Freight, 9 or 10 digits", "d9-10", 0.1),
    # DHL: `dhl` follows the parcels of all divisions, the division's own carrier follows its own.
    _format("dhl", "DHL Express waybill, 10 digits", "d10", 0.7, mod7),
    _format("dhl_express", "DHL Express waybill, 10 digits", "d10", 0.5, mod7),
    _format("dhl", "DHL Express waybill, 11 digits", "d11", 0.4, mod7),
    _format("dhl_express", "DHL Express waybill, 11 digits", "d11", 0.25, mod7),
    # J is the data identifier of a licence plate, JD and VGL are DHL's issuing codes. Yodel, once a part of DHL, went
    # on with JJD and sixteen digits.
    _format("dhl", "DHL piece number", "JJD d8-15", 0.9),
    _format("dhl", "DHL piece number", "JJD d17-25", 0.9),
    _format("dhl", "DHL piece number, 16 digits", "JJD d16", 0.55),
    _format("dhl_express", "DHL Express piece number", "JJD d8-15", 0.5),
    _format("dhl_express", "DHL Express piece number", "JJD d17-25", 0.4),
    _format("dhl_express", "DHL Express piece number", "JJD01 d16", 0.7),
    _format("dhl_parcel_de", "DHL Paket piece number", "JJD000 d15", 0.6),
    _format("dhl", "DHL piece number", "JVGL d8-20", 0.9),
    _format("dhl_ecommerce", "DHL eCommerce Benelux piece number", "JVGL d8-20", 0.5),
    _format("dhl_express", "DHL Express piece number", "JVGL d8-10", 0.4),
    _format("dhl", "DHL piece number, 24 digits", "000 d21", 0.55),
    _format("dhl", "DHL Paket, 20 digits", "(0034043 d13)", 0.98, gs1_mod10),
    _format("dhl_parcel_de", "DHL Paket, 20 digits", "(0034043 d13)", 0.75, gs1_mod10),
    _format("dhl", "DHL Paket Identcode, 12 digits", "d12", 0.4, identcode_mod10, 0.1),
    _format("dhl", "DHL Parcel Poland, 11 digits", "d11", 0.15),  # unverified
    _format("dhl", "Deutsche Post franking code, 20 hexadecimal digits", "A h19", 0.6),
    _format("dhl", "DHL eCommerce", "GM d8-37", 0.8),
    _format("dhl_ecommerce", "DHL eCommerce", "GM d8-37", 0.6),
    _format("dhl", "DHL eCommerce", "LX|RX d9-37", 0.75),
    _format("dhl_ecommerce", "DHL eCommerce", "LX|RX d9-37", 0.55),
    _format("dhl", "DHL eCommerce", "LX|RX d8", 0.4),
    _format("dhl", "DHL eCommerce Asia", "UV|CN|SG|TH|IN|HK|MY d10-20", 0.45),
    _format("dhl_ecommerce", "DHL eCommerce Asia", "UV|CN|SG|TH|IN|HK|MY d10-20", 0.3),
    # Handed to USPS for the last mile, so numbered as USPS does.
    _format("dhl_ecommerce", "DHL eCommerce, 22 digits", "(9[23] d20)", 0.25, gs1_mod10),
    _format("dhl_ecommerce", "DHL eCommerce, 26 digits", "(9[23] d24)", 0.2, gs1_mod10),
    _format("dhl_ecommerce", "DHL eCommerce behind the ZIP code", "420 d5 (9[23] d20)", 0.3, gs1_mod10),
    _format("dhl_ecommerce", "DHL eCommerce behind the ZIP code", "420 d5 (9[23] d24)", 0.3, gs1_mod10),
    _format("dhl", "DHL Global Forwarding, 7 digits", "d7", 0.1),
    # 3S: a shipper's licence plate. PostNL's begin with the shipper's four to six letters, DHL's with two or three.
    _format("postnl", "PostNL 3S", "3S a4-6 d7-9", 0.6),
    _format("postnl", "PostNL 3S", "3S x8-18", 0.3),
    _format("dhl", "DHL Parcel Benelux 3S", "3S x8-18", 0.25),
    _format("dhl", "DHL Parcel Benelux 3S", "3S a2-3 d9-11", 0.55),
    _format("dhl", "DHL Parcel Benelux 3S", "3SDHL x4-15", 0.85),
    _format("dhl_ecommerce", "DHL Parcel Benelux 3S", "3S a2-3 d9-11", 0.35),
    _format("dhl_ecommerce", "DHL Parcel Benelux 3S", "3SDHL x4-15", 0.6),
    # Amazon
    _format("amazon", "Amazon Logistics", "TBA|TBC|TBM d12", 0.99),
    _format("amazon", "Amazon Logistics", "TB a1 d12", 0.85),
    _format("amazon", "Amazon Logistics in Europe", "UK|DE|FR|ES|IT|NL|BE|PL|SE|IE d10", 0.45),  # unverified
    # Canada
    _format("canada_post", "Canada Post, 16 digits", "d16", 0.75, gs1_mod10),
    _format("canada_post", "Canada Post delivery notice card, 15 digits", "d15", 0.1),
    _format("canada_post", "Canada Post, 11 digits", "d11", 0.1),  # unverified
    _format("canada_post", "Canada Post, 12 digits", "d12", 0.1),  # unverified
    _format("purolator", "Purolator PIN, 12 digits", "([0-5] d11)", 0.45, luhn),
    _format("purolator", "Purolator PIN, 3 letters and 9 digits", "a3 d9", 0.45),
    _format("canpar", "Canpar", "[CDKLSUXZ] d21", 0.9),
    # Regional carriers of the USA. OnTrac has followed LaserShip's parcels since the two became one.
    _format("ontrac", "OnTrac", "([CD] d14)", 0.95, ups_mod10),
    _format("lasership", "LaserShip 1LS", "1LS x9-15", 0.85),
    _format("ontrac", "OnTrac 1LS", "1LS x9-15", 0.65),
    _format("lasership", "LaserShip LX", "LX1[3-8] d6", 0.85),
    _format("lasership", "LaserShip L", "L [AEHINWX] d8", 0.7),  # unverified but for LX
    _format("ontrac", "OnTrac L", "L [AEHINWX] d8", 0.4),
    _format("speedee", "Spee-Dee", "SP d18", 0.9),
    _format("gofo", "GOFO Express", "GFUS d14", 0.95),
    _format("uniuni", "UniUni", "UUS x10-16", 0.8),  # unverified
    _format("old_dominion", "Old Dominion, 11 digits", "(072|777|778 d8)", 0.6, luhn),
    _format("old_dominion", "Old Dominion Guaranteed, 11 digits", "(80 d9)", 0.5, luhn),
    # Cross-border
    _format("landmark", "Landmark Global LTN", "LTN d8-10 N d1-2", 0.98),
    _format("yunexpress", "YunExpress", "YT d16", 0.95),
    _format("fourpx", "4PX", "4PX d13 CN", 0.97),
    _format("cainiao", "Cainiao", "LP d14", 0.85),
    _format("yanwen", "Yanwen", "a2 d9 YP", 0.85),
    _format("sf_express", "SF Express", "SF d12-13", 0.95),
    _format("jt_express", "J&T Express", "JT d13", 0.8),  # unverified
    _format("aramex", "Aramex, 10 digits", "d10", 0.2),  # unverified, as the next
    _format("aramex", "Aramex, 11 or 12 digits", "d11-12", 0.15),
    _format("tnt", "TNT consignment", "GD|GE d9 WW", 0.9),  # unverified
    _format("tnt", "TNT consignment, 9 digits", "d9", 0.3),
    # DPD: the parcel number, with its check character, and the whole of the label's barcode.
    _format("dpd", "DPD parcel number with check character", "(d14 a1)", 0.95, mod37_36, 0.2),
    _format("dpd", "DPD parcel number with check digit, 15 digits", "d15", 0.3, mod37_36),
    _format("dpd", "DPD label, 28 characters", "(d27 x1)", 0.95, mod37_36, 0.2),
    _format("dpd", "DPD parcel number, 14 digits", "d14", 0.35),
    _format("dpd", "DPD Poland, 13 digits and a letter", "d13 a1", 0.45),
    _format("dpd", "DPD, 10 digits", "d10", 0.1),
    # GLS publishes no check digit; its short track IDs fit many a reference.
    _format("gls", "GLS parcel number, 11 or 12 digits", "d11-12", 0.3),
    _format("gls", "GLS parcel number, 14 digits", "d14", 0.2),
    _format("gls", "GLS parcel number, 10 digits", "d10", 0.1),
    _format("gls", "GLS track ID, 8 characters", "m8", 0.2),
    # United Kingdom
    _format("royal_mail", "Royal Mail 2D barcode, 21 hexadecimal digits", "0[39B] h19", 0.6),  # unverified
    _format("parcelforce", "Parcelforce, 2 letters and 7 digits", "a2 d7", 0.45),
    _format("parcelforce", "Parcelforce, 4 letters and 10 digits", "a4 d10", 0.45),
    _format("parcelforce", "Parcelforce, 12 digits", "d12", 0.1),
    _format("evri", "Evri, 16 digits", "d16", 0.35),
    _format("evri", "Evri, 16 characters", "[CHT] d2 x5 d8", 0.45),  # unverified
    _format("evri", "Evri calling card, 8 digits", "d8", 0.1),
    _format("yodel", "Yodel", "JD d16", 0.95),
    _format("yodel", "Yodel", "JJD0002 d12", 0.8),
    _format("yodel", "Yodel", "JJD d16", 0.35),
    # France. La Poste follows Colissimo and Chronopost as well.
    # unverified: the check digit, which fits the numbers of La Poste's sandbox and not every one in its help pages
    _format("colissimo", "Colissimo, 13 characters", "[0-9] a1 (d11)", 0.85, gs1_mod10, 0.45),
    _format("la_poste", "Colissimo, 13 characters", "[0-9] a1 (d11)", 0.6, gs1_mod10, 0.3),
    _format("la_poste", "La Poste registered letter", "1 a1 d11", 0.6),
    _format("la_poste", "La Poste, 15 digits", "86|87 d13", 0.45),
    _format("chronopost", "Chronopost, 13 characters", "a2 d9 JB|JF|TS", 0.8),  # unverified
    _format("chronopost", "Chronopost, UPU S10", "[EX] a1 (d9) FR", 0.8, s10_mod11, 0.25),
    _format("chronopost", "Chronopost parcel number with check character", "(d14 a1)", 0.5, mod37_36),
    _format("mondial_relay", "Mondial Relay, 8 or 12 digits", "d8", 0.2),
    _format("mondial_relay", "Mondial Relay, 8 or 12 digits", "d12", 0.1),
    _format("colis_prive", "Colis Privé, 17 digits", "d17", 0.2),
    # Germany, Switzerland, Austria
    _format("hermes_de", "Hermes Germany, 14 digits", "d14", 0.3),
    _format("hermes_de", "Hermes Germany", "H d19", 0.9),
    _format("swiss_post", "Swiss Post, 18 digits", "99 d16", 0.85),
    _format("swiss_post", "Swiss Post, 18 digits", "9[678] d16", 0.6),  # unverified
    _format("austrian_post", "Austrian Post, 22 digits", "10 d20", 0.55),  # unverified
    # Belgium, Poland, Spain, Italy, Czechia
    _format("bpost", "bpost, 24 digits", "32 d22", 0.75),
    _format("inpost", "InPost, 24 digits", "[56] d23", 0.65),  # unverified: the first digit
    _format("inpost", "InPost, 24 digits", "d24", 0.35),
    _format("poczta_polska", "Poczta Polska, 20 digits", "(00590 d15)", 0.8, gs1_mod10),
    _format("poczta_polska", "Pocztex", "PX d10", 0.85),
    _format("allegro", "Allegro One", "A000 x6", 0.7),  # unverified
    _format("correos", "Correos, 23 characters", "P a1 x21", 0.75),
    _format("brt", "BRT, 19 digits", "d19", 0.2),
    _format("poste_italiane", "Poste Italiane, 13 characters", "d13", 0.15),
    _format("packeta", "Packeta", "Z d10", 0.8),
    # The Nordic posts: S10, or a serial shipping container code with the country's GS1 prefix.
    _format("postnord", "PostNord Sweden, 20 digits", "(00373 d15)", 0.85, gs1_mod10),
    _format("postnord", "PostNord Sweden, 18 digits", "(373 d15)", 0.7, gs1_mod10),
    _format("postnord", "PostNord Denmark, 20 digits", "(00357 d15)", 0.7, gs1_mod10),  # unverified
    _format("postnord", "PostNord, 11 digits and the country", "d11 SE|DK|NO|FI", 0.9),
    _format("bring", "Bring, 20 digits", "(00370 d15)", 0.85, gs1_mod10),
    _format("postnord", "PostNord Norway, 20 digits", "(00370 d15)", 0.45, gs1_mod10),
    _format("bring", "Bring, 18 digits", "(370 d15)", 0.7, gs1_mod10),
    _format("bring", "Bring, 17 digits", "70 d15", 0.85),
    _format("postnord", "PostNord or another with an SSCC, 20 digits", "00 (d18)", 0.2, gs1_mod10),
    _format("posti", "Posti", "JJFI d17", 0.97),
    # Australia, Japan, India
    _format("australia_post", "Australia Post article, 16 characters", "d1 a2 d13", 0.45),  # unverified, as the next
    _format("australia_post", "Australia Post article", "[0-9] x2 d18", 0.3),
    _format("australia_post", "Australia Post article, 23 digits", "d23", 0.4),
    _format("sendle", "Sendle", "S m5-9", 0.3),
    _format("yamato", "Yamato, 12 digits", "d12", 0.2, mod7),
    _format("sagawa", "Sagawa, 12 digits", "d12", 0.2, mod7),
    _format("japan_post", "Japan Post, 11 or 12 digits", "d11-12", 0.15, mod7),
    _format("delhivery", "Delhivery, 13 or 14 digits", "d13-14", 0.15),
)
"""Every form but S10's."""
