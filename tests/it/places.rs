//! Where workers can run, as the tests see it: what holds of one place holds of all, and a new
//! provider is a line in [`all`].

use crate::ssh::far::Far;
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
    /// The machine that it is on, where that is another one.
    far: Option<Far>,
}

impl Place {
    fn new(sandbox: &'static str) -> Self {
        Self { name: sandbox, sandbox, settings: String::new(), image: None, far: None }
    }

    /// Another machine, and what makes the sandboxes there.
    fn ssh(name: &'static str, engine: &str) -> Result<Self, String> {
        let far = Far::start()?;
        let settings = far.options(engine);
        Ok(Self { name, sandbox: "ssh", settings, image: None, far: Some(far) })
    }

    /// A home whose settings know the place.
    pub fn home(&self) -> Home {
        let home = Home::new();
        if !self.settings.is_empty() {
            home.write("config/config.toml", &self.settings);
        }
        home
    }

    /// How many sandboxes are on the other machine, where it is one.
    pub fn sandboxes_there(&self) -> Option<usize> {
        self.far.as_ref().map(|far| far.sessions().len())
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
        ("ssh, containers", need::image().and_then(|_| Place::ssh("ssh, containers", "docker"))),
        (
            "ssh, bubblewrap",
            need::bubblewrap().and_then(|()| Place::ssh("ssh, bubblewrap", "local")),
        ),
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
