"""The modules of Scoro's API as a table: adding a module is adding a row.

A row says what its records look like, what may be done with them and what arithmetic their totals
follow; nothing else in the stand-in knows a module by name, but for the few with actions of their own
(files, webhooks, userAuth) and receipts, whose entries pay documents.
"""

from dataclasses import dataclass, field
from typing import Any

from sandbox.scoro.fields import Field, fields

READ = frozenset({"list", "view"})
LIST_ONLY = frozenset({"list"})
ALL = frozenset({"list", "view", "modify", "delete"})


@dataclass(frozen=True)
class Amounts:
    """The names under which a kind of document keeps its arithmetic; see `money`."""

    quantity: str = "amount"
    quantity2: str = "amount2"
    rate: str = "vat"
    rate_id: str = "vat_code_id"
    tax_sum: str = "vat_sum"
    has_discounts: bool = True
    has_receivable: bool = False


@dataclass(frozen=True)
class Module:
    """One module: its fields, its id, its actions, and what changes in it are told to webhooks as."""

    name: str
    header: dict[str, Field]
    lines: dict[str, Field] | None = None
    id_field: str = "id"
    actions: frozenset[str] = ALL
    amounts: Amounts | None = None
    entity_type: str | None = None
    per_entity: bool = False
    numbered: bool = False
    required: tuple[str, ...] = ()
    keeps_in: str = ""
    fixed: dict[str, Any] = field(default_factory=dict)
    token_only: bool = False
    unfilterable: frozenset[str] = frozenset()

    @property
    def storage(self) -> str:
        """The module in whose records this one's live (`contacts` for companies and persons)."""
        return self.keeps_in or self.name


_STAMPS = "modified_date:stamp! created_date:stamp! is_deleted:flag! deleted_date:stamp! ~custom_fields:custom"

_PARTY = """
 company_id:int ~company_name:str<contacts.company_id.name ~person_name:str<contacts.person_id.full_name
 ~company_address:object<contacts.company_id.first_address company_address_id:int person_id:int
"""

_DOCUMENT = (
    _PARTY
    + """
 project_id:int project_name:str<projects.project_id.project_name vat:dec3 vat_code_id:idstr
 vat_code:str<vatCodes.vat_code_id.vat_code currency:str currency_rate:num=1
 discount:dec6 discount2:dec6 discount3:dec6 sum:dec2! vat_sum:dec2!
 owner_id:int=1 owner_email:str<users.owner_id.email date:date deadline:date
 status:str!=unpaid description:str account_id:str!
"""
)

_INVOICE = """
 id:int! no:str payment_type:str=banktransfer fine:dec2 quote_id:ids order_id:ids prepayment_id:ids
 credited_invoices:ids ~prepayment_sum:dec2! reference_no:str interested_party_id:int
 interested_party_address_id:int real_estate_id:int payment_fee:dec2 generation_type:str=manual
 scheduled_invoice_id:int accounting_period_from:date accounting_period_to:date pay_now_link:str!
 is_role_based:flag local_price_list_id:int is_sent:flag paid_sum:float! receivable_sum:float!
"""

_FINANCE = """
 finance_object_id:int finance_object_name:str<financeObjects.finance_object_id.name
 finance_object_symbol:str<financeObjects.finance_object_id.object_symbol
 finance_account_id:int finance_account_name:str<financeAccounts.finance_account_id.name
 finance_account_symbol:str<financeAccounts.finance_account_id.account_symbol
"""

_PRODUCT = """
 product_id:int product_name:str<products.product_id.name product_code:str<products.product_id.code
"""

_BILL_LINE = (
    "id:int "
    + _PRODUCT
    + """
 comment:str comment2:str price:dec6 amount:dec6 discount:dec6 sum:dec2! vat:dec3 vat_code_id:idstr
 vat_code:str<vatCodes.vat_code_id.vat_code unit:str
"""
    + _FINANCE
    + "project_id:int project_name:str<projects.project_id.project_name custom_fields:custom"
)

_INVOICE_LINE = (
    _BILL_LINE
    + """
 amount2:dec6 cost:dec6 supplier_id:int supplier_name:str<contacts.supplier_id.name doer_id:int
 doer_email:str<users.doer_id.email role_id:int role_name:str is_internal:flag dates:object depot_amounts:list
"""
)

