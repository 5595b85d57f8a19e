//! Where workers can run, as the tests see it: what holds of one place holds of all, and a new
//! provider is a line in [`all`].

use crate::support::{Home, need, skipped};

/// One place where workers can run.
pub struct Place {
    /// What it is called where a test fails or is skipped.
    pub name: &'static str,
    /// The provider.
    pub sandbox: &'static str,
    /// What `config.toml` says of it.
    pub settings: String,
    /// The image it must be told, where it can make none itself.
    pub image: Option<String>,
}

impl Place {
    fn new(sandbox: &'static str) -> Self {
        Self { name: sandbox, sandbox, settings: String::new(), image: None }
    }

    /// A home whose settings know the place.
    pub fn home(&self) -> Home {
        let home = Home::new();
        if !self.settings.is_empty() {
            home.write("config/config.toml", &self.settings);
        }
        home
    }

    /// The line of a preset that names its image.
    pub fn image(&self) -> String {
        self.image.iter().map(|image| format!("image = \"{image}\"\n")).collect()
    }
}

/// Every place there is, or why it is not here.
fn all() -> Vec<(&'static str, Result<Place, String>)> {
    vec![
        ("local", need::bubblewrap().map(|()| Place::new("local"))),
        ("docker", need::image().map(|_| Place::new("docker"))),
    ]
}

/// Checks something at every place that is here; one that is not is told as skipped.
pub fn on_each(check: impl Fn(&Place)) {
    for (name, place) in all() {
        match place {
            Ok(place) => {
                eprintln!("at {}", place.name);
                check(&place);
            }
            Err(reason) => skipped(&format!("{name}: {reason}")),
        }
    }
}
