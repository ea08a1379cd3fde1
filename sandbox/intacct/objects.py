"""The objects of the company: their fields, keys and relations, as `query`, `lookup` and generic functions see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Relation:
    """A many-to-one relation: this record's `via` holds the other's natural key, or its RECORDNO."""

    object: str
    via: str
    by_recordno: bool = False


@dataclass(frozen=True)
class ObjectSpec:
    """One object. `key` names its natural id, `parent` the field of a line with its header's RECORDNO."""

    name: str
    fields: tuple[str, ...]
    key: str = ""
    parent: str = ""
    relations: Mapping[str, Relation] = field(default_factory=dict)
    writable: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    label: str = ""


def words(text: str) -> tuple[str, ...]:
    """Split a list of names written as one text."""
    return tuple(text.split())


DATE_FIELDS = frozenset(
    words(
        "WHENCREATED WHENPOSTED WHENDUE WHENPAID RECEIPTDATE PAYMENTDATE ENTRY_DATE EXCH_RATE_DATE RECPAYMENTDATE "
        "BEGINDATE ENDDATE STARTDATE"
    )
)
TIMESTAMP_FIELDS = frozenset({"AUWHENCREATED", "WHENMODIFIED"})
NUMBER_FIELDS = frozenset(
    words(
        "RECORDNO RECORDKEY PARENTENTRY LINE_NO AMOUNT TRX_AMOUNT VALUE TOTALENTERED TRX_TOTALENTERED TOTALPAID "
        "TRX_TOTALPAID TOTALDUE TRX_TOTALDUE TOTALSELECTED TRX_TOTALSELECTED TRX_ENTITYDUE EXCHANGE_RATE PRBATCHKEY "
        "PAYMENTKEY POSADJKEY ADJUSTMENTKEY PAYMENTAMOUNT TRX_PAYMENTAMOUNT TRX_ADJUSTMENTAMOUNT CREDITLIMIT "
        "BUDGETAMOUNT MEGAENTITYKEY PARENTPAYMENTKEY DUE_IN_DAYS"
    )
)

_AUDIT = "AUWHENCREATED WHENMODIFIED CREATEDBY MODIFIEDBY MEGAENTITYKEY MEGAENTITYID MEGAENTITYNAME"
_TOTALS = "TOTALENTERED TOTALSELECTED TOTALPAID TOTALDUE TRX_TOTALENTERED TRX_TOTALSELECTED TRX_TOTALPAID TRX_TOTALDUE"
_DOCUMENT = (
    "RECORDNO RECORDTYPE RECORDID STATE RAWSTATE TRX_ENTITYDUE DOCNUMBER DESCRIPTION WHENCREATED WHENPOSTED WHENPAID "
    f"BASECURR CURRENCY EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE {_TOTALS} PRBATCH PRBATCHKEY MODULEKEY "
    f"SYSTEMGENERATED TAXSOLUTIONID RECORD_URL {_AUDIT}"
)
_TERMS = "TERMNAME WHENDUE DUE_IN_DAYS SUPDOCID EXTERNALREFNO BILLTOPAYTOCONTACTNAME SHIPTORETURNTOCONTACTNAME"
_DIMENSIONS = (
    "DEPARTMENTID DEPARTMENTNAME LOCATIONID LOCATIONNAME PROJECTID PROJECTNAME CUSTOMERID CUSTOMERNAME VENDORID "
    "VENDORNAME EMPLOYEEID EMPLOYEENAME ITEMID ITEMNAME CLASSID CLASSNAME TASKID COSTTYPEID CONTRACTID WAREHOUSEID"
)
_LINE = (
    "RECORDNO RECORDKEY ACCOUNTNO ACCOUNTLABEL OFFSETGLACCOUNTNO ENTRY_DATE AMOUNT TRX_AMOUNT ENTRYDESCRIPTION "
    "LINE_NO CURRENCY BASECURR TOTALPAID TRX_TOTALPAID SUBTOTAL PARENTENTRY DETAILID STATE BILLABLE "
    f"{_DIMENSIONS} WHENMODIFIED"
)
_PAYMENT = (
    "RECORDNO RECORDTYPE FINANCIALENTITY STATE DISPLAYSTATE PAYMENTMETHOD DOCNUMBER DESCRIPTION WHENCREATED "
    "RECEIPTDATE WHENPAID PAYMENTDATE CURRENCY BASECURR EXCHANGE_RATE TRX_TOTALENTERED TRX_TOTALPAID TRX_TOTALDUE "
    f"TOTALENTERED RECORDID PARENTPAYMENTKEY SUPDOCID {_AUDIT}"
)
_PAYMENT_DETAIL = (
    "RECORDNO RECORDKEY POSADJKEY ADJUSTMENTKEY PAYMENTKEY PAYMENTDATE PAYMENTAMOUNT TRX_PAYMENTAMOUNT "
    f"TRX_ADJUSTMENTAMOUNT CURRENCY STATE {_AUDIT}"
)
_CONTACT_PARTS = words(
    "PRINTAS COMPANYNAME PREFIX FIRSTNAME LASTNAME INITIAL EMAIL1 EMAIL2 PHONE1 PHONE2 CELLPHONE FAX URL1 URL2 "
    "TAXABLE TAXGROUP TAXID TAXSOLUTIONID TAXSCHEDULE MAILADDRESS.ADDRESS1 MAILADDRESS.ADDRESS2 MAILADDRESS.CITY "
    "MAILADDRESS.STATE MAILADDRESS.ZIP MAILADDRESS.COUNTRY MAILADDRESS.COUNTRYCODE MAILADDRESS.ISOCOUNTRYCODE"
)
_DISPLAY_CONTACT = " ".join(f"DISPLAYCONTACT.{part}" for part in ("CONTACTNAME", *_CONTACT_PARTS))
_PARTY = (
    f"NAME STATUS CURRENCY TERMNAME TAXID COMMENTS SUPDOCID CREDITLIMIT ONHOLD {_DISPLAY_CONTACT} "
    "OBJECTRESTRICTION RESTRICTEDLOCATIONS VATNUMBER EXTERNALREFNO"
)
_PROJECT = (
    "PROJECTID NAME DESCRIPTION PROJECTCATEGORY PROJECTSTATUS STATUS CUSTOMERID MANAGERID BEGINDATE ENDDATE CURRENCY "
    "BUDGETAMOUNT PARENTID LOCATIONID DEPARTMENTID SUPDOCID"
)


