"""The vendor's schema of requests, extended by what it lacks, as a judge of everything that we send.

`INTACCT_XSD` names the vendor's `api.xsd` (frozen in 2019). Elements newer than it are added where the vendor's
examples and SDKs put them, so this file is a second opinion on structure and order, not on those places.

Other tests hand over what their stand-in of the gateway received:

    @pytest.fixture(autouse=True)
    def requests_are_valid(gateway):
        yield
        assert_all_valid(gateway.raw_requests)
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lxml import etree

XSD_VARIABLE = "INTACCT_XSD"
_XS = "{http://www.w3.org/2001/XMLSchema}"

_NEW_ELEMENTS = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="showadditionalerrorinfo" type="xs:boolean"/>
  <xs:element name="taxsolutionid" type="xs:string"/>
  <xs:element name="inclusivetax" type="xs:string"/>
  <xs:element name="totaltrxamount" type="xs:decimal"/>
  <xs:element name="costtypeid" type="xs:string"/>
  <xs:element name="taxentries">
    <xs:complexType><xs:sequence>
      <xs:element name="taxentry" maxOccurs="unbounded">
        <xs:complexType><xs:sequence>
          <xs:element ref="detailid"/>
          <xs:element name="trx_tax" type="xs:decimal" minOccurs="0"/>
        </xs:sequence></xs:complexType>
      </xs:element>
    </xs:sequence></xs:complexType>
  </xs:element>
  <xs:element name="lookup">
    <xs:complexType><xs:sequence>
      <xs:element name="object" type="xs:string"/>
      <xs:element name="docparid" type="xs:string" minOccurs="0"/>
    </xs:sequence></xs:complexType>
  </xs:element>
  <xs:element name="query">
    <xs:complexType><xs:all>
      <xs:element name="object" type="xs:string"/>
      <xs:element name="select">
        <xs:complexType><xs:choice maxOccurs="unbounded">
          <xs:element name="field" type="xs:string"/><xs:element name="count" type="xs:string"/>
          <xs:element name="avg" type="xs:string"/><xs:element name="min" type="xs:string"/>
          <xs:element name="max" type="xs:string"/><xs:element name="sum" type="xs:string"/>
        </xs:choice></xs:complexType>
      </xs:element>
      <xs:element name="filter" minOccurs="0">
        <xs:complexType><xs:group ref="query_condition"/></xs:complexType>
      </xs:element>
      <xs:element name="orderby" minOccurs="0">
        <xs:complexType><xs:sequence>
          <xs:element name="order" maxOccurs="unbounded">
            <xs:complexType><xs:sequence>
              <xs:element name="field" type="xs:string"/>
              <xs:choice minOccurs="0">
                <xs:element name="ascending" type="query_empty"/><xs:element name="descending" type="query_empty"/>
              </xs:choice>
            </xs:sequence></xs:complexType>
          </xs:element>
        </xs:sequence></xs:complexType>
      </xs:element>
      <xs:element name="options" minOccurs="0">
        <xs:complexType><xs:sequence>
          <xs:element name="caseinsensitive" type="xs:boolean" minOccurs="0"/>
          <xs:element name="showprivate" type="xs:boolean" minOccurs="0"/>
          <xs:element name="returnformat" type="xs:string" minOccurs="0"/>
        </xs:sequence></xs:complexType>
      </xs:element>
      <xs:element name="pagesize" minOccurs="0">
        <xs:simpleType><xs:restriction base="xs:positiveInteger"><xs:maxInclusive value="2000"/></xs:restriction>
        </xs:simpleType>
      </xs:element>
      <xs:element name="offset" type="xs:nonNegativeInteger" minOccurs="0"/>
      <xs:element name="docparid" type="xs:string" minOccurs="0"/>
    </xs:all></xs:complexType>
  </xs:element>
  <xs:complexType name="query_empty"/>
  <xs:complexType name="query_comparison">
    <xs:sequence><xs:element name="field" type="xs:string"/><xs:element name="value" type="xs:string"/></xs:sequence>
  </xs:complexType>
  <xs:complexType name="query_between">
    <xs:sequence>
      <xs:element name="field" type="xs:string"/>
      <xs:element name="value" type="xs:string" minOccurs="2" maxOccurs="2"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="query_list">
    <xs:sequence>
      <xs:element name="field" type="xs:string"/><xs:element name="value" type="xs:string" maxOccurs="1000"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="query_null">
    <xs:sequence><xs:element name="field" type="xs:string"/></xs:sequence>
  </xs:complexType>
  <xs:complexType name="query_join">
    <xs:group ref="query_condition" minOccurs="2" maxOccurs="unbounded"/>
  </xs:complexType>
  <xs:group name="query_condition">
    <xs:choice>
      <xs:element name="and" type="query_join"/><xs:element name="or" type="query_join"/>
      <xs:element name="equalto" type="query_comparison"/><xs:element name="notequalto" type="query_comparison"/>
      <xs:element name="lessthan" type="query_comparison"/>
      <xs:element name="lessthanorequalto" type="query_comparison"/>
      <xs:element name="greaterthan" type="query_comparison"/>
      <xs:element name="greaterthanorequalto" type="query_comparison"/>
      <xs:element name="like" type="query_comparison"/><xs:element name="notlike" type="query_comparison"/>
      <xs:element name="between" type="query_between"/>
      <xs:element name="in" type="query_list"/><xs:element name="notin" type="query_list"/>
      <xs:element name="isnull" type="query_null"/><xs:element name="isnotnull" type="query_null"/>
    </xs:choice>
  </xs:group>
</xs:schema>
"""

