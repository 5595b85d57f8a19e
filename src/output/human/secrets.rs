//! Secrets by name, their stores, and what came of trying a skill's.

use super::card::Card;
use super::table::{self, Column, Piece};
use crate::output::sanitise::line;
use crate::output::style::{Role, Screen};
use crate::output::view::{CheckOutcome, SecretRow, SkillCheckView, StoreRow};
use std::io::{self, Write};

const SECRETS: [Column; 4] = [
    Column::fixed("SECRET"),
    Column::wrapped("FOUND", 12),
    Column::wrapped("WANTED BY", 20).dropped(1),
    Column::wrapped("WHY NOT", 20),
];

const STORES: [Column; 5] = [
    Column::fixed("STORE"),
    Column::fixed("STATE"),
    Column::fixed("TOOK").right().dropped(2),
    Column::wrapped("DETAIL", 20),
    Column::wrapped("RUN", 20).dropped(1),
];

pub fn write(out: &mut dyn Write, screen: &Screen, secrets: &[SecretRow]) -> io::Result<()> {
    if secrets.is_empty() {
        return Ok(());
    }
    let row = |secret: &SecretRow| {
        let found = match &secret.place {
            Some(place) => Piece::new(Role::Good, line(place)),
            None => Piece::new(Role::Warn, "not set"),
        };
        let wanted: Vec<_> = secret.wanted_by.iter().map(|by| line(by)).collect();
        let reason = secret.reason.as_deref().unwrap_or_default();
        vec![
            Piece::new(Role::Name, line(&secret.name)),
            found,
            wanted.join(", ").into(),
            Piece::new(Role::Aside, line(reason)),
        ]
    };
    table::write(out, screen, &SECRETS, &secrets.iter().map(row).collect::<Vec<_>>())
}

/// `secret check`.
pub fn write_check(
    out: &mut dyn Write,
    screen: &Screen,
    stores: &[StoreRow],
    secrets: &[SecretRow],
) -> io::Result<()> {
    let row = |store: &StoreRow| {
        let role = match store.state {
            "here" => Role::Good,
            "absent" => Role::Aside,
            _ => Role::Warn,
        };
        vec![
            Piece::new(Role::Name, line(&store.name)),
            Piece::new(role, store.state),
            format!("{} ms", store.took_ms).into(),
            line(&store.detail).into(),
            Piece::new(Role::Name, line(store.mend.as_deref().unwrap_or_default())),
        ]
    };
    table::write(out, screen, &STORES, &stores.iter().map(row).collect::<Vec<_>>())?;
    if !secrets.is_empty() {
        writeln!(out)?;
    }
    write(out, screen, secrets)
}

/// `skill check`.
pub fn write_skill(out: &mut dyn Write, screen: &Screen, view: &SkillCheckView) -> io::Result<()> {
    writeln!(out, "skill {}", screen.paint(Role::Name, line(&view.skill)))?;
    let mut card = Card::default();
    for secret in &view.secrets {
        let (role, found) = match &secret.place {
            Some(place) => (Role::Plain, format!("found: {place}")),
            None => (Role::Warn, "not set".to_owned()),
        };
        card.colored("secret", role, line(&format!("{} {found}", secret.name)));
    }
    let role = match view.outcome {
        CheckOutcome::Works => Role::Good,
        CheckOutcome::Refused | CheckOutcome::Missing => Role::Bad,
        CheckOutcome::Unknown | CheckOutcome::Untried => Role::Warn,
    };
    card.colored("outcome", role, view.outcome.name());
    card.row("detail", line(&view.detail));
    card.maybe("account", view.account.as_deref().map(line));
    card.maybe("scopes", view.scopes.as_ref().map(|scopes| line(&scopes.join(", ")).into_owned()));
    card.maybe("expires", view.expires.as_deref().map(line));
    card.write(out, screen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::at_both_widths;

    fn secrets() -> [SecretRow; 2] {
        [
            SecretRow {
                name: "ANTHROPIC_API_KEY".into(),
                place: Some("keyring".into()),
                wanted_by: vec!["preset `investigate`".into(), "preset `fix`".into()],
                reason: None,
            },
            SecretRow {
                name: "GH_TOKEN".into(),
                place: None,
                wanted_by: vec!["skill `github`".into()],
                reason: Some("the keyring is locked".into()),
            },
        ]
    }

    #[test]
    fn tables() {
        at_both_widths("secret-list", |screen, out| write(out, screen, &secrets()).unwrap());
        let store = |name: &str, state, detail: &str, mend: Option<&str>| StoreRow {
            name: name.into(),
            state,
            detail: detail.into(),
            mend: mend.map(Into::into),
            took_ms: 1900,
        };
        let stores = [
            store("keyring", "hanging", "no answer within 1.9 seconds", Some("restart it")),
            store("file", "here", "`/home/a/.local/share/loop/secrets.age`, 1 secret", None),
        ];
        at_both_widths("secret-check", |screen, out| {
            write_check(out, screen, &stores, &secrets()).unwrap();
        });
        let view = SkillCheckView {
            skill: "github".into(),
            secrets: secrets().to_vec(),
            outcome: CheckOutcome::Works,
            detail: "`https://api.github.com/user` answers 200".into(),
            account: Some("octo\u{1b}[31mcat".into()),
            scopes: Some(vec!["repo".into(), "read:org".into()]),
            expires: Some("2026-12-31 23:59:59 UTC".into()),
        };
        at_both_widths("skill-check", |screen, out| write_skill(out, screen, &view).unwrap());
    }
}