def _spec(
    name: str,
    fields: str,
    *,
    key: str = "",
    parent: str = "",
    relations: Mapping[str, Relation] | None = None,
    writable: str = "",
    required: str = "",
    label: str = "",
) -> ObjectSpec:
    every = tuple(dict.fromkeys(words(f"RECORDNO {fields} {writable}")))
    return ObjectSpec(name, every, key, parent, relations or {}, words(writable), words(required), label)


def _documents() -> list[ObjectSpec]:
    customer = Relation("CUSTOMER", "CUSTOMERID")
    vendor = Relation("VENDOR", "VENDORID")
    receivable = "CUSTOMERID CUSTOMERNAME"
    payable = "VENDORID VENDORNAME PAYMENTPRIORITY ONHOLD RECPAYMENTDATE INCLUSIVETAX"
    specs = []
    for header, party, fields in (
        ("ARINVOICE", customer, f"{receivable} {_TERMS}"),
        ("ARADJUSTMENT", customer, receivable),
        ("APBILL", vendor, f"{payable} {_TERMS}"),
        ("APADJUSTMENT", vendor, payable),
    ):
        specs.append(_spec(header, f"{_DOCUMENT} {fields}", key="RECORDID", relations={party.object: party}))
        relations = {
            header: Relation(header, "RECORDKEY", by_recordno=True),
            "GLACCOUNT": Relation("GLACCOUNT", "ACCOUNTNO"),
            "PROJECT": Relation("PROJECT", "PROJECTID"),
        }
        specs.append(_spec(f"{header}ITEM", _LINE, parent="RECORDKEY", relations=relations))
    return specs


def _payments() -> list[ObjectSpec]:
    specs = []
    for header, party, document in (("ARPYMT", "CUSTOMER", "ARINVOICE"), ("APPYMT", "VENDOR", "APBILL")):
        specs.append(
            _spec(
                header,
                f"{_PAYMENT} {party}ID {party}NAME",
                key="RECORDID",
                relations={party: Relation(party, f"{party}ID")},
            )
        )
        specs.append(
            _spec(
                f"{header}DETAIL",
                _PAYMENT_DETAIL,
                key="RECORDKEY",
                parent="PAYMENTKEY",
                relations={
                    header: Relation(header, "PAYMENTKEY", by_recordno=True),
                    document: Relation(document, "RECORDKEY", by_recordno=True),
                },
            )
        )
    return specs