_EXPENSE_LINE = (
    "id:int description:str additional_description:str quantity:dec6 additional_quantity:dec6 price:dec6 "
    "discount:dec6 sum:dec2! tax_percentage:dec3 tax_code_id:idstr "
    "tax_code:str<vatCodes.tax_code_id.vat_code "
    "accounting_object_id:int accounting_object_name:str<financeObjects.accounting_object_id.name "
    "accounting_object_symbol:str<financeObjects.accounting_object_id.object_symbol unit:str "
    "finance_account_id:int finance_account_name:str<financeAccounts.finance_account_id.name "
    "finance_account_symbol:str<financeAccounts.finance_account_id.account_symbol "
    + _PRODUCT
    + "project_id:int project_name:str<projects.project_id.project_name custom_fields:custom"
)

_CONTACT = fields(
    """
 contact_id:int! name:str lastname:str search_name:str! contact_type:str=company id_code:str bankaccount:str
 birthday:date position:str comments:str sex:str vatno:str timezone:str manager_id:int
 manager_email:str<users.manager_id.email is_supplier:flag is_client:flag client_profile_id:int addresses:list
 means_of_contact:object tags:list reference_no:str cat_id:int cat_name:str contact_users:list
 related_companies:list permissions:object contact_picture:str
""",
    _STAMPS,
)

