//! The connections below the server: they can be cut at a byte, refused, or made to say nothing.

use rustls::ServerConfig;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How the network between the client and the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    #[default]
    Up,
    /// Connections end, and new ones too.
    Refusing,
    /// Nothing ends and nothing comes, as behind a cable that was pulled.
    Silent,
}

/// What connections share.
#[derive(Default)]
pub struct Wire {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    network: Network,
    /// After so many bytes, counted from the answer that makes it one, a WebSocket is cut: one for
    /// each of the next ones.
    cuts: Vec<usize>,
    sleeping: Vec<Waker>,
}

impl Wire {
    pub fn set(&self, network: Network) {
        let mut state = super::lock(&self.state);
        state.network = network;
        state.sleeping.drain(..).for_each(Waker::wake);
    }

    pub fn cut(&self, bytes: usize) {
        super::lock(&self.state).cuts.push(bytes);
    }

    /// Whether bytes may pass now.
    fn open(&self, context: &Context) -> Poll<Result<()>> {
        let mut state = super::lock(&self.state);
        // Whoever waits for bytes is woken when the network changes.
        if !state.sleeping.iter().any(|waker| waker.will_wake(context.waker())) {
            state.sleeping.push(context.waker().clone());
        }
        match state.network {
            Network::Up => Poll::Ready(Ok(())),
            Network::Refusing => Poll::Ready(Err(Error::from(ErrorKind::ConnectionReset))),
            Network::Silent => Poll::Pending,
        }
    }

    /// The bytes that are left, for an answer that begins a WebSocket.
    fn budget(&self, answer: &[u8]) -> Option<usize> {
        if !answer.starts_with(b"HTTP/1.1 101") {
            return None;
        }
        let mut state = super::lock(&self.state);
        (!state.cuts.is_empty()).then(|| state.cuts.remove(0))
    }
}

/// Hands over connections, where that is wanted over TLS.
pub struct Listener {
    ready: mpsc::Receiver<(Stream, SocketAddr)>,
    address: SocketAddr,
}

impl Listener {
    pub fn new(inner: TcpListener, wire: Arc<Wire>, tls: Option<Arc<ServerConfig>>) -> Self {
        let address = inner.local_addr().expect("an address");
        let (hand_over, ready) = mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                let Ok((stream, address)) = inner.accept().await else { continue };
                // Frames are small, and somebody waits for each.
                let _ = stream.set_nodelay(true);
                let (wire, tls, hand_over) = (Arc::clone(&wire), tls.clone(), hand_over.clone());
                tokio::spawn(async move {
                    let inner = match tls {
                        None => Inner::Plain(stream),
                        Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                            Ok(stream) => Inner::Tls(Box::new(stream)),
                            Err(_) => return,
                        },
                    };
                    // Nobody takes it where the server has ended.
                    let _ = hand_over.send((Stream { inner, wire, left: None }, address)).await;
                });
            }
        });
        Self { ready, address }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> Result<Self::Addr> {
        Ok(self.address)
    }
}

pub struct Stream {
    inner: Inner,
    wire: Arc<Wire>,
    /// Bytes until it is cut.
    left: Option<usize>,
}

enum Inner {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Inner {
    /// Ends the connection, without a farewell.
    fn cut(&mut self, context: &mut Context) {
        let tcp = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_mut().0,
        };
        let _ = Pin::new(tcp).poll_shutdown(context);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &mut ReadBuf,
    ) -> Poll<Result<()>> {
        std::task::ready!(self.wire.open(context))?;
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Inner::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        std::task::ready!(self.wire.open(context))?;
        if self.left.is_none() {
            self.left = self.wire.budget(bytes);
        }
        let most = match self.left {
            Some(0) => return Poll::Ready(Err(Error::from(ErrorKind::BrokenPipe))),
            Some(left) => left.min(bytes.len()),
            None => bytes.len(),
        };
        let written = match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(context, &bytes[..most]),
            Inner::Tls(stream) => Pin::new(stream).poll_write(context, &bytes[..most]),
        };
        let written = std::task::ready!(written)?;
        self.left = self.left.map(|left| left - written);
        if self.left == Some(0) {
            if let Inner::Tls(stream) = &mut self.inner {
                let _ = Pin::new(stream).poll_flush(context);
            }
            self.inner.cut(context);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_flush(context),
            Inner::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Inner::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
