use super::*;
use jiff::civil::{Date, date};

/// A small generator of numbers, so that a failure can be found again by its seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn show(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

/// The next times after an instant.
#[track_caller]
fn check(spec: &str, zone: &str, after: &str, wanted: &[&str]) {
    let schedule = Schedule::parse(spec, zone).unwrap();
    let mut now = at(after);
    let mut found = Vec::new();
    for _ in wanted {
        now = schedule.next_after(now).unwrap();
        found.push(show(now));
    }
    assert_eq!(found, wanted, "{spec} in {zone}");
}

#[test]
fn plain_times() {
    check("0 2 * * *", "UTC", "2026-03-01T02:00:00Z", &["2026-03-02T02:00:00Z"]);
    check("0 2 * * *", "UTC", "2026-03-01T01:59:59.999Z", &["2026-03-01T02:00:00Z"]);
    check("@hourly", "UTC", "2026-03-01T01:00:00.001Z", &["2026-03-01T02:00:00Z"]);
    check("30 9 * * 1-5", "Asia/Kathmandu", "2026-03-06T12:00:00Z", &["2026-03-09T03:45:00Z"]);
    check("0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", &["2028-02-29T00:00:00Z"]);
}

#[test]
fn a_time_that_is_left_out_comes_when_the_clock_goes_on() {
    let gap = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    check("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", &gap);
    // Several of them come together, and with the one that is there.
    let once = ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"];
    check("*/30 2,3 * * *", "Europe/Berlin", "2026-03-28T03:00:00Z", &once);
    // Where midnight itself is left out, and where the gap ends with the day.
    check(
        "0 0 * * *",
        "Africa/Cairo",
        "2026-04-23T12:00:00Z",
        &["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"],
    );
    check(
        "30 23 * * *",
        "America/Nuuk",
        "2026-03-28T12:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
    );
}

#[test]
fn a_time_that_is_shown_twice_comes_the_first_time() {
    let fold = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", &fold);
    check("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", &fold[1..]);
}

#[test]
fn every_hour_follows_real_time() {
    let twice = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"];
    check("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", &twice);
    let gap = ["2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"];
    check("*/15 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", &gap);
    let half = ["2026-04-04T14:30:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"];
    check("0 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", &["2026-04-04T15:30:00Z"]);
    check(
        "30 * * * *",
        "Australia/Lord_Howe",
        "2026-04-04T14:00:00Z",
        &[half[0], "2026-04-04T15:00:00Z"],
    );
}

#[test]
fn a_day_that_is_not_in_the_calendar_has_no_times() {
    // Samoa went from the 29th to the 31st of December 2011.
    let around = ["2011-12-29T12:00:00Z", "2011-12-30T12:00:00Z"];
    check("0 2 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", &around);
}

#[test]
fn what_cannot_be_read_is_refused() {
    for (text, wanted) in [
        ("0 2 30 2 *", "`0 2 30 2 *` never comes; there is no such day"),
        ("0 2 * *", "`0 2 * *` has 4 fields, and a cron expression has five"),
        ("0 0 2 * * *", "`0 0 2 * * *` has 6 fields, and a cron expression has five"),
        ("61 2 * * *", "`61 2 * * *` is no cron expression: "),
        ("", "`` has 0 fields"),
        ("@never", "`@never` is no cron expression: "),
    ] {
        let error = cron(text).unwrap_err();
        assert!(error.starts_with(wanted), "{error}");
    }
    assert_eq!(
        zone("Europe/Berln").unwrap_err(),
        "no time zone is called `Europe/Berln`; did you mean `Europe/Berlin`?"
    );
    assert!(zone("").is_err() && zone("../etc/passwd").is_err());
}

#[test]
fn the_last_one_is_found_however_long_ago() {
    let now = at("2036-06-01T00:00:30Z");
    let then = at("2026-06-01T00:00:00Z");
    for (spec, wanted) in [
        ("* * * * *", "2036-06-01T00:00:00Z"),
        ("0 3 * * 1", "2036-05-26T03:00:00Z"),
        ("0 0 29 2 *", "2036-02-29T00:00:00Z"),
    ] {
        let schedule = Schedule::parse(spec, "UTC").unwrap();
        assert_eq!(schedule.last_in(then, now).map(show).as_deref(), Some(wanted), "{spec}");
    }
    let never = Schedule::parse("0 0 1 7 *", "UTC").unwrap();
    assert_eq!(never.last_in(at("2036-01-01T00:00:00Z"), now), None);
}

/// The first instant at which a clock shows a time or a later one, found by looking at every minute.
fn by_looking(tz: &TimeZone, civil: DateTime) -> Timestamp {
    let guess = Offset::UTC.to_timestamp(civil).unwrap();
    let around = [-24, 24].map(|hours| tz.to_offset(guess.checked_add(hours.hours()).unwrap()));
    let most = around.into_iter().max().unwrap().seconds() + 2 * 3_600;
    let start = guess.checked_sub(i64::from(most).seconds()).unwrap();
    let mut minutes = (0..60 * 54).map(|minute| start.checked_add(minute.minutes()).unwrap());
    minutes.find(|at| tz.to_datetime(*at) >= civil).unwrap()
}

fn zones() -> Vec<(String, TimeZone)> {
    let names = jiff::tz::db().available().map(|name| name.to_string());
    names.map(|name| (name.clone(), TimeZone::get(&name).unwrap())).collect()
}

