"""The one table of element orders of Intacct functions, and the check of a function against it.

Legacy functions (lower case) want their elements in exactly this order and their dates as year, month and day;
generic ones (`create`, `update`) take upper-case fields in any order and dates as `mm/dd/yyyy`. The orders follow the
vendor's published schema; elements newer than it (`taxsolutionid`, `inclusivetax`, `totaltrxamount`, `taskid`,
`costtypeid`, `taxentries`) stand where the vendor's examples and SDKs put them. Should the gateway want one
elsewhere, this is the place to move it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from schemas.intacct.functions import Function, Value
from schemas.intacct.notation import Order, read_order

_MACROS = {
    "FX": "(basecurr?, currency, [(exchratedate?, exchratetype) | exchrate])?",
    "FXU": "(currency, [(exchratedate?, exchratetype) | exchrate])?",
    "UPD": "@key! @set_nulls @externalkey",
    "DIMS": "customerid?, vendorid?, employeeid?, itemid?, classid?, contractid?, warehouseid?",
    "ACCOUNT": "[accountlabel | glaccountno]",
    "FORM": "item1099?, form1099type?, form1099box?",
    "TAIL": "revrectemplate?, defrevaccount?, revrecstartdate?, revrecenddate?, projectid?, taskid?, costtypeid?, "
    "DIMS, billable?, taxentries?",
    "CONDITION": "[and | or | equalto | notequalto | lessthan | lessthanorequalto | greaterthan | greaterthanorequalto "
    "| between | in | notin | like | notlike | isnull | isnotnull]",
}

_ORDERS = """
create_invoice = customerid, datecreated, dateposted?, datedue?, termname?, batchkey?, action?, invoiceno?, ponumber?,
    description?, externalid?, billto?, shipto?, FX, nogl?, supdocid?, taxsolutionid?, customfields?, invoiceitems
update_invoice = customerid?, datecreated?, dateposted?, datedue?, termname?, action?, invoiceno?, ponumber?,
    description?, payto?, returnto?, FXU, supdocid?, customfields?, updateinvoiceitems? UPD
reverse_invoice, reverse_bill = datereversed, description? @key!
delete_invoice, delete_bill, delete_aradjustment, delete_apadjustment = @key! @externalkey
reclassify_invoice = invoiceno?, referenceno?, description?, termname?, datedue?, reclassifyitems? @key!
reclassify_bill = billno?, referenceno?, description?, termname?, datedue?, recpaydate?, paypriority?, onhold?,
    reclassifyitems? @key!

create_bill = vendorid, datecreated, dateposted?, [(datedue, termname?) | termname], action?, batchkey?,
    billno?, ponumber?, onhold?, description?, externalid?, payto?, returnto?, FX, nogl?, supdocid?, inclusivetax?,
    taxsolutionid?, customfields?, billitems
update_bill = vendorid?, datecreated?, dateposted?, datedue?, termname?, action?, billno?, ponumber?, onhold?,
    description?, payto?, returnto?, FXU, supdocid?, customfields?, updatebillitems? UPD @partial_edit

create_aradjustment = customerid, datecreated, dateposted?, batchkey?, adjustmentno?, action?, invoiceno?, description?,
    externalid?, FX, nogl?, taxsolutionid?, aradjustmentitems
update_aradjustment = customerid?, datecreated?, dateposted?, adjustmentno?, action?, invoiceno?, description?, FXU,
    updatearadjustmentitems? UPD
create_apadjustment = vendorid, datecreated, dateposted?, batchkey?, adjustmentno?, action?, billno?, description?,
    externalid?, FX, nogl?, customfields?, inclusivetax?, taxsolutionid?, apadjustmentitems
update_apadjustment = vendorid?, datecreated?, dateposted?, adjustmentno?, action?, billno?, description?, FXU,
    updateapadjustmentitems? UPD

invoiceitems, billitems, aradjustmentitems, apadjustmentitems = lineitem+
updateinvoiceitems, updatebillitems, updatearadjustmentitems, updateapadjustmentitems = [updatelineitem | lineitem]+
lineitem = ACCOUNT, offsetglaccountno?, amount, totaltrxamount?, allocationid?, memo?, locationid?, departmentid?, FORM,
    customfields?, TAIL
updatelineitem = ACCOUNT?, offsetglaccountno?, amount?, totaltrxamount?, memo?, locationid?, departmentid?, FORM,
    customfields?, TAIL @line_num!
