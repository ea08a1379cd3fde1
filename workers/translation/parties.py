"""The customer or vendor of a document: linked, found in Intacct, or made from the contact in Scoro."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.intacct.functions import Value, create
from schemas.kinds import Kind, RecordRef
from schemas.reference import Party, ReferenceData, tax_key
from schemas.scoro import Contact, Synced
from schemas.settings import EMAIL, MatchingSettings
from workers.translation.context import Context, RecordPlan
from workers.translation.faults import refused, setting_command
from workers.translation.memos import MAX_NAME_CHARACTERS, cut, one_line

MAX_PARTY_ID_CHARACTERS = 20
PARTY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]*")
"""What ids may be made of (intacct-xml-api, section 8.1)."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a contact of Scoro is to a document: how Intacct, the settings and messages call it."""

    kind: Kind
    object: str
    word: str
    in_scoro: str
    contact_mark: str = ""
    """In the names of contacts: one contact of Scoro may be a customer and a vendor, and names are unique."""

    @property
    def id_field(self) -> str:
        """Field of its natural id."""
        return f"{self.object}ID"

    @property
    def key_setting(self) -> str:
        """Setting of the field by which it is found."""
        return f"matching.{self.kind}_key"

    @property
    def create_setting(self) -> str:
        """Setting that says whether it may be made."""
        return f"matching.create_{self.kind}s"

    def key(self, matching: MatchingSettings) -> str:
        """The field of the contact by which it is found."""
        return matching.customer_key if self.kind is Kind.CUSTOMER else matching.vendor_key

    def may_be_made(self, matching: MatchingSettings) -> bool:
        """Whether one that Intacct does not know is made there."""
        return matching.create_customers if self.kind is Kind.CUSTOMER else matching.create_vendors


ROLES: Mapping[Kind, Role] = {
    role.kind: role
    for role in (
        Role(Kind.CUSTOMER, "CUSTOMER", "payer", "client"),
        Role(Kind.VENDOR, "VENDOR", "supplier", "supplier", contact_mark="V "),
    )
}


def plan_party(document: Synced, kind: Kind, context: Context) -> tuple[RecordRef, str, RecordPlan | None]:
    """Return the record of the document's party, its CUSTOMERID or VENDORID, and how it comes to be if it is new.

    Raises DocumentError that names contact, field and fix.
    """
    role, ref = ROLES[kind], RecordRef(kind, document.party_id or 0)
    if ref in context.known:
        return ref, context.known[ref], None
    contact = context.sources.get(ref)
    if not isinstance(contact, Contact):
        raise refused(
            f"no_{role.word}",
            f"{document.label} has no {role.word} that Scoro knows (company_id {document.party_id or 'empty'}).",
            f"Choose a {role.in_scoro} on the {document.noun} in Scoro and save it.",
            field="company_id",
        )
    plan = match_or_create(contact, ref, context, document)
    return ref, plan.key, plan


def match_or_create(contact: Contact, ref: RecordRef, context: Context, document: Synced) -> RecordPlan:
    """Find the customer or vendor of a contact by the key that the settings name, or by its id of ours, or make it.

    `document` is what needs it, for errors. Raises DocumentError that names contact, field and fix.
    """
    role, matching, reference = ROLES[ref.kind], context.settings.matching, context.reference
    key = role.key(matching)
    if (found := _matched(contact, role, key, reference, document)) is not None:
        note = f"The contact {_name(contact)} was matched to the {role.kind} {found.id} by {key}."
        return RecordPlan(ref, found.id, None, (note,))
    party_id = _party_id(contact, role, matching, document)
    if (found := reference.party(role.kind, party_id)) is not None:
        note = f"The contact {_name(contact)} stands in Intacct already as {found.id}."
        return RecordPlan(ref, found.id, None, (note,))
    if (found := _only_namesake(contact, role, key, reference)) is not None:
        note = f"The contact {_name(contact)} was matched to the {role.kind} {found.id}, the only one of its name."
        return RecordPlan(ref, found.id, None, (note,))
    if not role.may_be_made(matching):
        raise refused(
            f"{role.kind}_without_counterpart",
            f"{document.label}: its {role.word} {_name(contact)} has no counterpart among the {role.kind}s of Intacct "
            f"(compared by {key}), and {role.create_setting} is off.",
            f"Make the {role.kind} in Intacct with the same {key}, or let it be made: "
            f"{setting_command(role.create_setting, 'true')}",
            field=key,
            culprit=(str(contact.contact_id),),
        )
    notes: list[str] = []
    if not one_line(contact.full_name):
        raise refused(
            f"{role.kind}_without_name",
            f"{document.label}: its {role.word}, the contact {contact.contact_id} in Scoro, has no name (field name).",
            f"Give the contact a name in Scoro and save the {document.noun} again.",
            field="name",
            culprit=(str(contact.contact_id),),
        )
    fields = {role.id_field: party_id, **_fields(contact, role, party_id, notes, key=key)}
    return RecordPlan(ref, party_id, create(role.object, fields), tuple(notes))