/// Each day of a stretch has one time of a daily schedule: the one that is found by looking.
fn once_a_day(name: &str, tz: &TimeZone, (first, days): (Date, i64), (hour, minute): (u64, u64)) {
    let spec = format!("{minute} {hour} * * *");
    let schedule = Schedule::parse(&spec, name).unwrap();
    let time = |day: Date| day.at(hour as i8, minute as i8, 0, 0);
    let mut now = by_looking(tz, time(first)).as_millisecond() - 1;
    for day in (0..days).map(|n| first.checked_add(n.days()).unwrap()) {
        let wanted = by_looking(tz, time(day));
        let is_there = tz.to_datetime(by_looking(tz, day.at(0, 0, 0, 0))).date() == day;
        if !is_there {
            continue;
        }
        let next = schedule.next_after(now).unwrap();
        assert!(next > now, "{name} {spec}: not later than {}", show(now));
        assert_eq!(show(next), show(wanted.as_millisecond()), "{name} {spec} {day}");
        now = next;
    }
}

/// Every zone of the database, around every change of its clock from 2000 to 2037, with a time at
/// random and with times just where the clock changes.
fn around_every_change(specs: u64, most_zones: usize) -> u64 {
    let mut rng = Rng(0x5eed_0001);
    let (mut changes, mut seen) = (0, std::collections::BTreeSet::new());
    let from = date(2000, 1, 1).at(0, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
    for (name, tz) in zones() {
        let until = at("2038-01-01T00:00:00Z");
        for change in tz.following(from) {
            let when = change.timestamp();
            if when.as_millisecond() >= until {
                break;
            }
            let before = tz.to_datetime(when.checked_sub(1.second()).unwrap());
            let after = tz.to_datetime(when);
            // Most zones share their changes with others; one of each is enough.
            if !seen.insert((when, before, after)) || seen.len() > most_zones {
                continue;
            }
            changes += 1;
            let day = before.date().yesterday().unwrap();
            once_a_day(&name, &tz, (day, 4), (rng.below(24), rng.below(60)));
            for _ in 0..specs {
                let (hour, minute) = (before.min(after).hour() as u64, rng.below(60));
                once_a_day(&name, &tz, (day, 4), (hour, minute));
            }
        }
    }
    changes
}

#[test]
fn daily_times_come_once_a_day_in_every_zone() {
    let changes = around_every_change(1, usize::MAX);
    assert!(changes > 2_000, "{changes}");
}

#[test]
#[ignore = "minutes of processor time: every change with fifty times, and every day of every zone"]
fn daily_times_come_once_a_day_in_every_zone_at_length() {
    around_every_change(50, usize::MAX);
    let mut rng = Rng(0x5eed_0002);
    for (name, _) in zones() {
        for _ in 0..4 {
            let (hour, minute) = (rng.below(24), rng.below(60));
            let schedule = Schedule::parse(&format!("{minute} {hour} * * *"), &name).unwrap();
            let mut now = at("2000-01-01T00:00:00Z");
            let mut count = 0;
            while let Some(next) =
                schedule.next_after(now).filter(|next| *next < at("2038-01-01T00:00:00Z"))
            {
                assert!(next > now, "{name}");
                (now, count) = (next, count + 1);
            }
            // 13,880 days; the window cuts one at either end, and some zones left one out.
            assert!((13_878..=13_880).contains(&count), "{name}: {count}");
        }
    }
}

/// Whatever the expression, times go forward, and are such that the clock shows them, but for those
/// that a zone leaves out.
#[test]
fn any_schedule_goes_forward() {
    let mut rng = Rng(0x5eed_0003);
    let zones = zones();
    for _ in 0..400 {
        let (name, tz) = &zones[rng.below(zones.len() as u64) as usize];
        let spec = any_spec(&mut rng);
        let Ok(schedule) = Schedule::parse(&spec, name) else { continue };
        let mut now = at("2000-01-01T00:00:00Z") + rng.below(38 * 365 * 86_400) as i64 * 1_000;
        for _ in 0..60 {
            let Some(next) = schedule.next_after(now) else { break };
            assert!(next > now, "{spec} in {name} after {}", show(now));
            let stamp = Timestamp::from_millisecond(next).unwrap();
            let shown = Wall(tz.to_datetime(stamp));
            let changes = tz.following(stamp.checked_sub(1.second()).unwrap()).next();
            let at_change = changes.is_some_and(|change| change.timestamp() == stamp);
            assert!(
                at_change || schedule.cron.is_time_matching(&shown).unwrap(),
                "{spec} in {name}: {}",
                show(next)
            );
            assert!(schedule.last_in(now, next) == Some(next), "{spec} in {name}");
            now = next;
        }
    }
}

fn any_spec(rng: &mut Rng) -> String {
    let field = |rng: &mut Rng, from: u64, to: u64| match rng.below(5) {
        0 => "*".to_owned(),
        1 => format!("*/{}", 1 + rng.below(to - from)),
        2 => {
            let first = from + rng.below(to - from);
            format!("{first}-{}", first + rng.below(to - first + 1))
        }
        _ => (from + rng.below(to - from + 1)).to_string(),
    };
    let parts = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
    parts.map(|(from, to)| field(rng, from, to)).join(" ")
}

/// A schedule of every minute, and a clock that jumps ten years.
#[test]
fn a_jump_of_ten_years_costs_little() {
    let schedule = Schedule::parse("* * * * *", "Europe/Berlin").unwrap();
    let started = std::time::Instant::now();
    let last = schedule.last_in(at("2026-01-01T00:00:00Z"), at("2036-01-01T00:00:00Z"));
    assert_eq!(last, Some(at("2036-01-01T00:00:00Z")));
    assert!(started.elapsed() < std::time::Duration::from_millis(100), "{:?}", started.elapsed());
}
