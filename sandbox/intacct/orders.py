"""The order of elements that the gateway insists on; `schema.py` checks requests against these tables.

They are the stand-in's own, written by hand from the vendor's schema and documentation, and share
nothing with the code that is judged. Elements that are newer than the vendor's published schema
(`taxentries`, `taxsolutionid`, `inclusivetax`, `totaltrxamount`, `taskid`, `costtypeid`,
`showadditionalerrorinfo`) stand where SDKs and examples put them. Left out, as the stand-in could do nothing with them:
contacts inside documents and online payments inside receipts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_FUNCTIONS = """
create_invoice update_invoice reverse_invoice delete_invoice reclassify_invoice
create_bill update_bill reverse_bill delete_bill reclassify_bill
create_aradjustment update_aradjustment delete_aradjustment
create_apadjustment update_apadjustment delete_apadjustment
create_arpayment apply_arpayment reverse_arpayment reverse_appayment
create_supdoc update_supdoc delete_supdoc create_supdocfolder
get get_list create update delete read readByName query lookup
getAPISession getDimensions readEntityDetails
"""

_MACROS = {
    "FX": "(basecurr?, currency, [(exchratedate?, exchratetype) | exchrate])?",
    "FXU": "(currency, [(exchratedate?, exchratetype) | exchrate])?",
    "DIMS": "customerid?, vendorid?, employeeid?, itemid?, classid?, contractid?, warehouseid?",
    "LINETAIL": "customfields?, revrectemplate?, defrevaccount?, revrecstartdate?, revrecenddate?, "
    "projectid?, taskid?, costtypeid?, DIMS, billable?, taxentries?",
    "CONDITION": "[and | or | equalto | notequalto | lessthan | lessthanorequalto | greaterthan | "
    "greaterthanorequalto | between | in | notin | like | notlike | isnull | isnotnull]",
    "FUNCTION": "[" + " | ".join(_FUNCTIONS.split()) + "]",
}
_MACRO = re.compile(r"\b[A-Z]{2,}\b")
_DEFINITION = re.compile(r"^(\w[\w, ]*?) =", re.MULTILINE)


def _models(text: str) -> Mapping[str, str]:
    """Read definitions `name, name = content`, continued on indented lines, into element name -> content."""

    def expand(content: str) -> str:
        while _MACRO.search(content):
            content = _MACRO.sub(lambda macro: _MACROS[macro.group()], content)
        return content

    _, *parts = _DEFINITION.split(text)
    return {
        name.strip(): expand(content.strip())
        for names, content in zip(parts[::2], parts[1::2], strict=True)
        for name in names.split(",")
    }


MODELS = _models("""
request = control, operation+
control = senderid, password?, controlid, uniqueid?, dtdversion?, policyid?, debug?, includewhitespace?,
    showadditionalerrorinfo?
operation = authentication, preferences*, content*
authentication = [login | sessionid | oauth]
login = userid, companyid, password, clientid?, locationid?
content = function+
function = FUNCTION
create_invoice = customerid, datecreated, dateposted?, datedue?, termname?, batchkey?, action?, invoiceno?,
    ponumber?, description?, externalid?, billto?, shipto?, FX, nogl?, supdocid?, taxsolutionid?,
    customfields?, invoiceitems
update_invoice = customerid?, datecreated?, dateposted?, datedue?, termname?, action?, invoiceno?,
    ponumber?, description?, payto?, returnto?, FXU, supdocid?, customfields?, updateinvoiceitems?
reverse_invoice, reverse_bill, reverse_appayment = datereversed, description?
reverse_arpayment = datereversed, description?, nsfclosedaccount?
delete_invoice, delete_bill, delete_aradjustment, delete_apadjustment, delete_supdoc =
getDimensions, readEntityDetails =
reclassify_invoice = invoiceno?, referenceno?, description?, termname?, datedue?, reclassifyitems?
reclassify_bill = billno?, referenceno?, description?, termname?, datedue?, recpaydate?, paypriority?,
    onhold?, reclassifyitems?
create_bill = vendorid, datecreated, dateposted?, [(datedue, termname?) | termname], action?, batchkey?,
    billno?, ponumber?, onhold?, description?, externalid?, payto?, returnto?, FX, nogl?, supdocid?,
    inclusivetax?, taxsolutionid?, customfields?, billitems
update_bill = vendorid?, datecreated?, dateposted?, datedue?, termname?, action?, billno?, ponumber?,
    onhold?, description?, payto?, returnto?, FXU, supdocid?, customfields?, updatebillitems?
create_aradjustment = customerid, datecreated, dateposted?, batchkey?, adjustmentno?, action?, invoiceno?,
    description?, externalid?, FX, nogl?, taxsolutionid?, aradjustmentitems
update_aradjustment = customerid?, datecreated?, dateposted?, adjustmentno?, action?, invoiceno?,
    description?, FXU, updatearadjustmentitems?
create_apadjustment = vendorid, datecreated, dateposted?, batchkey?, adjustmentno?, action?, billno?,
    description?, externalid?, FX, nogl?, customfields?, inclusivetax?, taxsolutionid?, apadjustmentitems
update_apadjustment = vendorid?, datecreated?, dateposted?, adjustmentno?, action?, billno?, description?,
    FXU, updateapadjustmentitems?
create_arpayment = customerid, paymentamount, translatedamount?, [batchkey | bankaccountid |
    undepfundsacct]?, refid?, overpaylocid?, overpaydeptid?, datereceived?, paymentmethod?, FX, cctype?,
    authcode?, arpaymentitem*
