//! What customers ask when all goes well.

use super::rng::Rng;
use super::story::{Reading, Step, Story};
use super::texts::{
    CITIES, Customer, GOODBYES, GREETINGS, PRODUCTS, Product, about, euros, order_id, tracking,
};
use serde_json::{Value, json};

/// A turn of any kind.
pub(super) fn any(customer: &Customer, rng: &mut Rng) -> Story {
    match rng.between(0, 9) {
        0..=2 => order_status(customer, rng),
        3..=4 => return_goods(customer, rng),
        5 => refund(customer, rng),
        6..=7 => stock(customer, rng),
        8 => advice(customer, rng),
        _ => policy(customer, rng),
    }
}

fn story(
    intent: &'static str,
    question: &str,
    steps: Vec<Step>,
    answer: String,
    rng: &mut Rng,
) -> Story {
    Story {
        intent,
        question: format!("{}{question}{}", rng.pick(&GREETINGS), rng.pick(&GOODBYES)),
        refused: None,
        reading: None,
        steps,
        plan_is_cut: false,
        answer,
        answer_fails: None,
    }
}

pub(super) fn order(order: &str, product: &Product, tracking: &str, rng: &mut Rng) -> Value {
    json!({
        "order_id": order,
        "status": rng.pick(&["shipped", "shipped", "packed", "delivered"]),
        "items": [{"sku": product.sku, "name": product.name, "quantity": rng.between(1, 2)}],
        "total_eur": euros(product.cents),
        "tracking": tracking,
    })
}

pub(super) fn order_status(customer: &Customer, rng: &mut Rng) -> Story {
    let (id, parcel) = (order_id(rng), tracking(rng));
    let (product, city) = (rng.pick(&PRODUCTS), rng.pick(&CITIES));
    let days = rng.between(1, 4);
    let question = match rng.between(0, 5) {
        0 => format!("where is my order {id}? I expected it {days} days ago."),
        1 => format!("can you tell me when order {id} with the {} arrives?", product.name),
        2 => format!("the tracking page of {id} has said nothing new for {days} days, is it lost?"),
        3 => format!("has {id} left your warehouse yet?"),
        4 => format!("my {} (order {id}) should come to {city}. Any news?", product.name),
        _ => format!("status of {id} please."),
    };
    let found = order(&id, product, &parcel, rng);
    let steps = vec![
        Step::gives("lookup_order", json!({"order_id": id}), found),
        Step::gives(
            "track_shipment",
            json!({"tracking": parcel}),
            json!({"tracking": parcel, "status": "in_transit", "last_scan": format!("{city} hub"), "eta_days": days}),
        )
        .taking(180, 900),
    ];
    let answer = match rng.between(0, 2) {
        0 => format!(
            "Hi {}, your {} is on its way: it was last scanned at the {city} hub and should be with you in {days} days.",
            customer.name, product.name
        ),
        1 => format!(
            "Good news, order {id} has left us. The parcel {parcel} is at the {city} hub; expect it within {days} days."
        ),
        _ => format!(
            "Order {id} is in transit (last scan: {city} hub). The carrier says {days} more days."
        ),
    };
    story("order_status", &question, steps, answer, rng)
}

pub(super) fn return_goods(customer: &Customer, rng: &mut Rng) -> Story {
    let (id, parcel) = (order_id(rng), tracking(rng));
    let product = rng.pick(&PRODUCTS);
    let reason = rng.pick(&["too_small", "too_large", "changed_mind", "damaged", "wrong_item"]);
    let question = match rng.between(0, 3) {
        0 => format!(
            "I want to send back the {} from order {id}, {}.",
            product.name,
            reason.replace('_', " ")
        ),
        1 => format!("how do I return a {}? The order was {id}.", product.name),
        2 => format!(
            "the {} from {id} is not right for me ({}). Can I get a label?",
            product.name,
            reason.replace('_', " ")
        ),
        _ => format!("please start a return for {} in order {id}.", product.sku),
    };
    let number = format!("RMA-{}", rng.between(20_000, 89_999));
    let found = order(&id, product, &parcel, rng);
    let steps = vec![
        Step::gives("lookup_order", json!({"order_id": id}), found),
        Step::gives(
            "create_return",
            json!({"order_id": id, "sku": product.sku, "reason": reason}),
            json!({"return_id": number, "label": format!("https://returns.northlight.example/{number}.pdf"), "expires_days": 14}),
        ),
    ];
    let answer = format!(
        "Hi {}, I have opened return {number} for your {}. Print the label within 14 days and drop the parcel at a partner point.",
        customer.name, product.name
    );
    let mut story = story("return", &question, steps, answer, rng);
    story.reading =
        Some(Reading { query: format!("return {}", product.name), documents: about("returns") });
    story
}

