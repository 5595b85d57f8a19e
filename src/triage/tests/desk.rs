//! A second application, made up anew for every seed: a travel desk of a graph with a supervisor,
//! agents that share tools, retrieval, guardrails and an inline classifier.
//!
//! Of fourteen kinds of failure each seed plants some, with names, messages and numbers of its own,
//! and of every look-alike as many again. Latencies have a heavy tail and follow the time of day.

use super::super::sketch::mix;
use super::corpus::START_US;
use super::node::{Frame, Ms, Node, Said, tell};
use super::report_of;
use super::scores::{Scores, Truth};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SEEDS: u64 = 20;
const TRACES: usize = 700;
const DAYS: u64 = 9;
const HOUR_US: i64 = 3_600_000_000;

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[(self.next() % list.len() as u64) as usize]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, (self.next() % (at as u64 + 1)) as usize);
        }
    }
}

/// What is odd about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Odd {
    ToolError,
    ModelError,
    Fallback,
    Loop,
    PlanLoop,
    WrongTool,
    WrongAgent,
    EmptyRetrieval,
    FarRetrieval,
    CutOff,
    Unheeded,
    Judged,
    SlowTool,
    LongPrompt,
    Unanswered,
    AskedAgain,
    // From here on they only look like failures.
    Mended,
    Polling,
    Paging,
    Cascade,
    HonestMiss,
    Cancelled,
    Blocked,
    JudgedWell,
    AdmittedMiss,
    OneOff,
    Vote,
    Continued,
}

const FAILURES: [Odd; 16] = [
    Odd::ToolError,
    Odd::ModelError,
    Odd::Fallback,
    Odd::Loop,
    Odd::PlanLoop,
    Odd::WrongTool,
    Odd::WrongAgent,
    Odd::EmptyRetrieval,
    Odd::FarRetrieval,
    Odd::CutOff,
    Odd::Unheeded,
    Odd::Judged,
    Odd::SlowTool,
    Odd::LongPrompt,
    Odd::Unanswered,
    Odd::AskedAgain,
];

const LOOK_ALIKES: [Odd; 12] = [
    Odd::Mended,
    Odd::Polling,
    Odd::Paging,
    Odd::Cascade,
    Odd::HonestMiss,
    Odd::Cancelled,
    Odd::Blocked,
    Odd::JudgedWell,
    Odd::AdmittedMiss,
    Odd::OneOff,
    Odd::Vote,
    Odd::Continued,
];

/// What this seed's application is like.
struct Desk {
    exception: &'static str,
    message: &'static str,
    model: &'static str,
    broken_tool: &'static str,
    cut: &'static str,
    /// Since when the quotes are slow, and the prompts long, if planted.
    slow_us: i64,
    long_us: i64,
    planted: BTreeSet<Odd>,
}

fn node(kind: &str, name: &str, input: Value, output: Value) -> Node {
    let (kind, name) = (kind.to_owned(), name.to_owned());
    Node { kind, name, input, output, ..Node::default() }
}

fn tool(name: &str, input: Value, output: Value) -> Node {
    node("TOOL", name, input, output)
}

fn failing(mut node: Node, kind: &str, message: &str) -> Node {
    node.error = Some((kind.to_owned(), message.to_owned()));
    node.output = Value::Null;
    node
}