_AFTER: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("control", "includewhitespace", ("showadditionalerrorinfo",)),
    ("create_invoice", "supdocid", ("taxsolutionid",)),
    ("create_bill", "supdocid", ("inclusivetax", "taxsolutionid")),
    ("create_aradjustment", "nogl", ("taxsolutionid",)),
    ("create_apadjustment", "customfields", ("inclusivetax", "taxsolutionid")),
    *(
        entry
        for line in ("lineitem", "updatelineitem")
        for entry in (
            (line, "amount", ("totaltrxamount",)),
            (line, "projectid", ("taskid", "costtypeid")),
            (line, "billable", ("taxentries",)),
        )
    ),
)
"""(element, after which child, what comes newly there)."""


def available() -> bool:
    """Whether the vendor's schema is at hand."""
    return bool(os.environ.get(XSD_VARIABLE))


@cache
def vendor_schema() -> etree.XMLSchema:
    """The vendor's schema with the newer elements; raises KeyError where `INTACCT_XSD` is unset."""
    root = etree.parse(Path(os.environ[XSD_VARIABLE])).getroot()
    root.extend(etree.fromstring(_NEW_ELEMENTS))
    elements = {element.get("name"): element for element in root.iterchildren(f"{_XS}element")}
    for parent, child, new in _AFTER:
        children = elements[parent].iterfind(f".//{_XS}element")
        anchor = next((held for held in children if child in (held.get("ref"), held.get("name"))), None)
        assert anchor is not None, f"{parent} has no {child}"
        for name in reversed(new):
            anchor.addnext(etree.Element(f"{_XS}element", {"ref": name, "minOccurs": "0"}))
    choice = next(elements["function"].iter(f"{_XS}choice"))
    for name in ("query", "lookup"):
        etree.SubElement(choice, f"{_XS}element", {"ref": name})
    return etree.XMLSchema(root.getroottree())


def assert_valid(request_xml: bytes) -> None:
    """Fail with the schema's own words if a request breaks it; without the schema only its being XML is looked at."""
    document = etree.fromstring(request_xml)
    if not available():
        return
    schema = vendor_schema()
    valid = schema.validate(document)
    assert valid, f"{schema.error_log}\nin {request_xml[:2000]!r}"


def assert_all_valid(requests: Iterable[bytes]) -> int:
    """Look at all requests that a stand-in received; returns how many there were."""
    count = 0
    for request in requests:
        assert_valid(request)
        count += 1
    return count