pub(super) fn refund(customer: &Customer, rng: &mut Rng) -> Story {
    let method = *rng.pick(&["card", "card", "card", "gift_card"]);
    refund_by(method, customer, rng)
}

pub(super) fn refund_by(method: &'static str, customer: &Customer, rng: &mut Rng) -> Story {
    let (id, parcel) = (order_id(rng), tracking(rng));
    let product = rng.pick(&PRODUCTS);
    let amount = euros(product.cents);
    let question = match rng.between(0, 2) {
        0 => format!("you have my return of order {id} since last week, where is my money?"),
        1 => format!("please refund the {} of order {id}, it never worked.", product.name),
        _ => format!("I was told I get {amount} euros back for {id}. When?"),
    };
    let found = order(&id, product, &parcel, rng);
    let steps = vec![
        Step::gives("lookup_order", json!({"order_id": id}), found),
        Step::gives(
            "issue_refund",
            json!({"order_id": id, "amount": amount, "method": method}),
            json!({"refund_id": format!("rf_{}", rng.between(1_000_000, 9_999_999)), "state": "accepted"}),
        )
        .taking(400, 1_600),
    ];
    let answer = format!(
        "Hi {}, the refund of {amount} euros for order {id} is on its way to your {}.",
        customer.name,
        method.replace('_', " ")
    );
    let mut story = story("refund", &question, steps, answer, rng);
    story.reading =
        Some(Reading { query: format!("refund to {method}"), documents: about("refunds") });
    story
}

pub(super) fn stock(_: &Customer, rng: &mut Rng) -> Story {
    let product = rng.pick(&PRODUCTS);
    let count = rng.between(0, 40);
    let warehouse = *rng.pick(&["eu-1", "eu-2", "eu-2"]);
    let question = match rng.between(0, 3) {
        0 => format!("is the {} in stock?", product.name),
        1 => format!("how many of {} do you have left?", product.sku),
        2 => format!("I need two of the {} by next week, possible?", product.name),
        _ => format!("when is the {} back?", product.name),
    };
    let steps = vec![
        Step::gives(
            "search_catalog",
            json!({"query": product.name}),
            json!({"results": [{"sku": product.sku, "name": product.name, "price_eur": euros(product.cents)}]}),
        ),
        Step::gives(
            "check_inventory",
            json!({"sku": product.sku, "warehouse": warehouse}),
            json!({"sku": product.sku, "warehouse": warehouse, "available": count}),
        ),
    ];
    let answer = if count == 0 {
        format!("The {} is sold out just now. I can tell you when it is back.", product.name)
    } else {
        format!(
            "Yes: {count} of the {} are in our warehouse at {} euros each.",
            product.name,
            euros(product.cents)
        )
    };
    story("stock", &question, steps, answer, rng)
}

pub(super) fn advice(customer: &Customer, rng: &mut Rng) -> Story {
    let (product, other) = (rng.pick(&PRODUCTS), rng.pick(&PRODUCTS));
    let degrees = rng.between(2, 15);
    let question = match rng.between(0, 2) {
        0 => format!("is the {} warm enough for {degrees} degrees at night?", product.name),
        1 => format!("{} or {} for a week of hut walking?", product.name, other.name),
        _ => format!("what should I wear with the {} in wind and rain?", product.name),
    };
    let steps = vec![Step::gives(
        "search_catalog",
        json!({"query": product.name}),
        json!({"results": [
            {"sku": product.sku, "name": product.name, "price_eur": euros(product.cents)},
            {"sku": other.sku, "name": other.name, "price_eur": euros(other.cents)},
        ]}),
    )];
    let answer = format!(
        "For what you describe, {}, I would take the {}. Dress in three layers and keep the mid layer dry.",
        customer.name, product.name
    );
    let mut story = story("advice", &question, steps, answer, rng);
    story.reading =
        Some(Reading { query: format!("layers {}", product.name), documents: about("advice") });
    story
}

pub(super) fn policy(_: &Customer, rng: &mut Rng) -> Story {
    let (topic, question, answer) = *rng.pick(&[
        ("warranty", "how long is the warranty on a tent?", "Tents carry a five year warranty against faults of material and make."),
        ("warranty", "a zip of my jacket broke after two years, is that covered?", "A broken zip within five years is a fault we cover; send us a photo and we will repair it."),
        ("prices", "another shop sells it cheaper, do you match that?", "We match prices of European shops within 14 days of purchase, once per order."),
        ("care", "how do I wash my tent?", "Cold water and a sponge, no detergent, and dry it well before you store it."),
        ("sizing", "do the Ur boots run small?", "They run half a size small: take half a size more and measure with socks on."),
        ("shipping", "what does express shipping cost?", "Express takes 1 to 2 working days and costs 14.90 euros."),
    ]);
    let mut story = story("policy", question, Vec::new(), answer.to_owned(), rng);
    story.reading = Some(Reading { query: question.to_owned(), documents: about(topic) });
    story
}
