//! Names, products, documents and phrases. All made up.

use super::rng::Rng;
use super::story::Document;

pub(super) struct Customer {
    pub id: String,
    pub name: String,
    pub plan: &'static str,
    pub channel: &'static str,
}

pub(super) struct Product {
    pub sku: &'static str,
    pub name: &'static str,
    pub cents: u64,
}

const FIRST_NAMES: [&str; 24] = [
    "Amara", "Bela", "Chidi", "Dorte", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaja",
    "Liam", "Mirela", "Noor", "Oskar", "Petra", "Quentin", "Rosa", "Sami", "Tuva", "Umar", "Vera",
    "Wim", "Yuki",
];

pub(super) const PRODUCTS: [Product; 14] = [
    Product { sku: "TN-210", name: "Fjell 2 tent", cents: 34_900 },
    Product { sku: "TN-410", name: "Fjell 4 tent", cents: 52_900 },
    Product { sku: "SB-015", name: "Lyng sleeping bag", cents: 18_900 },
    Product { sku: "MT-090", name: "Mose sleeping mat", cents: 8_900 },
    Product { sku: "BP-065", name: "Tinde 65 backpack", cents: 22_900 },
    Product { sku: "BP-028", name: "Tinde 28 daypack", cents: 11_900 },
    Product { sku: "ST-004", name: "Glo gas stove", cents: 6_900 },
    Product { sku: "JK-330", name: "Skodde rain jacket", cents: 19_900 },
    Product { sku: "JK-520", name: "Rim down jacket", cents: 27_900 },
    Product { sku: "BT-118", name: "Ur hiking boots", cents: 21_900 },
    Product { sku: "LT-033", name: "Lykt headlamp", cents: 5_900 },
    Product { sku: "PW-200", name: "Straum power bank", cents: 7_400 },
    Product { sku: "FL-075", name: "Bekk water filter", cents: 4_900 },
    Product { sku: "PL-140", name: "Stav trekking poles", cents: 9_900 },
];

pub(super) const DOCUMENTS: [Document; 10] = [
    Document {
        id: "help/returns",
        topic: "returns",
        text: "Unused goods can be returned within 60 days of delivery. Print the label from your account and drop the parcel at any partner point. Sleeping bags and base layers must be in their sealed bag.",
    },
    Document {
        id: "help/refund-times",
        topic: "refunds",
        text: "Refunds are made to the original payment method. Cards take 3 to 5 working days, bank transfers up to 7, gift cards are credited at once.",
    },
    Document {
        id: "help/shipping-eu",
        topic: "shipping",
        text: "Standard shipping within the EU takes 3 to 6 working days and is free from 80 euros. Express takes 1 to 2 working days and costs 14.90 euros.",
    },
    Document {
        id: "help/split-orders",
        topic: "shipping",
        text: "When part of an order is not in stock we send it in two parcels. Each parcel has its own tracking number; you pay shipping once.",
    },
    Document {
        id: "help/warranty",
        topic: "warranty",
        text: "Tents, packs and jackets carry a five year warranty against faults of material and make. Wear, burns and accidents are not covered, but our workshop repairs them at cost.",
    },
    Document {
        id: "help/stove-codes",
        topic: "stove",
        text: "The Glo stove blinks to report an error: error code E02 means the canister is empty, error code E04 means the burner is clogged and needs cleaning with the needle supplied.",
    },
    Document {
        id: "help/tent-care",
        topic: "care",
        text: "Dry the tent before storing it. Clean with cold water and a sponge. Reproof the flysheet when water no longer beads, about once a season.",
    },
    Document {
        id: "help/boot-sizing",
        topic: "sizing",
        text: "Ur boots run half a size small. Measure in the evening with hiking socks on and leave a thumb of room in front of the toes.",
    },
    Document {
        id: "help/layering",
        topic: "advice",
        text: "Dress in three layers: a wool base layer, an insulating mid layer and a shell. Add or drop the mid layer before you are cold or sweating.",
    },
    Document {
        id: "help/price-match",
        topic: "prices",
        text: "We match the price of a European shop for the same item in stock within 14 days of purchase, once per order.",
    },
];

pub(super) const ANSWER_SYSTEM: &str = "You are the support assistant of Northlight Outfitters, an outdoor shop. Answer only from the tool results and help centre articles you are given. Be brief and friendly. Never promise a refund that no tool has confirmed.";

pub(super) const PLAN_SYSTEM: &str = "Plan how to help the customer. Reply with JSON: {\"intent\": string, \"steps\": [{\"tool\": string, \"args\": object}]}. Tools: lookup_order(order_id), track_shipment(tracking), create_return(order_id, sku, reason), issue_refund(order_id, amount, method), search_catalog(query), check_inventory(sku, warehouse), cached_inventory(sku), escalate(reason).";

pub(super) const GREETINGS: [&str; 8] = [
    "Hi, ",
    "Hello! ",
    "",
    "",
    "Good morning, ",
    "Hey there, ",
    "Hi again. ",
    "Sorry to bother you: ",
];

pub(super) const GOODBYES: [&str; 7] = [
    "",
    "",
    " Thanks!",
    " Thank you in advance.",
    " I leave on Friday, so it is a bit urgent.",
    " Cheers",
    " Please let me know soon.",
];

pub(super) const CITIES: [&str; 10] =
    ["Bergen", "Graz", "Ghent", "Lublin", "Porto", "Turku", "Aarhus", "Trento", "Galway", "Brno"];

pub(super) fn customer(rng: &mut Rng) -> Customer {
    let plan = *rng.pick(&["standard", "standard", "standard", "member"]);
    let channel = *rng.pick(&["web", "web", "app", "email"]);
    Customer {
        id: format!("cus_{:06}", rng.between(100_000, 999_999)),
        name: (*rng.pick(&FIRST_NAMES)).to_owned(),
        plan,
        channel,
    }
}

pub(super) fn order_id(rng: &mut Rng) -> String {
    format!("NL-{}", rng.between(104_000, 998_999))
}

pub(super) fn tracking(rng: &mut Rng) -> String {
    format!("TRK{}{}", rng.between(10_000_000, 99_999_999), rng.pick(&["DE", "NO", "AT", "PL"]))
}

pub(super) fn euros(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

pub(super) fn about(topic: &str) -> Vec<&'static Document> {
    DOCUMENTS.iter().filter(|document| document.topic == topic).collect()
}