apply_arpayment = arpaymentkey, paymentdate, batchkey?, memo?, overpaylocid?, overpaydeptid?,
    arpaymentitems*
arpaymentitems = arpaymentitem+
arpaymentitem = invoicekey, amount
invoiceitems, billitems, aradjustmentitems, apadjustmentitems = lineitem+
updateinvoiceitems, updatebillitems = [updatelineitem | lineitem]+
updatearadjustmentitems, updateapadjustmentitems = [updatelineitem | lineitem]+
lineitem = [accountlabel | glaccountno], offsetglaccountno?, amount, totaltrxamount?, allocationid?, memo?,
    locationid?, departmentid?, item1099?, form1099type?, form1099box?, key?, totalpaid?, totaldue?,
    LINETAIL
updatelineitem = [accountlabel | glaccountno]?, offsetglaccountno?, amount?, totaltrxamount?, memo?,
    locationid?, departmentid?, item1099?, form1099type?, form1099box?, LINETAIL
reclassifyitems = reclasslineitem+
reclasslineitem = [accountlabel | glaccountno], memo?, locationid?, departmentid?, customfields?,
    projectid?, DIMS
taxentries = taxentry+
taxentry = detailid, trx_tax?
customfields = customfield*
customfield = customfieldname, customfieldvalue
billto, shipto, payto, returnto = contactname
datecreated, dateposted, datedue, datereversed, datereceived, paymentdate = year, month, day
exchratedate, recpaydate, revrecstartdate, revrecenddate = year, month, day
create_supdoc, update_supdoc = supdocid, supdocname?, supdocfoldername?, supdocdescription?, attachments?
attachments = attachment+
attachment = attachmentname, attachmenttype, attachmentdata
create_supdocfolder = supdocfoldername, supdocfolderdescription?, supdocparentfoldername?
get = fields?
get_list = filter?, sorts?, fields?, additional_parameters?
fields = field+
filter = [logical+ | expression+]
logical = [logical | expression], [logical | expression]+
expression = field, operator, value
sorts = sortfield+
additional_parameters = parameter+
parameter = name, value
getAPISession = locationid?
lookup = object, docparid?
""")
"""Element -> its content, in the notation of `grammar.py`."""

UNORDERED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "delete": (frozenset({"object", "keys"}), frozenset()),
    "read": (frozenset({"object", "keys"}), frozenset({"fields", "returnFormat", "docparid"})),
    "readByName": (frozenset({"object", "keys"}), frozenset({"fields", "returnFormat", "docparid"})),
    "query": (
        frozenset({"object", "select"}),
        frozenset({"filter", "orderby", "options", "pagesize", "offset", "docparid"}),
    ),
}
"""Elements whose children come in any order, each at most once: (required, optional)."""

QUERY_MODELS = _models("""
select = [field | count | avg | min | max | sum]+
filter = CONDITION
and, or = CONDITION, CONDITION+
equalto, notequalto, lessthan, lessthanorequalto, greaterthan, greaterthanorequalto, like, notlike = field,
    value
between = field, value, value
in, notin = field, value+
isnull, isnotnull = field
orderby = order+
order = field, [ascending | descending]?
options = caseinsensitive?, showprivate?, returnformat?
""")
"""What stands inside `query`, where some names mean something else than outside."""

MAX_LIST_VALUES = 1000
"""`in` and `notin` take no more values."""

FREE = frozenset({"create", "update"})
"""Elements whose content the schema does not look into; they need at least one child."""


@dataclass(frozen=True)
class Attributes:
    """Attributes of an element: those it must have, those it may have."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


_UPDATE = Attributes(frozenset({"key"}), frozenset({"set_nulls", "externalkey"}))
_KEYED = Attributes(frozenset({"key"}), frozenset({"externalkey"}))
_KEY = Attributes(frozenset({"key"}))
_LINE = Attributes(frozenset({"line_num"}))

ATTRIBUTES: Mapping[str, Attributes] = {
    "operation": Attributes(optional=frozenset({"transaction"})),
    "function": Attributes(frozenset({"controlid"})),
    **dict.fromkeys(("update_invoice", "update_aradjustment", "update_apadjustment"), _UPDATE),
    "update_bill": Attributes(frozenset({"key"}), frozenset({"set_nulls", "externalkey", "partial_edit"})),
    **dict.fromkeys(("delete_invoice", "delete_bill", "delete_aradjustment", "delete_apadjustment"), _KEYED),
    **dict.fromkeys(("reverse_invoice", "reverse_bill", "reverse_arpayment", "reverse_appayment"), _KEY),
    **dict.fromkeys(("reclassify_invoice", "reclassify_bill", "delete_supdoc"), _KEY),
    **dict.fromkeys(("updatelineitem", "reclasslineitem"), _LINE),
    "get": Attributes(frozenset({"object", "key"}), frozenset({"externalkey"})),
    "get_list": Attributes(frozenset({"object"}), frozenset({"start", "maxitems", "showprivate"})),
    "logical": Attributes(frozenset({"logical_operator"}), frozenset({"object"})),
    "expression": Attributes(optional=frozenset({"object"})),
    "sortfield": Attributes(frozenset({"order"})),
}
NO_ATTRIBUTES = Attributes()
BOOLEAN_ATTRIBUTES = frozenset({"transaction", "set_nulls", "externalkey", "partial_edit", "showprivate"})
MAX_CONTROLID = 256