reclassifyitems = reclasslineitem+
reclasslineitem = ACCOUNT, memo?, locationid?, departmentid?, customfields?, projectid?, DIMS @line_num!
taxentries = taxentry+
taxentry = detailid, trx_tax?
customfields = customfield*
customfield = customfieldname, customfieldvalue
billto, shipto, payto, returnto = contactname

apply_arpayment = arpaymentkey, paymentdate, batchkey?, memo?, overpaylocid?, overpaydeptid?, arpaymentitems*
arpaymentitems = arpaymentitem+
arpaymentitem = invoicekey, amount
reverse_arpayment = datereversed, description?, nsfclosedaccount? @key!

create_supdoc, update_supdoc = supdocid, supdocname?, supdocfoldername?, supdocdescription?, attachments?
delete_supdoc = @key!
attachments = attachment+
attachment = attachmentname, attachmenttype, attachmentdata
create_supdocfolder = supdocfoldername, supdocfolderdescription?, supdocparentfoldername?

get = fields? @object! @key! @externalkey
get_list = filter?, sorts?, fields? @object! @start @maxitems @showprivate
fields = field+
filter = [logical | expression]
logical = [logical | expression]{2,} @logical_operator! @object
expression = field, operator, value @object
sorts = sortfield+
sortfield = @order!

read, readByName = object, keys, fields?, returnFormat?, docparid?
delete = object, keys
query = object, select, filter?, orderby?, options?, pagesize?, offset?, docparid?
lookup = object, docparid?
getAPISession = locationid?
getDimensions, readEntityDetails =
"""

_QUERY_ORDERS = """
select = [field | count | avg | min | max | sum]+
filter = CONDITION
and, or = CONDITION{2,}
equalto, notequalto, lessthan, lessthanorequalto, greaterthan, greaterthanorequalto, like, notlike = field, value
between = field, value{2}
in, notin = field, value+
isnull, isnotnull = field
orderby = order+
order = field, [ascending | descending]?
options = caseinsensitive?, showprivate?, returnformat?
"""

_MACRO = re.compile(rf"\b({'|'.join(_MACROS)})\b")
_DEFINITION = re.compile(r"^(\w[\w, ]*?) =", re.MULTILINE)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FLAT = frozenset({"read", "readByName"})
"""Functions whose children all hold text, also where the name is a group under another parent (`fields`)."""

DATES = _names("""
    datecreated dateposted datedue datereversed paymentdate exchratedate recpaydate revrecstartdate revrecenddate
""")
"""Elements of legacy functions that hold a year, a month and a day."""

GENERIC_DATES = _names("""
    WHENCREATED WHENPOSTED WHENDUE WHENPAID RECEIPTDATE PAYMENTDATE RECPAYMENTDATE DISCOUNTDATE EXCH_RATE_DATE
    BEGINDATE ENDDATE REVRECSTARTDATE REVRECENDDATE
""")
"""Fields of generic functions that hold a date."""

AMOUNTS = _names("""
    amount totaltrxamount trx_tax
    TRX_AMOUNT TOTALTRXAMOUNT TRX_TAX TRX_PAYMENTAMOUNT TRX_ADJUSTMENTAMOUNT AMOUNTTOPAY TRX_AMOUNTTOPAY
