//! Webhooks.
use crate::commands::app::App;
use crate::error::Result;

pub fn listen(
    _app: &App,
    _at: Option<std::net::SocketAddr>,
) -> Result<Option<std::net::SocketAddr>> {
    Ok(None)
}