impl Desk {
    fn of(rng: &mut Rng, start_us: i64) -> Self {
        let mut kinds = FAILURES;
        rng.shuffle(&mut kinds);
        let many = rng.between(6, 10) as usize;
        let day = |n: u64| start_us + n as i64 * 24 * HOUR_US;
        Self {
            exception: rng.pick(&[
                "ProviderDown",
                "ValueError",
                "psycopg.OperationalError",
                "BookingLocked",
            ]),
            message: rng.pick(&[
                "booking {x} is locked by session {i}",
                "could not parse fare '{x}' of carrier",
                "connection to server at 10.0.{i}.7, port 5432 failed",
                "quota of 500 requests exceeded, retry after {i} s (ref {x})",
            ]),
            model: rng.pick(&["claude-sonnet-4-5", "gpt-4.1", "mistral-large-3"]),
            broken_tool: rng.pick(&["book_flight", "hold_room", "check_visa"]),
            cut: rng.pick(&["max_tokens", "length", "MAX_TOKENS"]),
            slow_us: day(rng.between(2, 5)),
            long_us: day(rng.between(2, 5)),
            planted: kinds.into_iter().take(many).collect(),
        }
    }

    /// Longer around noon, and now and then much longer.
    fn ms(rng: &mut Rng, start_us: i64, least: u64) -> Ms {
        let hour = start_us.rem_euclid(24 * HOUR_US) / HOUR_US;
        let noon = if (10..15).contains(&hour) { 14 } else { 10 };
        let tail = if rng.between(0, 30) == 0 { 6 } else { 1 };
        let spread = rng.between(10, 25);
        let ms = least * noon * spread * tail / 100;
        Ms((ms, ms + least / 2))
    }

    fn llm(&self, rng: &mut Rng, name: &str, at: i64, tokens: [(u64, u64); 2]) -> Node {
        let mut llm = node("LLM", name, Value::Null, json!("text"));
        llm.model = Some(self.model.to_owned());
        llm.finish = Some("stop".to_owned());
        llm.ms = Self::ms(rng, at, 300);
        llm.tokens = Some(tokens);
        llm.cost = Some(rng.between(80, 160) as f64 / 100_000.0);
        llm
    }

    fn classify(&self, rng: &mut Rng, at: i64) -> Node {
        let mut llm = self.llm(rng, "classify", at, [(200, 300), (1, 1)]);
        llm.finish = Some(self.cut.to_owned());
        llm
    }

    fn compose(&self, rng: &mut Rng, at: i64) -> Node {
        let long = self.planted.contains(&Odd::LongPrompt) && at >= self.long_us;
        let prompt = if long { (2_600, 3_900) } else { (900, 1_500) };
        self.llm(rng, "compose", at, [prompt, (90, 260)])
    }

    fn quote(&self, rng: &mut Rng, at: i64) -> Node {
        let mut quote = tool(
            "get_quote",
            json!({"route": rng.pick(&["OSL-TRD", "BER-VIE"]), "day": rng.between(1, 28)}),
            json!({"fare": rng.between(60, 900)}),
        );
        let slow = self.planted.contains(&Odd::SlowTool) && at >= self.slow_us;
        quote.ms = Self::ms(rng, at, if slow { 700 } else { 90 });
        quote
    }

    fn kb(&self, rng: &mut Rng, at: i64) -> Node {
        let mut kb = node("RETRIEVER", "visa_rules", json!("visa for {x}"), Value::Null);
        let best = rng.between(700, 930) as f64 / 1_000.0;
        kb.scores = vec![best, best - 0.07, best - 0.13];
        kb.ms = Self::ms(rng, at, 40);
        kb
    }

    fn agent(&self, rng: &mut Rng, name: &str, at: i64, children: Vec<Node>) -> Node {
        let mut agent = node("AGENT", name, json!("request {i} about {x}"), json!("done with {x}"));
        agent.children = vec![self.llm(rng, "think", at, [(400, 700), (40, 120)])];
        agent.children.extend(children);
        agent
    }

