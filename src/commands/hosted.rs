//! Sessions on a vendor's own infrastructure, as commands reach them.

use super::app::{App, own_program};
use crate::domain::options::Options;
use crate::domain::plan::LaunchPlan;
use crate::domain::preset::ModelProvider;
use crate::error::Result;
use crate::managed::{self, Creation, Managed};
use crate::output::ask;
use crate::runner::Hosted;

impl App {
    /// A worker at a vendor's.
    pub fn hosted(&self, plan: &LaunchPlan) -> Result<Hosted> {
        let options = plan.sandbox.own_options();
        let managed = self.managed(&options, plan.provider.as_ref(), plan.limits.budget_usd)?;
        // What cannot be had now is told where it is needed.
        let of_skills = plan.skills.iter().flat_map(|skill| skill.secrets.keys());
        let secrets =
            of_skills.filter_map(|name| Some(self.stores().ok()?.find(name).ok()?.secret));
        let (asks, screens) = (self.asks(), self.screens);
        let consent = move |creation: &Creation| {
            let Creation { what, name, about } = creation;
            let question =
                format!("make the {what} `{name}` in the account: {}?", about.join("; "));
            if asks { ask::confirm(&question, &screens) } else { Ok(false) }
        };
        let sessions = self.store()?.root().join("sessions");
        let hosted = Hosted::new(managed, plan, secrets.collect(), sessions, Box::new(consent))?;
        let program =
            if options.flag(managed::TRACES_COMMAND) { Some(own_program()?) } else { None };
        Ok(hosted.with_program(program))
    }

    /// The vendor's side, as options and a preset say.
    pub fn managed(
        &self,
        options: &Options,
        provider: Option<&ModelProvider>,
        budget_usd: Option<f64>,
    ) -> Result<Managed> {
        let mut settings = managed::Settings::of(options, &self.store()?.id);
        let named = provider.and_then(|provider| provider.base_url.clone());
        if let Some(url) = named.or_else(|| self.env.var(managed::SERVER)) {
            settings.base_url = url;
        }
        if let Some(secret) = provider.and_then(|provider| provider.secret.clone()) {
            settings.secret = secret;
        }
        settings.budget_usd = budget_usd.unwrap_or(settings.budget_usd);
        settings.ca_bundle = self.ca_bundle();
        let key = self.stores()?.find(&settings.secret)?.secret;
        Ok(Managed::new(settings, key))
    }
}
