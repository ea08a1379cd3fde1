"""The vocabulary of the generator: names, places, services, and text that breaks careless code."""

HEADS = (
    "Harrow",
    "Blackwater",
    "Pennine",
    "Ashdown",
    "Kestrel",
    "Thornbury",
    "Wharf Street",
    "Marlowe",
    "Granite",
    "Severn",
    "Oakfield",
    "Copperfield",
    "Lakeland",
    "Sterling",
    "Beacon",
    "Rookery",
    "Tamar",
    "Fenwick",
    "Holloway",
    "Calder",
)
TAILS = (
    "Analytics",
    "Logistics",
    "Foods",
    "Architects",
    "Energy",
    "Publishing",
    "Health",
    "Joinery",
    "Partners",
    "Insurance",
    "Robotics",
    "Theatre",
    "Brewing",
    "Instruments",
    "Housing",
    "Textiles",
)
FORMS = ("Ltd", "Limited", "plc", "LLP", "CIC", "& Sons Ltd")
ODD_NAMES = (
    'Smith & Jones "Bespoke" <Design>; Ltd',
    "O'Hara's Fish & Chips Ltd",
    "שלום טכנולוגיות בע״מ",
    "شركة النخيل للاستشارات",
    "🚀 Rocket Kitchen 🍕 Ltd",
    "Łódź Ærø Ünïcode GmbH & Co. KG",
    "Non\u00a0Breaking\u00a0Spaces Ltd",
    "The Worshipful Company of Makers of Unreasonably Long Names for Perfectly Ordinary Businesses in the "
    "Greater Manchester, Merseyside and Lancashire Region (Holdings) Limited",
    "東京コンサルティング株式会社",
    "Tab\tand &amp; Entity Ltd",
)
FIRST_NAMES = ("Amara", "Tom", "Siobhán", "Priya", "Callum", "Zoë", "Mohammed", "Ewa", "Rhys", "Grace", "יעל", "Ngozi")
LAST_NAMES = (
    "Okafor",
    "Whitfield",
    "O'Brien",
    "Patel",
    "MacLeod",
    "Nowak",
    "Evans",
    "Hussain",
    "Clarke",
    "Lévy",
    "Bell",
)
STREETS = ("High Street", "Canal Road", "Station Approach", "Mill Lane", "Castle Gate", "Queen's Parade")
TOWNS = (
    ("Leeds", "West Yorkshire", "LS1 4AP"),
    ("Bristol", "", "BS1 5TY"),
    ("Manchester", "Greater Manchester", "M2 3WQ"),
    ("Norwich", "Norfolk", "NR1 3JU"),
    ("Cardiff", "", "CF10 1EP"),
    ("London", "Greater London", "EC2A 4NE"),
)
SERVICES = (
    "Discovery workshop with the board",
    "Sprint {n}: design and build",
    "Monthly support, tier {n}",
    "Data migration, wave {n}",
    "Project management",
    "Interim finance director",
    "Rail fares, London to Leeds & return",
    "Security review \u2013 findings <{n}>",
    'Training "Getting started"; {n} seats',
    "Licence renewal, 12 months",
)
ODD_COMMENTS = (
    "Vertical\x0btab and bell\x07 from an old export",
    "Non\u00a0breaking\u00a0space",
    "5 < 6 && 7 > 6; \"quoted\" and 'single'",
    "עיצוב לוגו",
    "تصميم الشعار",
    "Launch party 🎉🥂",
    "Line one\nline two\r\nline three",
)
HEADINGS = ("Phase one", "Work carried out in the month", "Expenses", "Design & build", "Optional extras")
LONG_MEMO = (
    "Work was carried out under the framework agreement as varied by the letter of 3 March; hours are billed as "
    "recorded in the time sheets, travel at cost. "
)
DESCRIPTIONS = ("Fees for the month", "As per our proposal", "Second instalment", "Retainer", "Work to date", "")