    /// A healthy trace: what is asked, and by which agent it is done.
    fn plain(&self, rng: &mut Rng, at: i64) -> Node {
        let work = match rng.between(0, 9) {
            0..=3 => {
                let children = vec![
                    self.quote(rng, at),
                    tool("book_flight", json!({"fare": "F-{x}"}), json!({"pnr": "{x}"})),
                ];
                self.agent(rng, "flights_agent", at, children)
            }
            4..=5 => {
                let children = vec![
                    tool(
                        "find_hotel",
                        json!({"city": rng.pick(&["Oslo", "Graz", "Porto"])}),
                        json!({"hotels": [{"id": "{x}"}]}),
                    ),
                    tool("hold_room", json!({"hotel": "{x}"}), json!({"held": true})),
                ];
                self.agent(rng, "hotels_agent", at, children)
            }
            6 => {
                let children = vec![tool(
                    "booking",
                    json!({"ref": "BK-{i}{i}"}),
                    json!({"state": "ticketed", "ref": "{x}"}),
                )];
                self.agent(rng, "flights_agent", at, children)
            }
            _ => {
                let children = vec![
                    self.kb(rng, at),
                    tool(
                        "check_visa",
                        json!({"country": rng.pick(&["NO", "AT", "PT"])}),
                        json!({"needed": false}),
                    ),
                ];
                self.agent(rng, "visa_agent", at, children)
            }
        };
        self.graph(rng, at, vec![work])
    }

    fn graph(&self, rng: &mut Rng, at: i64, work: Vec<Node>) -> Node {
        let mut root = node(
            "CHAIN",
            "graph",
            json!("please help with trip {x}, number {i}"),
            json!("Your trip {x} is arranged, and the papers are in your mail."),
        );
        let supervisor =
            self.agent(rng, "supervisor", at, vec![self.classify(&mut Rng(at as u64), at)]);
        root.children = vec![supervisor];
        root.children.extend(work);
        root.children.push(self.compose(rng, at));
        root
    }

    fn root(&self, rng: &mut Rng, planned: &Planned) -> Node {
        let at = planned.start_us;
        match planned.odd {
            Some(odd) => self.odd(odd, rng, at, planned.nth),
            // Now and then somebody plans a whole trip, or looks at the seats, and it works.
            None if rng.between(0, 19) == 0 => {
                let work = self.agent(rng, "trip_planner", at, Vec::new());
                self.graph(rng, at, vec![work])
            }
            None if rng.between(0, 9) == 0 => {
                let seats =
                    tool("seat_map", json!({"flight": "{x}"}), json!({"seats": ["3A", "{i}B"]}));
                let work = self.agent(rng, "flights_agent", at, vec![seats]);
                self.graph(rng, at, vec![work])
            }
            None => self.plain(rng, at),
        }
    }

    fn odd(&self, odd: Odd, rng: &mut Rng, at: i64, nth: usize) -> Node {
        match odd {
            Odd::ToolError | Odd::Fallback | Odd::Mended | Odd::Cancelled | Odd::OneOff => {
                self.with_error(odd, rng, at, nth)
            }
            Odd::ModelError | Odd::CutOff | Odd::Continued => self.with_model(odd, rng, at),
            Odd::EmptyRetrieval | Odd::FarRetrieval | Odd::AdmittedMiss => {
                self.with_retrieval(odd, rng, at)
            }
            Odd::Unheeded | Odd::Blocked => self.with_guardrail(odd, rng, at),
            Odd::Judged | Odd::JudgedWell => {
                let mut root = self.plain(rng, at);
                let (name, label) = if odd == Odd::Judged {
                    ("itinerary_correct", "incorrect")
                } else {
                    ("toxicity", "no")
                };
                root.verdict = Some(Said {
                    name: name.to_owned(),
                    label: Some(label.to_owned()),
                    score: None,
                });
                root
            }
            Odd::Unanswered => {
                let mut root = self.plain(rng, at);
                root.output = Value::Null;
                root
            }
            Odd::AskedAgain => {
                let mut root = self.plain(rng, at);
                root.input = json!("where on earth is the ticket for my trip to the fjords");
                root.output = json!("Tickets are sent by mail, reference {x}.");
                root
            }
            Odd::SlowTool | Odd::LongPrompt => self.plain(rng, at),
            _ => self.with_calls(odd, rng, at),
        }
    }