""")
"""Elements that hold money: at most two decimals, as Intacct rounds what goes beyond."""

_AMOUNT = re.compile(r"-?\d{1,14}(\.\d{1,2})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")


def _read(text: str) -> dict[str, Order]:
    def expanded(content: str) -> str:
        while _MACRO.search(content):
            content = _MACRO.sub(lambda macro: _MACROS[macro.group()], content)
        return content

    _, *parts = _DEFINITION.split(text)
    return {
        name.strip(): read_order(expanded(content))
        for names, content in zip(parts[::2], parts[1::2], strict=True)
        for name in names.split(",")
    }


ORDERS: Mapping[str, Order] = _read(_ORDERS)
"""Element → what it holds. An element that is not here holds text, or a date if it is one of `DATES`."""

QUERY_ORDERS: Mapping[str, Order] = _read(_QUERY_ORDERS)
"""The same inside `query`, where some names mean something else."""

GENERIC = frozenset({"create", "update"})
"""Functions whose body is one object with its fields, in any order."""

FUNCTIONS: tuple[str, ...] = (
    *sorted(GENERIC),
    *(
        name
        for name in ORDERS
        if name.startswith(("create_", "update_", "reverse_", "delete_", "reclassify_", "apply_", "get", "read"))
    ),
    "delete",
    "query",
    "lookup",
)
"""The functions that can be sent."""


class FunctionShapeError(Exception):
    """A function that the gateway would reject: which one, where in it, which element, and why."""

    def __init__(self, function: str, path: str, element: str, words: str) -> None:
        super().__init__(
            f"{function}/{path.rstrip('/')}: {element} {words}" if path else f"{function}: {element} {words}"
        )
        self.function = function
        self.path = path.rstrip("/")
        self.element = element


def orders_below(name: str, orders: Mapping[str, Order]) -> Mapping[str, Order]:
    """The orders that hold for what stands below this element."""
    if name == "query":
        return QUERY_ORDERS
    if name in FLAT:
        return {}
    return orders


def listed(value: Value) -> Sequence[Value]:
    """A value as the list of its occurrences: a list is one already."""
    return [value] if isinstance(value, str | Mapping) else value


def check(function: Function) -> None:
    """Check a function against the table before it is packed.

    Raises FunctionShapeError for an unknown function or element, a missing or repeated one, elements that exclude
    each other, a date that is none, an amount that is none or has more than two decimals.
    """
    for path, element, words in _faults(function):
        raise FunctionShapeError(function.name, path, element, words)


def _faults(function: Function) -> Iterator[tuple[str, str, str]]:
    if function.name in GENERIC:
        yield from _generic_faults(function)
        return
    if function.name not in FUNCTIONS:
        yield "", function.name, "is no function of the table"
        return
    order = ORDERS[function.name]
    for name in function.body:
        if name.startswith("@"):
            yield "", name, "stands in the body; it belongs to the attributes"
    yield from _attribute_faults("", order, function.attributes)
    yield from _group_faults("", order, function.body, orders_below(function.name, ORDERS))


def _group_faults(
    path: str, order: Order, body: Mapping[str, Value], orders: Mapping[str, Order]
) -> Iterator[tuple[str, str, str]]:
    children = {name: listed(value) for name, value in body.items() if not name.startswith("@")}
    for fault in order.faults({name: len(values) for name, values in children.items()}):
        yield path, fault.element, fault.words
    for name, values in children.items():
        for place, value in enumerate(values, start=1):
            where = f"{path}{name}[{place}]" if name in order.repeated else f"{path}{name}"
            if name not in orders:
                yield from _leaf_faults(where, name, value, DATES)
            elif value and not isinstance(value, Mapping):
                yield where, name, "holds text or a list; it wants elements"
            else:
                inner = value if isinstance(value, Mapping) else {}
                attributes = {key[1:]: text for key, text in inner.items() if key.startswith("@")}
                yield from _attribute_faults(where, orders[name], attributes)
                yield from _group_faults(f"{where}/", orders[name], inner, orders_below(name, orders))


def _attribute_faults(path: str, order: Order, given: Mapping[str, Value]) -> Iterator[tuple[str, str, str]]:
    for name, text in given.items():
        if name not in order.attributes:
            yield path, f"@{name}", "is unknown here"
        elif not isinstance(text, str):
            yield path, f"@{name}", "holds elements; it wants text"
    for name, required in order.attributes.items():
        if required and not given.get(name):
            yield path, f"@{name}", "is missing"


def _leaf_faults(path: str, name: str, value: Value, dates: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    if not isinstance(value, str):
        yield path, name, "holds elements; it wants text"
    elif name in dates and not _is_date(value):
        yield path, name, f"holds {value!r}; it wants a date as YYYY-MM-DD"
    elif name in AMOUNTS and not _AMOUNT.fullmatch(value):
        yield path, name, f"holds {value!r}; it wants an amount with at most two decimals"


def _generic_faults(function: Function) -> Iterator[tuple[str, str, str]]:
    if len(function.body) != 1:
        yield "", function.name, "wants exactly one object"
        return
    name, fields = next(iter(function.body.items()))
    if not isinstance(fields, Mapping) or not fields:
        yield name, name, "wants fields"
        return
    yield from _field_faults("", name, fields)


def _field_faults(path: str, name: str, value: Value) -> Iterator[tuple[str, str, str]]:
    where = f"{path}{name}"
    if not _NAME.fullmatch(name):
        yield where, name, "is no element name"
    elif isinstance(value, Mapping):
        for inner_name, inner in value.items():
            for one in listed(inner):
                yield from _field_faults(f"{where}/", inner_name, one)
    elif value or name in AMOUNTS:
        yield from _leaf_faults(where, name, value, GENERIC_DATES)


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
