//! Where workers can run, as the tests see it: what holds of one place holds of all, and a new
//! provider is a line in [`all`].

use crate::kube_server::KubeServer;
use crate::ssh::far::Far;
use crate::support::{Home, need, skipped};
use std::time::{Duration, Instant};

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
    /// What of it has to be there for as long as it is used.
    elsewhere: Elsewhere,
}

/// What a place needs besides this machine.
enum Elsewhere {
    Nothing,
    Machine(Far),
    /// None where it is a real one, which the tests only use.
    Cluster(Option<Cluster>),
}

/// A cluster of the tests' own, in which nothing may be left.
struct Cluster {
    server: KubeServer,
    folder: tempfile::TempDir,
}

impl Cluster {
    fn start() -> Result<Self, String> {
        let server = KubeServer::start(&need::docker()?.gateway);
        Ok(Self { server, folder: tempfile::tempdir().map_err(|error| error.to_string())? })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let since = Instant::now();
        while !std::thread::panicking() && !self.server.left().is_empty() {
            assert!(since.elapsed() < Duration::from_secs(20), "left: {:?}", self.server.left());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Place {
    fn new(sandbox: &'static str) -> Self {
        Self {
            name: sandbox,
            sandbox,
            settings: String::new(),
            image: None,
            elsewhere: Elsewhere::Nothing,
        }
    }

    /// Another machine, and what makes the sandboxes there.
    fn ssh(name: &'static str, engine: &str) -> Result<Self, String> {
        let far = Far::start()?;
        let settings = far.options(engine);
        Ok(Self { name, sandbox: "ssh", settings, image: None, elsewhere: Elsewhere::Machine(far) })
    }

    /// The tests' own cluster, or the one that `LOOP_TEST_KUBECONFIG` names: that one has to keep to
    /// network policies, and to have the image on its nodes.
    fn cluster() -> Result<Self, String> {
        let image = need::image()?;
        let named = std::env::var_os("LOOP_TEST_KUBECONFIG");
        let own = named.is_none().then(Cluster::start).transpose()?;
        let config = match &own {
            Some(own) => own.server.kubeconfig(&own.folder.path().join("kubeconfig")),
            None => named.unwrap_or_default().into(),
        };
        let settings = format!(
            "[sandbox.kubernetes]\nkubeconfig = \"{}\"\nnamespace = \"loop\"\nimage = \"{image}\"\n",
            config.display()
        );
        let image = Some(image);
        let elsewhere = Elsewhere::Cluster(own);
        Ok(Self { settings, image, elsewhere, ..Self::new("kubernetes") })
    }

    /// A home whose settings know the place.
    pub fn home(&self) -> Home {
        let home = Home::new();
        if !self.settings.is_empty() {
            home.write("config/config.toml", &self.settings);
        }
        home
    }

    /// How many sandboxes there are of a home whose last session is the only one that may have one.
    pub fn sandboxes(&self, home: &Home) -> usize {
        match (&self.elsewhere, self.sandbox) {
            (Elsewhere::Machine(far), _) => far.sessions().len(),
            (Elsewhere::Cluster(Some(cluster)), _) => cluster.server.list("jobs").len(),
            // A real one is not asked.
            (Elsewhere::Cluster(None), _) => 1,
            (Elsewhere::Nothing, "docker") => home.containers().len(),
            (Elsewhere::Nothing, _) => {
                let id = home.show("last")["id"].as_str().expect("an id").to_owned();
                usize::from(home.data().join("sessions").join(id).join("sandbox").exists())
            }
        }
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
        ("kubernetes", Place::cluster()),
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