    fn with_error(&self, odd: Odd, rng: &mut Rng, at: i64, nth: usize) -> Node {
        let call =
            |name: &str| tool(name, json!({"fare": "F-{x}", "seat": "{i}"}), json!({"ok": true}));
        let (children, answer) = match odd {
            Odd::ToolError => (
                vec![failing(call(self.broken_tool), self.exception, self.message)],
                "Sorry, that did not work; a colleague will call you.",
            ),
            Odd::Fallback => (
                vec![
                    failing(call("live_fares"), "FeedGone", "fare feed {i} is gone"),
                    tool("old_fares", json!({"f": "{x}"}), json!({"fare": 99})),
                ],
                "The flight is 99 euros and leaves at noon, I have put it in your plan.",
            ),
            Odd::Mended => (
                vec![
                    failing(call("book_flight"), "Timeout", "no answer in {i} ms"),
                    call("book_flight"),
                ],
                "Your flight is booked.",
            ),
            Odd::Cancelled => {
                (vec![failing(call("book_flight"), "asyncio.CancelledError", "")], "Stopped.")
            }
            _ => {
                let kinds = [
                    "KeyError",
                    "OSError",
                    "UnicodeError",
                    "ZeroDivisionError",
                    "EOFError",
                    "RecursionError",
                ];
                (
                    vec![failing(call("hold_room"), kinds[nth % kinds.len()], "just once")],
                    "Sorry, that did not work.",
                )
            }
        };
        let work = self.agent(rng, "flights_agent", at, children);
        let mut root = self.graph(rng, at, vec![work]);
        root.output = json!(answer);
        root
    }

    fn with_model(&self, odd: Odd, rng: &mut Rng, at: i64) -> Node {
        let mut root = self.plain(rng, at);
        let last = root.children.len() - 1;
        match odd {
            Odd::ModelError => {
                root.children[last] = failing(
                    root.children[last].clone(),
                    "OverloadedError",
                    "529 overloaded, request req_{x}",
                );
                root = failing(root, "GraphFailed", "node compose failed in run {x}");
            }
            Odd::CutOff => {
                root.children[last].finish = Some(self.cut.to_owned());
                let parse = failing(
                    node("CHAIN", "parse_itinerary", json!("{"), Value::Null),
                    "json.JSONDecodeError",
                    "Expecting value: line {i} column 1",
                );
                root.children.push(parse);
                root.output = json!("Sorry, I could not put your plan together.");
            }
            _ => {
                let mut first = root.children[last].clone();
                first.finish = Some(self.cut.to_owned());
                root.children.insert(last, first);
            }
        }
        root
    }

    fn with_retrieval(&self, odd: Odd, rng: &mut Rng, at: i64) -> Node {
        let mut kb = self.kb(rng, at);
        if odd == Odd::FarRetrieval {
            let best = rng.between(90, 200) as f64 / 1_000.0;
            kb.scores = vec![best, best - 0.02];
        } else {
            kb.scores = Vec::new();
            kb.output = json!([]);
        }
        let work = self.agent(rng, "visa_agent", at, vec![kb]);
        let mut root = self.graph(rng, at, vec![work]);
        root.output = json!(match odd {
            Odd::AdmittedMiss => "I could not find a rule for that; please ask the consulate.",
            _ => "You can stay for ninety days and no visa is needed for the transit.",
        });
        root
    }

    fn with_guardrail(&self, odd: Odd, rng: &mut Rng, at: i64) -> Node {
        let mut root = self.plain(rng, at);
        let said = "The card number of the other guest is in the file that I attach.";
        let guard = node(
            "GUARDRAIL",
            "privacy_check",
            json!(said),
            json!({"flagged": true, "kind": "pii"}),
        );
        root.children.push(guard);
        root.output = json!(if odd == Odd::Unheeded {
            said
        } else {
            "I may not tell you about other guests."
        });
        root
    }

