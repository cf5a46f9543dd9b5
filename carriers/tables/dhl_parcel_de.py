"""DHL Parcel DE's codes: what happened (ICE), why (RIC), and the event of the public tracking it belongs to.

Source: DHL's list of ICE/RIC combinations. Keys are ICE/RIC/EVENT, since the same pair stands under several events and
can mean different things there. Statuses were read off the words; doubts are marked with `?`. Knows no payload.
"""

from carriers.sdk import Codes

ICE_RIC = Codes(
    CONFIRMED="""
        DTNPC/GHSTP/BV  # data without a piece
        PARCV/NRQRD/VA  # data received
        PURCR/BDADD/BV PURCR/BOOKN/VA PURCR/NRQRD/VA PURCR/OTHER/BV  # pick up request created
    """,
    CARRIER_PICKED_UP="""
        LDTMV/SERPT/ES  # loaded to a vehicle
        PBNDT/NDRFC/BV PBNDT/NORSN/BV  # piece without data
        PCKDU/PFLOC/AE PCKDU/PKBOX/AE PCKDU/PKBOX/ES PCKDU/PUBCR/AE PCKDU/WINPL/AE  # picked up
        SHRCU/NRQRD/ES SHRCU/PCKST/ES SHRCU/SERPT/ES  # received from the customer
        SRTED/NRQRD/AE SRTED/NRQRD/ES  # sorted
    """,
    IN_TRANSIT="""
        ASMVT/NRQRD/NB  # assigned to a vehicle
        DLVRD/HNDTC/ZU  # handed to another carrier ?
        FWDCF/SERPT/PO  # forwarded to correct facility
        HNDDE/SERPT/PO  # handed to a third party, details expected
        HNDND/CUSTM/ZO  # handed to a third party, no details expected
        ICPRC/FWEXH/ZO ICPRC/NRQRD/ZO ICPRC/OARRV/ZO  # into clearance processing
        ITBAR/CSTBA/ZO ITBAR/FWEXH/ZO ITBAR/OARRV/ZO  # in bonded area
        LDTHU/NRQRD/NB  # loaded to handling unit
        LDTMV/FWEXH/AA LDTMV/FWEXH/NB LDTMV/MVMTV/AA LDTMV/MVMTV/NB LDTMV/NRQRD/AA  # loaded to a vehicle
        LDTMV/SERPT/ZF
        MVARR/NRQRD/EE MVARR/NRQRD/PO  # vehicle arrived
        MVDPT/NRQRD/AA  # vehicle departed
        OFWRD/CNCNR/BV OFWRD/CNRFW/ZN OFWRD/CRFRD/PO OFWRD/CRRFN/AA OFWRD/CRRFN/EE  # onforwarded
        OFWRD/CSREQ/PO OFWRD/NRQRD/PO OFWRD/PBNBR/PO OFWRD/RDRCR/AA OFWRD/RDRCR/AN
        OFWRD/RDRCR/PO OFWRD/RDRCR/ZN OFWRD/RDRDO/PO OFWRD/RDRDO/ZN
        PBNDT/NDRFN/BV  # piece without data
        RELBL/NRQRD/BV RELBL/PLDMG/PO RELBL/PPQLT/PO  # relabeled
        REPCK/DMGPC/BV REPCK/LDMGD/PO REPCK/MVMTV/AA REPCK/NRQRD/BV REPCK/RDRDO/BV  # repacked
        REPCK/WRGRI/BV
        ROUCR/PKBOX/PO  # rerouted at customer request
        RSDCP/FWEXH/ZO RSDCP/OARRV/ZO  # released from clearance processing
        SECHK/CCPSD/BV SECHK/DGCPS/BV SECHK/INSPT/BV SECHK/NRQRD/BV  # security checked
        SRTED/FWAPS/AA SRTED/FWAPS/EE SRTED/FWEXH/AA SRTED/FWEXH/EE SRTED/FWEXH/NB  # sorted
        SRTED/FWEXP/AA SRTED/FWEXP/EE SRTED/NRQRD/NB
        TRBCR/NRQRD/BV  # transferred between carriers
        ULFMV/OARRV/EE ULFMV/OARRV/NB ULFMV/UNLDD/EE ULFMV/UNLDD/PO  # unloaded from a vehicle
    """,
    OUT_FOR_DELIVERY="""
        LDTMV/MVMTV/PO LDTMV/PCKST/PO LDTMV/SECDA/PO LDTMV/SERPT/PO  # loaded to a vehicle
        SRTED/NRQRD/PO  # sorted to its tour; its sentence is "loaded onto the delivery vehicle"
    """,
    ATTEMPTED_DELIVERY="""
        LDTMV/SECDA/ZN  # back on the vehicle after a first attempt ?
        NTDEL/AGNEG/ZN NTDEL/CLOSD/ZN NTDEL/CTCNI/ZN NTDEL/CTCST/ZN NTDEL/IDDMG/ZN  # not delivered
        NTDEL/IDNEG/ZN NTDEL/NAGTB/ZN NTDEL/NHOME/ZN NTDEL/NTCCN/ZN NTDEL/OTHER/ZN
        NTDEL/OTHRE/ZN NTDEL/PCKST/ZN NTDEL/RSEXW/ZN NTDEL/SECDA/ZN NTDEL/SERPT/ZN
        NTDEL/SHINF/ZN
    """,
    READY_FOR_PICKUP="""
        CNRFC/HDFCT/LA CNRFC/HDFCT/ZF CNRFC/NRQRD/ZF CNRFC/PCKST/ZF CNRFC/SERPT/ZF  # consignee notified
        DLVRD/PCKAD/ZU  # put into a Packstation instead ?
        HLDCC/HDFCT/LA HLDCC/HDFCT/ZF HLDCC/LDPCK/LA HLDCC/SERPT/LA HLDCC/SERPT/PO  # held for consignee collection
        HLDCC/SERPT/ZF
        HLDCC/NTCCN/ZF  # held, though not collected; its return has codes of its own ?
        HNDDE/SERPT/LA HNDDE/SERPT/ZF  # handed to a third party, details expected
        INFCL/SERPT/LA  # in facility
    """,
    PICKED_UP="""
        DLVRD/ACCPK/ZU  # collected from a machine
        DLVRD/SERPT/ZU  # handed out by a service point ?
    """,
    DELIVERED="""
        DLVRD/ACCDM/ZU DLVRD/ACCPT/ZU DLVRD/ACCSI/ZU DLVRD/CODRP/ZU DLVRD/DIDLV/ZU  # delivered
        DLVRD/FAMLY/ZU DLVRD/NGHBR/ZU DLVRD/OTHER/ZU DLVRD/PKBOX/ZU DLVRD/POBOX/ZU
        DLVRD/SECPL/ZU DLVRD/SPOUS/ZU DLVRD/WINPL/ZU
        DLVRD/AGENT/ZU  # to an agent of the recipient ?
        MVARR/NRQRD/ZU  # vehicle arrived
    """,
    DELAYED="""
        DMGDS/CSDOC/BV DMGDS/CTCST/BV DMGDS/DMGED/BV DMGDS/DMGPC/BV DMGDS/LDMGD/AA  # damage discovered
        DMGDS/LDMGD/BV DMGDS/LDMGD/EE DMGDS/NRQRD/BV DMGDS/PUDMG/BV
        DTNPC/NPRPF/BV  # data without a piece
        EXPHD/CAPEX/PO EXPHD/DMGED/BV EXPHD/DMGPC/BV EXPHD/DMPHD/BV EXPHD/EQUBF/BV  # exception hold
        EXPHD/FRMJR/BV EXPHD/FRMJR/PO EXPHD/STPRB/BV
        INFCL/FWEXH/BV INFCL/HNDCA/LA INFCL/HNDCA/PO INFCL/OARRV/BV  # in facility
        LDEXC/MSDLA/BV LDEXC/MSDLA/PO LDEXC/MSDLA/ZN LDEXC/OVRLD/BV  # loading exception
        MSRTD/CRRCS/BV MSRTD/CRRFN/BV MSRTD/CRRFN/PO MSRTD/NRQRD/BV MSRTD/NRQRD/PO  # mis routed
        MSRTD/NRQRD/ZN MSRTD/WRGTR/BV
        MVDEX/FRMJR/BV  # vehicle: departure exception
        MVTEX/FRMJR/BV MVTEX/FRMJR/PO MVTEX/TCATC/BV MVTEX/TCHBD/BV MVTEX/TCHBD/PO  # vehicle: exception
        MVTEX/VHARU/BV
        NTADT/NPRPF/PO  # not assigned to delivery tour
        NTDEL/CAPEX/ZN NTDEL/CRROT/PO NTDEL/CRROT/ZN NTDEL/DRCRU/ZN NTDEL/FRMJR/ZN  # not delivered
        NTDEL/HLDAY/ZN NTDEL/NTIHU/ZN NTDEL/TCHBD/ZN NTDEL/WRGTR/ZN NTDEL/DMGED/ZN
    """,
    ON_HOLD="""
        ADVIS/STBSD/ZN  # advise
        DLVRD/CUSTM/ZU  # handed to a customs office, where it waits ?
        EXPHD/BDADD/BV EXPHD/BDADD/PO EXPHD/CLREF/ZF EXPHD/CLREF/ZO EXPHD/FFTCH/BV  # exception hold
        EXPHD/GDNMS/BV EXPHD/INCSH/BV EXPHD/INSPT/BV EXPHD/MSDOC/BV EXPHD/MSLBL/BV
        EXPHD/MSSDT/BV EXPHD/MSSDT/PO EXPHD/NRQRD/BV EXPHD/OTHER/BV EXPHD/PWMFD/BV
        EXPHD/STBSD/BV EXPHD/TRPMT/BV EXPHD/UDFPC/BV EXPHD/WRGRI/BV
        HLDCP/NORSN/ZO  # held for clearance purposes
        HLDCU/NORSN/BV HLDCU/NORSN/ZO  # held by Customs
        INFCL/CSREQ/LA INFCL/CSREQ/PO INFCL/CTCST/LA INFCL/DLVDT/LA INFCL/HLDAY/LA  # in facility
        INFCL/HLDSR/LA INFCL/INCSH/LA INFCL/INCSH/PO INFCL/NRQRD/LA
        LDEXC/BDADD/PO  # loading exception
        NTDEL/BDADD/ZN NTDEL/CNCNR/ZN NTDEL/CPUNK/ZN NTDEL/MOVED/ZN NTDEL/MSDOC/ZN  # not delivered
        NTDEL/MSLBL/ZN NTDEL/MSSDT/ZN NTDEL/TRPMT/ZN NTDEL/WRGPN/ZN NTDEL/WRGRI/ZN
    """,
    FAILURE="""
        CANCL/NRQRD/BV  # cancelled by the sender
        CNFSC/LEGAT/BV  # confiscation
        DLVRF/CROAT/ZN DLVRF/DMGED/ZN DLVRF/NEXCH/ZN DLVRF/NTORD/ZN DLVRF/OTHER/ZN  # delivery refused
        DLVRF/SHNCP/ZN DLVRF/TRPMT/ZN
        DSPSD/BDADD/ZU DSPSD/CLREF/BV DSPSD/CNCNR/ZU DSPSD/CRQST/BV DSPSD/CSREQ/ZN  # disposed of
        DSPSD/DMGED/BV DSPSD/DMGED/ZU DSPSD/DMGPC/BV DSPSD/FRMJR/ZU DSPSD/FSCCH/BV
        DSPSD/GDNMS/ZU DSPSD/MOVED/ZU DSPSD/MSLBL/BV DSPSD/NRQRD/BV DSPSD/NTCLM/ZU
        DSPSD/NTORD/ZU
        EXPHD/LOSTX/BV  # exception hold
        NTDEL/RFUSD/ZN NTDEL/UDLVR/ZN  # not delivered
        RCCLS/LOSTX/ZN  # record closed
    """,
    RETURNING="""
        EXPHD/RTTSP/BV EXPHD/RTTSP/ZN  # exception hold
        OFWRD/RTSCR/AA OFWRD/RTSCR/BV OFWRD/RTSCR/EE OFWRD/RTSCR/PO OFWRD/RTSCR/ZN  # onforwarded
        OFWRD/RTSSA/ZN
        RETRN/BDADD/ZN RETRN/CLREF/ZO RETRN/CNCNR/ZN RETRN/CSREQ/ZN RETRN/DMGED/ZN  # returned to origin
        RETRN/DMGPC/BV RETRN/FRMJR/ZN RETRN/FSCCH/BV RETRN/GDNMS/BV RETRN/INSPF/ZO
        RETRN/MOVED/ZN RETRN/MSDLA/ZN RETRN/MSSDT/ZN RETRN/NAGTB/BV RETRN/NAGTB/ZN
        RETRN/NEXCH/ZN RETRN/NHOME/ZN RETRN/NTCCN/ZN RETRN/NTORD/ZN RETRN/OTHER/ZN
        RETRN/RFUSD/ZN RETRN/RTSCR/ZN RETRN/RTSSA/ZN RETRN/UDFPC/BV RETRN/WRGDT/ZN
        RETRN/WRGID/ZN RETRN/WRGTR/ZN
    """,
    INFORMATIONAL="""
        ADVIS/DLVDT/DD ADVIS/DLVTM/DD ADVIS/MSGER/DD ADVIS/MSGPC/DD ADVIS/MSGST/DD  # advise
        ADVIS/ORDER/DD ADVIS/PFLOC/DD ADVIS/REJCT/DD ADVIS/ROUCR/DD ADVIS/SECDA/DD
        ADVIS/STBSD/DD
        ALERT/BDADD/BV ALERT/DLVTM/DD  # alert
        CHECK/SVCHG/BV  # checked
        DLVRD/CODAR/GT DLVRD/CODRP/GT  # delivered
        NTPUP/BDADD/AN NTPUP/CLOSD/AN NTPUP/CLRTE/AN NTPUP/CPUNK/AN NTPUP/CRROT/AN  # not picked up
        NTPUP/DMGED/AN NTPUP/GDNMS/AN NTPUP/GDNRD/AN NTPUP/NAGTB/AN NTPUP/NHOME/AN
        NTPUP/NPYMT/AN NTPUP/NTHND/AN NTPUP/NTHNG/AN NTPUP/OTHER/AN NTPUP/SPCNR/AN
        NTPUP/TRPMT/AN NTPUP/WRGTR/AN
        PMTCR/NRQRD/GT  # payments received from courier
        PMTCS/NRQRD/GT PMTCS/SERPT/GT  # payment received from customer
        PURCR/REJCT/DD PURCR/SECPL/DD  # pick up request created
        RCCLS/GHSTP/BV  # record closed
        STORN/NRQRD/DD  # the event before is taken back
    """,
)
