//! Engines of other machines: over SSH as the docker CLI reaches them, and over TLS.
//!
//! Over SSH every request has a connection of its own: the docker CLI there passes bytes on to its engine
//! (`docker system dial-stdio`). They are channels of one shared connection. An end of a channel counts
//! as an end only where `ssh` ended well.

use super::super::openssh::{Client, Destination, Process};
use super::endpoint::Endpoint;
use crate::error::{Cannot as _, Failure, Kind, Result};
use bollard::errors::Error;
use bollard::{BollardRequest, Docker};
use hyper::body::Incoming;
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

/// A file of some hundred megabytes may have a long way; what only asks has a shorter time of its own.
pub(super) const TRANSFER: Duration = Duration::from_hours(1);

/// What a URL is that only a socket at the end of a pipe knows.
const NOWHERE: &str = "http://engine";

/// Why the last connection ended badly, in our words.
#[derive(Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<Failure>>>);

impl Trouble {
    fn tell(&self, failure: Failure) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    pub(super) fn take(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A client of an engine behind `ssh`. It connects when it is first asked something.
pub(super) fn over_ssh(
    endpoint: &Endpoint,
    config: Option<&Path>,
    runtime: Option<&Path>,
) -> Result<(Docker, Trouble)> {
    let to = Destination::parse(&endpoint.address)?;
    let remote = dial(to.path.as_deref())?;
    let client = Arc::new(Client::new(to, config.map(Path::to_owned), runtime));
    let trouble = Trouble::default();
    let told = trouble.clone();
    let transport = move |request: BollardRequest| {
        let (client, remote, told) = (Arc::clone(&client), remote.clone(), told.clone());
        async move { ask(&client, &remote, request, told).await }
    };
    let seconds = TRANSFER.as_secs();
    let version = bollard::API_DEFAULT_VERSION;
    let docker = Docker::connect_with_custom_transport(transport, Some(NOWHERE), seconds, version);
    let doing = || "prepare the engine's client".to_owned();
    Ok((docker.cannot(Kind::Sandbox, doing)?, trouble))
}

/// The command line there. A socket that is named is a path of plain characters.
fn dial(socket: Option<&str>) -> Result<String> {
    let Some(socket) = socket else { return Ok("docker system dial-stdio".to_owned()) };
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c));
    if socket.contains(odd) {
        return Err(Failure::new(
            Kind::Config,
            format!(
                "`{}` is no socket that can be named to another machine's shell",
                socket.escape_debug()
            ),
        ));
    }
    Ok(format!("docker --host unix://{socket} system dial-stdio"))
}

async fn ask(
    client: &Client,
    remote: &str,
    request: BollardRequest,
    trouble: Trouble,
) -> Result<hyper::Response<Incoming>, Error> {
    let (socket, process) = client.dial(remote).map_err(|failure| {
        trouble.tell(failure.clone());
        io::Error::other(failure)
    })?;
    socket.set_nonblocking(true)?;
    let socket = UnixStream::from_std(socket)?;
    let pipe = TokioIo::new(Pipe { socket, process, trouble, began: false });
    let (mut sender, connection) = hyper::client::conn::http1::handshake(pipe).await?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender.send_request(for_a_socket(request)).await?)
}

/// Whoever is at the end of the pipe is the server: the address is no part of what is asked.
fn for_a_socket(mut request: BollardRequest) -> BollardRequest {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Ok(path) = path.parse() {
        *request.uri_mut() = path;
    }
    request.headers_mut().insert(HOST, HeaderValue::from_static("engine"));
    request
}

/// The two directions of a running `ssh`.
struct Pipe {
    socket: UnixStream,
    process: Process,
    trouble: Trouble,
    /// Whether anything came.
    began: bool,
}

impl Pipe {
    /// What the end of the socket means: only where `ssh` ended well, it is one. Its end is near, so
    /// waiting for it here holds up nobody.
    fn ended(&mut self) -> io::Result<()> {
        self.process.end(self.began).map_err(|failure| {
            self.trouble.tell(failure.clone());
            io::Error::other(failure)
        })
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = ready!(Pin::new(&mut self.socket).poll_read(cx, into));
        if read.is_ok() && (into.filled().len() > before || into.remaining() == 0) {
            self.began = true;
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(self.ended().and(read))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.socket).poll_write(cx, bytes)) {
            Ok(written) => Poll::Ready(Ok(written)),
            Err(error) => Poll::Ready(self.ended().and(Err(error))),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// A client of an engine that shows a certificate, and asks for one.
pub(super) fn over_tls(address: &str, certificates: &Path) -> Result<Docker> {
    // Fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let at = |name: &str| certificates.join(name);
    let doing = || format!("use the certificates in `{}`", certificates.display());
    let (key, cert, ca) = (at("key.pem"), at("cert.pem"), at("ca.pem"));
    for path in [&key, &cert, &ca] {
        std::fs::File::open(path).cannot(Kind::Config, || format!("read `{}`", path.display()))?;
    }
    let seconds = TRANSFER.as_secs();
    let version = bollard::API_DEFAULT_VERSION;
    Docker::connect_with_ssl(address, &key, &cert, &ca, seconds, version)
        .cannot(Kind::Config, doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_there_cannot_become_a_command() {
        assert_eq!(dial(None).unwrap(), "docker system dial-stdio");
        let named = dial(Some("/run/user/1000/docker.sock")).unwrap();
        assert_eq!(named, "docker --host unix:///run/user/1000/docker.sock system dial-stdio");
        for odd in ["/a b", "/a;b", "/$(x)", "/a'b", "/a\nb"] {
            assert!(dial(Some(odd)).is_err(), "{odd:?}");
        }
    }
}
