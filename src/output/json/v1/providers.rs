//! Where workers can run.

use super::Doctor;
use crate::output::view::ProviderView;
use schemars::JsonSchema;
use serde::Serialize;

/// A sandbox provider.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "provider")]
pub struct Provider<'a> {
    /// The version of this format.
    v: u8,
    name: &'a str,
    /// What it runs workers in.
    runs_in: &'a str,
    /// Whether a session can start there now.
    ready: bool,
    /// What it can do, of what not all can: `any harness`, `images`, `limits`, `no network`,
    /// `automations`.
    can: Vec<String>,
    needs: Vec<Doctor<'a>>,
    /// What it can be told under `[sandbox.NAME]`.
    options: Vec<ProviderOption<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ProviderOption<'a> {
    name: &'a str,
    /// How a value is written.
    example: String,
    required: bool,
    help: &'a str,
}

impl<'a> Provider<'a> {
    pub fn of(view: &'a ProviderView) -> Self {
        let about = &view.about;
        let options = about.options.iter().map(|opt| ProviderOption {
            name: opt.name,
            example: opt.shape.example(),
            required: opt.required,
            help: opt.help,
        });
        Self {
            v: 1,
            name: about.name,
            runs_in: about.runs_in,
            ready: view.is_ready(),
            can: about.able.iter().map(ToString::to_string).collect(),
            needs: Doctor::all(&view.needs),
            options: options.collect(),
        }
    }

    pub fn all(views: &'a [ProviderView]) -> Vec<Self> {
        views.iter().map(Self::of).collect()
    }
}
