//! The one failure type.
//!
//! A `Failure` says what was being done to what (its sentence), what stood in the way (its causes,
//! outermost first), and what to do (its hints). Its kind decides the exit code. It is made where it
//! is understood and printed in one place, which knows no cases. There is deliberately no
//! `From<std::io::Error>`: a bare foreign error says nothing to the person who reads it, so the only
//! way in is [`Cannot::cannot`].

use std::fmt;

/// What went wrong, as far as a script needs to know. The numbers are the exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The worker failed at its task.
    Worker,
    /// The command line was wrong.
    Usage,
    /// A file or setting is wrong.
    Config,
    /// A credential is missing, locked or refused.
    Credential,
    /// The sandbox, or the engine that makes it.
    Sandbox,
    /// The network, a trace source or a forge.
    Network,
    /// A limit ended it: time, budget, turns.
    Limit,
    /// Our own bug.
    Bug,
    /// The user interrupted.
    Interrupted,
}

impl Kind {
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Worker => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::Credential => 4,
            Self::Sandbox => 5,
            Self::Network => 6,
            Self::Limit => 7,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Credential => "credential",
            Self::Sandbox => "sandbox",
            Self::Network => "network",
            Self::Limit => "limit",
            Self::Bug => "bug",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A place in a text file, with enough of the text to draw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub width: usize,
    /// The whole line, without its end.
    pub text: String,
}

impl Place {
    /// The place of a byte range in a text.
    pub fn of(file: &str, source: &str, range: std::ops::Range<usize>) -> Self {
        let start = floor_char(source, range.start);
        let before = &source[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |i| start + i);
        let end = floor_char(source, range.end).clamp(start, line_end);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            width: source[start..end].chars().count().max(1),
            text: source[line_start..line_end].trim_end_matches('\r').to_owned(),
        }
    }
}

fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// See the module's documentation.
#[derive(Debug, Clone)]
pub struct Failure {
    pub kind: Kind,
    /// Lower case, no full stop, names in back-ticks.
    pub sentence: String,
    pub causes: Vec<String>,
    /// At most two are shown, each something to type or to change.
    pub hints: Vec<String>,
    pub place: Option<Place>,
    /// Further failures of the same pass: every mistake of a file is told at once.
    pub also: Vec<Failure>,
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            place: None,
            also: Vec::new(),
        }
    }

    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        let cause = cause.to_string();
        if !cause.is_empty() && !self.causes.contains(&cause) {
            self.causes.push(cause);
        }
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// This failure seen from one level further out: the sentence becomes the first cause.
    #[must_use]
    pub fn while_doing(mut self, sentence: impl Into<String>) -> Self {
        let inner = std::mem::replace(&mut self.sentence, sentence.into());
        self.causes.insert(0, inner);
        self
    }

    /// Several failures as one, in order. `None` of none.
    pub fn all(failures: Vec<Self>) -> Option<Self> {
        let mut failures = failures.into_iter();
        let mut first = failures.next()?;
        first.also.extend(failures);
        Some(first)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        for cause in &self.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// The way in for foreign errors.
pub trait Cannot<T> {
    /// `file.read().cannot(Kind::Config, || format!("read preset `{name}`"))` reads, when it fails,
    /// as "cannot read preset `x`, because: …".
    fn cannot(self, kind: Kind, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<anyhow::Error>> Cannot<T> for std::result::Result<T, E> {
    fn cannot(self, kind: Kind, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| {
            let error: anyhow::Error = error.into();
            let mut failure = match error.downcast::<Failure>() {
                Ok(inner) => return inner.while_doing(format!("cannot {}", doing())),
                Err(error) => {
                    let mut failure = Failure::new(kind, format!("cannot {}", doing()));
                    for cause in error.chain() {
                        failure = failure.because(cause);
                    }
                    failure
                }
            };
            // Libraries repeat their source in their own text; a cause that the one before
            // already holds says nothing new.
            let mut kept: Vec<String> = Vec::new();
            for cause in failure.causes.drain(..) {
                if kept.last().is_none_or(|last| !last.contains(&cause)) {
                    kept.push(cause);
                }
            }
            failure.causes = kept;
            failure
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_error_becomes_a_cause() {
        let failed: std::result::Result<(), _> =
            Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        let failure = failed.cannot(Kind::Config, || "read `a`".to_owned()).unwrap_err();
        assert_eq!(failure.to_string(), "cannot read `a`: entity not found");
        let outer = Err::<(), _>(failure).cannot(Kind::Bug, || "start".to_owned()).unwrap_err();
        assert_eq!(outer.kind, Kind::Config, "the kind is the innermost one's");
        assert_eq!(outer.to_string(), "cannot start: cannot read `a`: entity not found");
    }

    #[test]
    fn a_place_counts_characters() {
        let source = "a = 1\nü = \"claud\"\n";
        let from = source.find("\"claud\"").unwrap();
        let place = Place::of("x.toml", source, from..from + 7);
        assert_eq!((place.line, place.column, place.width), (2, 5, 7));
        assert_eq!(place.text, "ü = \"claud\"");
    }
}
