//! What must hold whatever is given: fingerprints do not depend on ids, times or order.

use super::super::mask::mask;
use super::node::{Frame, Node, tell};
use super::report_of;
use proptest::prelude::*;
use serde_json::json;

/// Two failures and as much that went well.
fn report(salt: u64, shift_us: i64, turned: bool, text: &str) -> Vec<String> {
    let mut spans = Vec::new();
    for number in 0..12 {
        let mut call = Node {
            kind: "TOOL".to_owned(),
            name: "fetch".to_owned(),
            input: json!({"id": "{x}"}),
            ..Node::default()
        };
        match number % 3 {
            0 => {
                call.error = Some(("IOError".to_owned(), format!("row {{i}} of '{text}' is gone")));
            }
            1 => call.error = Some(("Timeout".to_owned(), "no answer in {i} ms".to_owned())),
            _ => call.output = json!("ok"),
        }
        let root = Node {
            kind: "CHAIN".to_owned(),
            name: "run".to_owned(),
            children: vec![call],
            ..Node::default()
        };
        let start_us = 1_772_438_400_000_000 + shift_us + number * 60_000_000;
        spans.extend(
            tell(&root, &Frame { salt, number: number as u64, start_us, ..Frame::default() }).spans,
        );
    }
    if turned {
        spans.reverse();
    }
    let report = report_of(spans, Vec::new());
    report.issues.iter().map(|issue| issue.fingerprint.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_fingerprint_is_of_the_failure_alone(
        salt in 1_u64..u64::MAX, days in -3_000_i64..3_000, turned: bool, text in "[a-z ]{3,20}[0-9]{1,6}",
    ) {
        let mut own = report(salt, days * 86_400_000_000, turned, &text);
        let mut first = report(1, 0, false, "abc1");
        own.sort();
        first.sort();
        prop_assert_eq!(first.len(), 2);
        prop_assert_eq!(own, first);
    }

    #[test]
    fn masking_ends_and_loses_what_varies(n in 0_u64..99_999_999_999, text in "\\PC{0,400}") {
        prop_assert_eq!(mask(&format!("row {n} of 0x{n:x}")), "row <n> of <id>");
        let masked = mask(&text);
        prop_assert!(masked.chars().count() <= 8 * 300);
    }
}
