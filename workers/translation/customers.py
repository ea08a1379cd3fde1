"""The customer of an invoice: linked, found in Intacct, or made from the contact in Scoro."""

import re

from schemas.intacct.functions import Value, create
from schemas.reference import Customer, ReferenceData, tax_key
from schemas.scoro import Contact, Invoice
from schemas.settings import EMAIL, MatchingSettings
from workers.translation.context import CustomerPlan, InvoiceContext
from workers.translation.faults import refused, setting_command
from workers.translation.memos import MAX_NAME_CHARACTERS, cut, one_line

MAX_CUSTOMER_ID_CHARACTERS = 20
CUSTOMER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")
"""What ids may be made of (intacct-xml-api, section 8.1)."""


def plan_customer(invoice: Invoice, context: InvoiceContext) -> tuple[str, CustomerPlan | None]:
    """Return the CUSTOMERID of the invoice's payer, and where no link named it, how it comes to be.

    Raises DocumentError that names contact, field and fix.
    """
    if context.customer is not None:
        return context.customer.customer_id, None
    if context.contact is None:
        raise refused(
            "no_payer",
            f"{invoice.label} has no payer that Scoro knows (company_id {invoice.company_id or 'empty'}).",
            "Choose a client on the invoice in Scoro and save it.",
            field="company_id",
        )
    plan = match_or_create(context.contact, context.settings.matching, context.reference, invoice.label)
    return plan.customer_id, plan


def match_or_create(
    contact: Contact, matching: MatchingSettings, reference: ReferenceData, document: str
) -> CustomerPlan:
    """Find the customer of a contact by `matching.customer_key`, or by its id of ours, or make it.

    `document` is how errors name what needs the customer. Raises DocumentError that names contact, field and fix.
    """
    if (found := _matched(contact, matching.customer_key, reference, document)) is not None:
        note = f"The contact {_name(contact)} was matched to the customer {found.id} by {matching.customer_key}."
        return CustomerPlan(contact.contact_id, found.id, None, (note,))
    customer_id = _customer_id(contact, matching, document)
    if (found := reference.customer(customer_id)) is not None:
        note = f"The contact {_name(contact)} stands in Intacct already as {found.id}."
        return CustomerPlan(contact.contact_id, found.id, None, (note,))
    if not matching.create_customers:
        raise refused(
            "customer_without_counterpart",
            f"{document}: its payer {_name(contact)} has no counterpart among the customers of Intacct (compared by "
            f"{matching.customer_key}), and matching.create_customers is off.",
            f"Make the customer in Intacct with the same {matching.customer_key}, or let it be made: "
            f"{setting_command('matching.create_customers', 'true')}",
            field=matching.customer_key,
            culprit=(str(contact.contact_id),),
        )
    notes: list[str] = []
    fields = _fields(contact, customer_id, matching, document, notes)
    return CustomerPlan(contact.contact_id, customer_id, create("CUSTOMER", fields), tuple(notes))


def _matched(contact: Contact, key: str, reference: ReferenceData, document: str) -> Customer | None:
    if key == "name":
        named = reference.customers_named(one_line(contact.full_name))
        return named[0] if len(named) == 1 else None
    value = contact.custom_fields.get(key, "") if key.startswith("c_") else str(getattr(contact, key))
    if key not in {"id_code", "vatno"}:
        return reference.customer(value) if value else None
    taxed = reference.customers_with_tax_id(value) if tax_key(value) else ()
    if len(taxed) > 1:
        ids = ", ".join(customer.id for customer in taxed)
        raise refused(
            "customer_ambiguous",
            f"{document}: its payer {_name(contact)} has the {key} {value}; so have several in Intacct: {ids}.",
            "Leave it on one of them in Intacct, or choose another key: "
            f"{setting_command('matching.customer_key', 'reference_no')}",
            field=key,
            culprit=(value,),
        )
    return taxed[0] if taxed else None


def _customer_id(contact: Contact, matching: MatchingSettings, document: str) -> str:
    customer_id = matching.id_template.format(
        contact_id=contact.contact_id,
        id_code=contact.id_code,
        vatno=contact.vatno,
        reference_no=contact.reference_no,
    ).strip()
    if len(customer_id) > MAX_CUSTOMER_ID_CHARACTERS or not CUSTOMER_ID.fullmatch(customer_id):
        raise refused(
            "customer_id",
            f"{document}: its payer {_name(contact)} would get the customer id '{customer_id}'; Intacct takes 1 to "
            f"{MAX_CUSTOMER_ID_CHARACTERS} letters, digits, blanks, dashes and underscores.",
            f"Choose another template: {setting_command('matching.id_template', 'SCORO-{contact_id}')}",
            field="matching.id_template",
            culprit=(customer_id,),
        )
    return customer_id


def _fields(
    contact: Contact, customer_id: str, matching: MatchingSettings, document: str, notes: list[str]
) -> dict[str, Value]:
    full_name = one_line(contact.full_name)
    if not full_name:
        raise refused(
            "customer_without_name",
            f"{document}: its payer, the contact {contact.contact_id} in Scoro, has no name (field name).",
            "Give the contact a name in Scoro and save the invoice again.",
            field="name",
            culprit=(str(contact.contact_id),),
        )
    name = cut(full_name, MAX_NAME_CHARACTERS)
    if name != full_name:
        notes.append(f"The name of the customer {customer_id} was cut at {MAX_NAME_CHARACTERS} characters.")
    suffix = f" ({customer_id})"
    display: dict[str, Value] = {
        # Contacts are told apart by name, and two customers may share one.
        "CONTACTNAME": cut(full_name, MAX_NAME_CHARACTERS - len(suffix)) + suffix,
        "PRINTAS": name,
        "COMPANYNAME": name,
    }
    if contact.emails:
        if EMAIL.fullmatch(contact.emails[0]):
            display["EMAIL1"] = contact.emails[0]
        else:
            notes.append(f"'{contact.emails[0]}' is no e-mail address and was not sent for {customer_id}.")
    if address := _address(contact):
        display["MAILADDRESS"] = address
    fields: dict[str, Value] = {"CUSTOMERID": customer_id, "NAME": name, "DISPLAYCONTACT": display}
    codes = (contact.vatno, contact.id_code) if matching.customer_key == "vatno" else (contact.id_code, contact.vatno)
    if tax_id := next(filter(None, codes), ""):
        fields["TAXID"] = tax_id
    return fields


def _address(contact: Contact) -> dict[str, Value]:
    if not contact.addresses:
        return {}
    first = contact.addresses[0]
    parts = {
        "ADDRESS1": first.street,
        "CITY": first.city or first.municipality,
        "STATE": first.county,
        "ZIP": first.zipcode,
    }
    return {name: text for name, value in parts.items() if (text := one_line(value))}


def _name(contact: Contact) -> str:
    name = one_line(contact.full_name)
    return f"'{name}' (id {contact.contact_id} in Scoro)" if name else f"with id {contact.contact_id} in Scoro"
