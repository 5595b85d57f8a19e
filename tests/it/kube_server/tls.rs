//! A certificate of its own for the server: clients send a token over nothing else.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// What there is of it, below a folder that may go.
pub struct Identity {
    /// In PEM.
    pub authority: String,
    pub config: Arc<ServerConfig>,
}

/// Made by `openssl`, whose absence is the reason that is told.
pub fn make() -> Result<Identity, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let script = "set -e
        new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        openssl req -x509 $new -days 2 -keyout ca.key -out ca.pem -subj /CN=tests
        openssl req $new -keyout key.pem -out request.pem -subj /CN=kube-server
        echo subjectAltName=IP:127.0.0.1,DNS:localhost >names
        openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile names -out cert.pem";
    let made = Command::new("sh").args(["-c", script]).current_dir(folder.path()).output();
    let made = made.map_err(|error| error.to_string())?;
    if !made.status.success() {
        let told = String::from_utf8_lossy(&made.stderr);
        return Err(format!("openssl makes no certificate: {}", told.lines().last().unwrap_or("")));
    }
    read(folder.path()).map_err(|error| error.to_string())
}

fn read(folder: &Path) -> Result<Identity, Box<dyn std::error::Error>> {
    let certificate = CertificateDer::from_pem_file(folder.join("cert.pem"))?;
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let authority = std::fs::read_to_string(folder.join("ca.pem"))?;
    Ok(Identity { authority, config: Arc::new(config) })
}
