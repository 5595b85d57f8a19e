//! A card: names and values, one below the other.

use crate::output::style::{Role, Screen};
use crate::output::text;
use std::io::{self, Write};

/// A list of names and values. Values are sanitised; long ones are wrapped.
#[derive(Debug, Default)]
pub struct Card {
    rows: Vec<(&'static str, Value)>,
}

#[derive(Debug)]
enum Value {
    Text(Role, String),
}

impl Card {
    pub fn row(&mut self, name: &'static str, value: impl Into<String>) -> &mut Self {
        self.colored(name, Role::Plain, value)
    }

    /// A row only where there is something to say.
    pub fn maybe(&mut self, name: &'static str, value: Option<impl Into<String>>) -> &mut Self {
        if let Some(value) = value {
            self.row(name, value);
        }
        self
    }

    pub fn colored(
        &mut self,
        name: &'static str,
        role: Role,
        value: impl Into<String>,
    ) -> &mut Self {
        let value = value.into();
        if !value.is_empty() {
            self.rows.push((name, Value::Text(role, value)));
        }
        self
    }

    pub fn write(&self, out: &mut dyn Write, screen: &Screen) -> io::Result<()> {
        let widest = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let indent = widest + 4;
        let room = screen.width.saturating_sub(indent).max(20);
        for (name, value) in &self.rows {
            write!(out, "  {}  ", screen.paint(Role::Aside, format!("{name:widest$}")))?;
            match value {
                Value::Text(role, value) => {
                    let mut first = true;
                    for line in value.lines() {
                        for (hang, piece) in text::wrap(&text::untab(line), room) {
                            let indent = if first { 0 } else { indent } + hang;
                            match piece {
                                "" => writeln!(out)?,
                                _ => writeln!(out, "{:indent$}{}", "", screen.paint(*role, piece))?,
                            }
                            first = false;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
