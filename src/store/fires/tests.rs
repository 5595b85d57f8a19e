use super::*;

const NOW: i64 = 1_772_409_600_000;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn decide(store: &mut Store, at: i64) -> Vec<Fire> {
    store
        .decide(("a", "spec"), NOW, |standing| {
            standing.cursor = at;
            vec![NewFire::waiting(Cause::Cron, at.to_string(), at)]
        })
        .unwrap()
}

#[test]
fn a_key_is_answered_once() {
    let (dir, mut store) = store();
    let first = decide(&mut store, NOW);
    assert_eq!((first.len(), first[0].state), (1, State::Waiting));
    assert!(decide(&mut store, NOW).is_empty());
    let mut other = Store::open(dir.path()).unwrap();
    assert!(decide(&mut other, NOW).is_empty());
    assert_eq!(store.fire(&first[0].id).unwrap(), first[0]);
    assert_eq!(store.open_fires().unwrap(), first);
    let standing = &store.standings().unwrap()["a"];
    assert_eq!((standing.since, standing.cursor), (NOW, NOW));
}

#[test]
fn a_fire_goes_from_waiting_to_its_end() {
    let (_dir, mut store) = store();
    let [first, second] = [1, 2].map(|n| decide(&mut store, NOW + n).remove(0));
    let claim = store.claim(&first.id).unwrap().unwrap();
    assert!(store.claim(&first.id).unwrap().is_none(), "one at a time");
    let went = store.admit(&first.id, NOW, &[], |fire, around| {
        assert_eq!((fire, around.later, around.running.len()), (&first, true, 0));
        Admission::Go
    });
    assert_eq!(went.unwrap(), Admission::Go);
    assert!(store.admit(&first.id, NOW, &[], |_, _| Admission::Go).is_err(), "once only");
    let tell = [Target::Webhook];
    let refuse = |_: &Fire, around: &Around| {
        assert_eq!(
            (around.running.as_slice(), around.started.as_slice()),
            ([first.id.clone()].as_slice(), [NOW].as_slice())
        );
        Admission::Refuse("no".to_owned())
    };
    store.admit(&second.id, NOW, &tell, refuse).unwrap();
    let (outcome, tell) = (Some("succeeded"), [Target::Command]);
    let ended = Ended { state: State::Done, reason: None, outcome, now: NOW + 5, tell: &tell };
    store.end_fire(&first.id, &ended).unwrap();
    claim.over();
    let states: Vec<_> = store
        .fires(Some("a"), 9)
        .unwrap()
        .into_iter()
        .map(|fire| (fire.state, fire.outcome))
        .collect();
    assert_eq!(states, [(State::Refused, None), (State::Done, Some("succeeded".to_owned()))]);
    assert!(store.open_fires().unwrap().is_empty());
    assert_eq!(store.last_started().unwrap()["a"], NOW);
    let notices = store.notices(NOW).unwrap();
    assert_eq!(notices.len(), 2);
    assert!(store.take_notice(&notices[0], NOW + 1_000).unwrap());
    assert!(!store.take_notice(&notices[0], NOW + 1_000).unwrap(), "somebody has it");
    assert_eq!(store.notices(NOW).unwrap().len(), 1);
    assert_eq!(store.notices(NOW + 1_000).unwrap().len(), 2, "should they die");
    store.set_notice(&notices[0], "sent", 0, None).unwrap();
    assert_eq!(store.notices(NOW + 1_000).unwrap().len(), 1);
    assert_eq!(store.forget_fires(NOW + 6).unwrap(), 2);
    assert!(store.notices(i64::MAX).unwrap().is_empty());
}