MODULES: dict[str, Module] = {
    module.name: module
    for module in (
        Module(
            "invoices",
            fields(_INVOICE, _DOCUMENT, _STAMPS),
            fields(_INVOICE_LINE),
            amounts=Amounts(has_receivable=True),
            entity_type="invoice",
            per_entity=True,
            numbered=True,
        ),
        Module(
            "prepayments",
            fields(
                "id:int! no:str prepayment_percent:dec2 quote_id:ids order_id:ids is_sent:flag",
                _DOCUMENT,
                _STAMPS,
            ),
            fields(_INVOICE_LINE),
            amounts=Amounts(),
            entity_type="prepayment",
            per_entity=True,
            numbered=True,
        ),
        Module(
            "bills",
            fields(
                "id:int! no:str is_chargeable:flag dateofpayment:date payment_type:str=banktransfer "
                "recognition_date:date reference_no:str purchase_order_id:int",
                _DOCUMENT,
                _STAMPS,
            ),
            fields(_BILL_LINE),
            amounts=Amounts(),
            entity_type="bill",
            per_entity=True,
        ),
        Module(
            "expenses",
            fields(
                "id:int! no:str due_date:date recognition_date:date owner_id:int=1 "
                "owner_name:str<users.owner_id.full_name owner_email:str<users.owner_id.email comment:str "
                "is_chargeable:flag is_reimbursable:flag",
                _PARTY,
                "status:str!=unpaid sum:dec2! tax_sum:dec2! tax_percentage:dec3 tax_code_id:idstr "
                "tax_code:str<vatCodes.tax_code_id.vat_code account_id:str! project_id:int "
                "project_name:str<projects.project_id.project_name "
                "currency:str currency_rate:num=1 date:date",
                _STAMPS,
            ),
            fields(_EXPENSE_LINE),
            amounts=Amounts(
                "quantity",
                "additional_quantity",
                "tax_percentage",
                "tax_code_id",
                "tax_sum",
                has_discounts=False,
            ),
            entity_type="expense",
            per_entity=True,
            numbered=True,
        ),
        Module(
            "receipts",
            fields(
                "id:int! date:date contact_id:int sum:dec2! currency:str sales_doc_type:str=invoices "
                "receipt_account_id:int receipts:list account_id:str! custom_fields:custom "
                "modified_date:stamp! is_deleted:flag! deleted_date:stamp!"
            ),
            actions=frozenset({"list", "modify", "delete"}),
            per_entity=True,
            required=("date", "receipts"),
        ),
        Module("receiptAccounts", fields("id:int! name:str type:str"), actions=LIST_ONLY),
        Module("contacts", _CONTACT, id_field="contact_id", required=("name",)),
        Module(
            "companies",
            _CONTACT,
            id_field="contact_id",
            entity_type="company",
            keeps_in="contacts",
            required=("name",),
            fixed={"contact_type": "company"},
        ),
        Module(
            "persons",
            _CONTACT,
            id_field="contact_id",
            entity_type="person",
            keeps_in="contacts",
            required=("name",),
            fixed={"contact_type": "person"},
        ),
        Module(
            "projects",
            fields(
                """
 project_id:int! no:str project_name:str description:str company_id:int
 company_name:str<contacts.company_id.name is_personal:flag is_private:flag color:str status:str=inprogress
 status_name:str manager_id:int=1 manager_email:str<users.manager_id.email date:date deadline:date
 duration:str=00:00:00 ~phases:list account_id:str! budget_type:str=simple project_type:str=regular
 retainer_id:int tags:list project_users:list project_customer_portal_users:list project_accounts:list
 is_role_based:flag local_price_list_id:int
""",
                _STAMPS,
            ),
            id_field="project_id",
            entity_type="project",
            per_entity=True,
            numbered=True,
        ),
        Module(
            "projectPhases",
            fields("id:int! project_id:int type:str title:str start_date:date end_date:date ordering:int"),
            actions=LIST_ONLY,
            unfilterable=frozenset({"project_id"}),
        ),
        Module(
            "files",
            fields(
                """
 file_id:int! hash:str! file_name:str! file_location:str! file_size:str! uploaded_by:int category_id:int
 repository:str!=local file_type:str=other is_private:flag is_public:flag ~relations:object!
 permissions:object modified_date:stamp! created_date:stamp! is_deleted:flag! deleted_date:stamp!
"""
            ),
            id_field="file_id",
            actions=ALL | {"download", "addRelation", "removeRelation"},
        ),
        Module(
            "products",
            fields(
                """
 product_id:int! code:str name:str price:dec6 buying_price:dec6 unit:str no_discounts:flag
 default_vat_code_id:int default_sales_tax_id:int default_purchases_tax_id:int accounting_object_id:int
 sales_finance_account_id:int purchases_finance_account_id:int account_id:str! product_accounts:list
 is_active:flag=1 is_service:flag=1
""",
                _STAMPS,
            ),
            id_field="product_id",
        ),
        Module(
            "financeAccounts",
            fields(
                "id:int! account_symbol:str name:str parent_id:int "
                "parent_name:str<financeAccounts.parent_id.name is_active:flag=1 is_sales_account:flag "
                "is_purchases_account:flag created_date:stamp! modified_date:stamp!"
            ),
        ),
        Module(
            "financeObjects",
            fields("object_id:int! object_symbol:str name:str parent_group_name:str"),
            id_field="object_id",
            actions=READ,
        ),
        Module(
            "vatCodes",
            fields(
                "vat_code_id:int! vat_code:str percent:dec2 vat_name:str is_sales:flag=1 is_purchases:flag=1 "
                "is_active:flag=1 is_not_applicable:flag"
            ),
            id_field="vat_code_id",
        ),
        Module(
            "customFields",
            fields("id:str! name:str! type:str! is_filterable:flag! modules:list!"),
            actions=LIST_ONLY,
        ),
        Module(
            "users",
            fields(
                """
 id:int! username:str firstname:str lastname:str full_name:str initials:str email:str is_active:flag=1
 status:str=active birthday:date category:str=user position:str user_picture:str role_id:int
 user_groups_ids:ids country_id:str gsm:str timezone:str availability:str modified_date:stamp!
"""
            ),
            actions=READ,
        ),
        Module(
            "companyAccount",
            fields(
                """
 company_name:str alternative_name:str address:str email:str website:str phone:str fax:str reg_no:str
 vat_no:str site_version:str base_currency:str active_currencies:list language:str active_entities:list
"""
            ),
            actions=LIST_ONLY,
            per_entity=True,
        ),
        Module(
            "statuses",
            fields("status_id:str! status_name:str color:str module:str is_default:flag modified_date:stamp!"),
            actions=LIST_ONLY,
        ),
        Module(
            "clientProfiles",
            fields(
                "id:int! name:str discount:dec6 vat_code_id:idstr deadline_days:int fine:dec2 currency:str "
                "payment_type:str language_id:str price_list_id:int"
            ),
            actions=READ,
        ),
        Module(
            "comments",
            fields("id:int! module:str object_id:int comment:str user_id:int parent_id:int", _STAMPS),
            actions=frozenset({"list", "modify", "delete"}),
            required=("module", "object_id", "comment"),
        ),
        Module(
            "bookmarks",
            fields("bookmark_id:idstr! name:str module:str"),
            id_field="bookmark_id",
            actions=LIST_ONLY,
            token_only=True,
        ),
        Module(
            "webhooks",
            fields(
                "id:int! module:str fields:list action:str=any status:flag=1 relation_type:str owners:list "
                "actors:list bookmark_id:idstr url:str"
            ),
            actions=frozenset({"list", "subscribe", "unsubscribe"}),
            per_entity=True,
            required=("module", "url"),
        ),
        Module("userAuth", {}, actions=frozenset({"modify"}), required=("username", "password")),
    )
}