    /// Calls of one agent, in which it shows.
    fn calls(odd: Odd, rng: &mut Rng) -> Vec<Node> {
        let times = rng.between(4, 8) as usize;
        let seats = |state: Value| tool("seat_map", json!({"flight": "{x}"}), state);
        let pending = Node { times: Some(times), ..seats(json!({"state": "pending"})) };
        let booking = |found: Value| tool("booking", json!({"ref": "BK-{i}{i}"}), found);
        let ticketed = json!({"state": "ticketed"});
        let page = |page: usize| {
            tool("list_hotels", json!({"city": "Oslo", "page": page}), json!({"ids": [page]}))
        };
        match odd {
            Odd::Loop => vec![pending],
            Odd::Polling => vec![pending, seats(json!({"seats": ["3A"]}))],
            Odd::Paging => (1..=times).map(page).collect(),
            Odd::WrongTool => {
                let hotel = tool("find_hotel", json!({"city": "BK-{i}{i}"}), json!({"hotels": []}));
                vec![hotel, booking(ticketed)]
            }
            Odd::Cascade => {
                let known = rng.between(0, 2) == 0;
                let cached = if known { ticketed.clone() } else { Value::Null };
                vec![tool("cache_get", json!({"key": "BK-{i}{i}"}), cached), booking(ticketed)]
            }
            _ => {
                vec![booking(json!({"status": "not_found", "message": "error: no booking BK-{i}"}))]
            }
        }
    }

    fn with_calls(&self, odd: Odd, rng: &mut Rng, at: i64) -> Node {
        let work = match odd {
            Odd::PlanLoop => {
                let mut planner = self.agent(rng, "trip_planner", at, Vec::new());
                planner.times = Some(rng.between(4, 8) as usize);
                vec![planner]
            }
            Odd::WrongAgent => {
                let quote = self.quote(rng, at);
                vec![
                    self.agent(rng, "hotels_agent", at, Vec::new()),
                    self.agent(rng, "flights_agent", at, vec![quote]),
                ]
            }
            Odd::Vote => {
                let rules = tool("check_visa", json!({"country": "NO"}), json!({"needed": false}));
                vec![
                    self.agent(rng, "critic_a", at, Vec::new()),
                    self.agent(rng, "critic_b", at, vec![rules]),
                ]
            }
            _ => {
                let calls = Self::calls(odd, rng);
                vec![self.agent(rng, "flights_agent", at, calls)]
            }
        };
        let mut root = self.graph(rng, at, work);
        if odd == Odd::HonestMiss {
            root.output = json!("There is no booking under that number, please check your mail.");
        }
        root
    }
}

struct Planned {
    odd: Option<Odd>,
    nth: usize,
    start_us: i64,
    session: String,
}

/// Which trace is when, and what is odd about it.
fn schedule(desk: &Desk, rng: &mut Rng) -> Vec<Planned> {
    let start = |rng: &mut Rng| {
        let hour = 6 + rng.between(0, 8) + rng.between(0, 8);
        START_US - 8 * HOUR_US
            + (rng.between(0, DAYS - 1) * 24 + hour) as i64 * HOUR_US
            + rng.between(0, 3_599) as i64 * 1_000_000
    };
    let mut all = Vec::new();
    for odd in desk.planted.iter().chain(&LOOK_ALIKES) {
        let many = match odd {
            Odd::SlowTool | Odd::LongPrompt => 0,
            Odd::OneOff => 6,
            Odd::AskedAgain => rng.between(4, 7) as usize,
            Odd::PlanLoop => rng.between(5, 9) as usize,
            _ => rng.between(6, 20) as usize,
        };
        for nth in 0..many {
            let (start_us, session) = (start(rng), format!("{odd:?}{nth}"));
            let turns = if *odd == Odd::AskedAgain { 3 } else { 1 };
            for turn in 0..turns {
                let session = session.clone();
                all.push(Planned {
                    odd: Some(*odd),
                    nth,
                    start_us: start_us + turn * 90_000_000,
                    session,
                });
            }
        }
    }
    let mut session = 0;
    while all.len() < TRACES {
        session += 1;
        let at = start(rng);
        for turn in 0..rng.between(1, 4) as i64 {
            all.push(Planned {
                odd: None,
                nth: 0,
                start_us: at + turn * 120_000_000,
                session: format!("s{session}"),
            });
        }
    }
    all
}