def _matched(contact: Contact, role: Role, key: str, reference: ReferenceData, document: Synced) -> Party | None:
    value = _value(contact, key)
    if key == "name":
        named = reference.parties_named(role.kind, value)
        return named[0] if len(named) == 1 else None
    if key not in {"id_code", "vatno"}:
        return reference.party(role.kind, value) if value else None
    taxed = reference.parties_with_tax_id(role.kind, value) if tax_key(value) else ()
    if len(taxed) > 1:
        ids = ", ".join(party.id for party in taxed)
        raise refused(
            f"{role.kind}_ambiguous",
            f"{document.label}: its {role.word} {_name(contact)} has the {key} {value}; so have several in Intacct: "
            f"{ids}.",
            "Leave it on one of them in Intacct, or choose another key: "
            f"{setting_command(role.key_setting, 'reference_no')}",
            field=key,
            culprit=(value,),
        )
    return taxed[0] if taxed else None


def _only_namesake(contact: Contact, role: Role, key: str, reference: ReferenceData) -> Party | None:
    """The only customer or vendor of the contact's name, unless the key tells the two apart."""
    named = reference.parties_named(role.kind, one_line(contact.full_name))
    if len(named) != 1 or not contact.full_name:
        return None
    told_apart = tax_key(_value(contact, key)) and (named[0].tax_id or key not in {"id_code", "vatno"})
    return None if told_apart else named[0]


def _value(contact: Contact, key: str) -> str:
    """What the contact says in the field that a setting names."""
    if key == "name":
        return one_line(contact.full_name)
    return contact.custom_fields.get(key, "") if key.startswith("c_") else str(getattr(contact, key))


def _party_id(contact: Contact, role: Role, matching: MatchingSettings, document: Synced) -> str:
    party_id = matching.id_template.format(
        contact_id=contact.contact_id,
        id_code=contact.id_code,
        vatno=contact.vatno,
        reference_no=contact.reference_no,
    ).strip()
    if len(party_id) > MAX_PARTY_ID_CHARACTERS or not PARTY_ID.fullmatch(party_id):
        raise refused(
            f"{role.kind}_id",
            f"{document.label}: its {role.word} {_name(contact)} would get the {role.kind} id '{party_id}'; Intacct "
            f"takes 1 to {MAX_PARTY_ID_CHARACTERS} letters, digits, blanks, dashes and underscores.",
            f"Choose another template: {setting_command('matching.id_template', 'SCORO-{contact_id}')}",
            field="matching.id_template",
            culprit=(party_id,),
        )
    return party_id


def _fields(contact: Contact, role: Role, party_id: str, notes: list[str], *, key: str) -> dict[str, Value]:
    full_name = one_line(contact.full_name)
    name = cut(full_name, MAX_NAME_CHARACTERS)
    if name != full_name:
        notes.append(f"The name of {party_id} was cut at {MAX_NAME_CHARACTERS} characters.")
    suffix = f" ({role.contact_mark}{party_id})"
    display: dict[str, Value] = {
        # Contacts are told apart by name, and two parties may share one.
        "CONTACTNAME": cut(full_name, MAX_NAME_CHARACTERS - len(suffix)) + suffix,
        "PRINTAS": name,
        "COMPANYNAME": name,
    }
    if contact.emails:
        if EMAIL.fullmatch(contact.emails[0]):
            display["EMAIL1"] = contact.emails[0]
        else:
            notes.append(f"'{contact.emails[0]}' is no e-mail address and was not sent for {party_id}.")
    if address := _address(contact):
        display["MAILADDRESS"] = address
    fields: dict[str, Value] = {"NAME": name, "DISPLAYCONTACT": display}
    codes = (contact.vatno, contact.id_code) if key == "vatno" else (contact.id_code, contact.vatno)
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