def _master_data() -> list[ObjectSpec]:
    return [
        _spec(
            "CUSTOMER",
            f"CUSTOMERID {_PARTY} TOTALDUE {_AUDIT}",
            key="CUSTOMERID",
            writable=f"CUSTOMERID {_PARTY}",
            required="NAME DISPLAYCONTACT.PRINTAS",
            label="Customer",
        ),
        _spec(
            "VENDOR",
            f"VENDORID {_PARTY} TOTALDUE {_AUDIT}",
            key="VENDORID",
            writable=f"VENDORID {_PARTY}",
            required="NAME DISPLAYCONTACT.PRINTAS",
            label="Vendor",
        ),
        _spec(
            "CONTACT",
            f"STATUS {_AUDIT}",
            key="CONTACTNAME",
            writable=f"CONTACTNAME {' '.join(_CONTACT_PARTS)} STATUS",
            required="CONTACTNAME PRINTAS",
            label="Contact",
        ),
        _spec(
            "PROJECT",
            f"CUSTOMERNAME LOCATIONNAME {_AUDIT}",
            key="PROJECTID",
            writable=_PROJECT,
            required="NAME PROJECTCATEGORY",
            label="Project",
            relations={"CUSTOMER": Relation("CUSTOMER", "CUSTOMERID")},
        ),
        _spec(
            "GLACCOUNT",
            "ACCOUNTNO TITLE ACCOUNTTYPE NORMALBALANCE CLOSINGTYPE STATUS CATEGORY ALTERNATIVEACCOUNT "
            "REQUIREDEPT REQUIRELOC REQUIREPROJECT REQUIRECUSTOMER REQUIRECLASS REQUIREITEM",
            key="ACCOUNTNO",
            writable="ACCOUNTNO TITLE ACCOUNTTYPE NORMALBALANCE CLOSINGTYPE STATUS CATEGORY REQUIREDEPT REQUIRELOC "
            "REQUIREPROJECT",
            required="ACCOUNTNO TITLE",
            label="account",
        ),
        _spec(
            "TAXDETAIL",
            "DETAILID DESCRIPTION TAXTYPE VALUE TAXRATE TAXSOLUTIONID REVERSECHARGE STATUS MEGAENTITYID",
            key="DETAILID",
            label="tax detail",
        ),
        _spec("TAXSOLUTION", "SOLUTIONID TAXMETHOD STATUS DESCRIPTION", key="SOLUTIONID", label="tax solution"),
        _spec(
            "LOCATION",
            f"LOCATIONID NAME STATUS PARENTID CURRENCY LOCATIONTYPE {_AUDIT}",
            key="LOCATIONID",
            label="Location",
        ),
        _spec("LOCATIONENTITY", f"LOCATIONID NAME STATUS CURRENCY {_AUDIT}", key="LOCATIONID", label="Entity"),
        _spec(
            "DEPARTMENT",
            _AUDIT,
            key="DEPARTMENTID",
            writable="DEPARTMENTID TITLE STATUS PARENTID",
            required="DEPARTMENTID TITLE",
            label="Department",
        ),
        _spec(
            "CLASS",
            _AUDIT,
            key="CLASSID",
            writable="CLASSID NAME STATUS PARENTID DESCRIPTION",
            required="CLASSID NAME",
            label="Class",
        ),
        _spec("ITEM", f"ITEMID NAME ITEMTYPE STATUS {_AUDIT}", key="ITEMID", label="Item"),
        _spec(
            "EMPLOYEE",
            f"PERSONALINFO.PRINTAS {_AUDIT}",
            key="EMPLOYEEID",
            writable="EMPLOYEEID PERSONALINFO.CONTACTNAME STATUS",
            required="EMPLOYEEID PERSONALINFO.CONTACTNAME",
            label="Employee",
        ),
        _spec("PRACTICE", "id name status", key="id", label="Practice"),
        _spec("CHECKINGACCOUNT", "BANKACCOUNTID BANKNAME GLACCOUNTNO CURRENCY STATUS", key="GLACCOUNTNO"),
        _spec("SUPDOC", "SUPDOCID NAME FOLDERNAME DESCRIPTION", key="SUPDOCID", label="attachment"),
        _spec("SUPDOCFOLDER", "NAME DESCRIPTION PARENTFOLDER", key="NAME", label="attachment folder"),
    ]


OBJECTS: Mapping[str, ObjectSpec] = {spec.name: spec for spec in (*_documents(), *_payments(), *_master_data())}

NOT_QUERYABLE = frozenset({"SUPDOC", "SUPDOCFOLDER"})
"""Attachments are read with `get` and `get_list` alone."""