fn run(seed: u64, quiet: bool) -> (Scores, usize) {
    let mut rng = Rng(seed.wrapping_mul(0x0bad_5eed_0bad_5eed));
    let mut desk = Desk::of(&mut rng, START_US - 8 * HOUR_US);
    if quiet {
        desk.planted.clear();
    }
    let (mut spans, mut annotations) = (Vec::new(), Vec::new());
    let planted = desk.planted.iter().chain(&LOOK_ALIKES);
    let mut truths: Vec<(Odd, Truth)> = planted
        .map(|odd| {
            let (name, failure) = (format!("{odd:?}"), FAILURES.contains(odd));
            (*odd, Truth { name, failure, traces: BTreeSet::new() })
        })
        .collect();
    for (number, planned) in schedule(&desk, &mut rng).iter().enumerate() {
        let mut root = desk.root(&mut rng, planned);
        root.ms = Ms((5, 60));
        let frame = Frame {
            salt: seed,
            number: number as u64 + 10,
            start_us: planned.start_us,
            session: Some(planned.session.clone()),
            user: Some(format!("u{}", rng.between(1, 200))),
        };
        let told = tell(&root, &frame);
        let has = |name: &str| told.spans.iter().any(|span| span.name == name);
        for (odd, truth) in &mut truths {
            let own = match odd {
                Odd::SlowTool => planned.start_us >= desk.slow_us && has("get_quote"),
                Odd::LongPrompt => planned.start_us >= desk.long_us && has("compose"),
                odd => planned.odd == Some(*odd),
            };
            if own {
                truth.traces.insert(told.trace_id.to_string());
            }
        }
        spans.extend(told.spans);
        annotations.extend(told.annotations);
    }
    let many = spans.len();
    let truths: Vec<Truth> = truths.into_iter().map(|(_, truth)| truth).collect();
    (Scores::of(&report_of(spans, annotations), &truths), many)
}

/// Nothing is planted but look-alikes.
#[test]
fn quiet_desks() {
    for seed in 1..=SEEDS / 2 {
        let (scores, _) = run(seed, true);
        assert_eq!(scores.wrong, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn twenty_desks() {
    let (mut found, mut missed, mut wrong) = (0, 0, 0);
    println!("seed  spans  planted  found  wrong  precision  recall");
    for seed in 1..=SEEDS {
        let (scores, spans) = run(seed, false);
        let planted = scores.found.len() + scores.missed.len();
        println!(
            "{seed:>4} {spans:>6} {planted:>8} {:>6} {:>6} {:>10.3} {:>7.3}",
            scores.found.len(),
            scores.wrong.len(),
            scores.precision(),
            scores.recall()
        );
        scores.missed.iter().for_each(|name| println!("      missed {name}"));
        scores.wrong.iter().for_each(|title| println!("      wrong  {title}"));
        found += scores.found.len();
        missed += scores.missed.len();
        wrong += scores.wrong.len();
    }
    let precision = f64::from(found as u32) / f64::from((found + wrong) as u32);
    let recall = f64::from(found as u32) / f64::from((found + missed) as u32);
    println!(
        "all: {found} found, {missed} missed, {wrong} wrong; precision {precision:.3}, recall {recall:.3}"
    );
    assert!(precision >= 0.97, "precision {precision}");
    assert!(recall >= 0.9, "recall {recall}");
}
