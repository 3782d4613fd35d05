//! tokio, with room for 4 MiB in each UDP socket: the library leaves the system's default, which its bursts overflow.
use std::io::Result;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use webrtc::runtime::{AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime};

type Pinned<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[derive(Debug)]
pub struct Buffered(pub Arc<dyn Runtime>);

impl Runtime for Buffered {
    fn wrap_udp_socket(&self, socket: UdpSocket) -> Result<Arc<dyn AsyncUdpSocket>> {
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        self.0.wrap_udp_socket(socket)
    }

    fn spawn(&self, future: Pinned<'static, ()>) -> Box<dyn JoinHandle> {
        self.0.spawn(future)
    }
    fn spawn_reactor(&self, size: usize, future: Pinned<'static, ()>) -> Box<dyn JoinHandle> {
        self.0.spawn_reactor(size, future)
    }
    fn wrap_tcp_listener(&self, listener: TcpListener) -> Result<Arc<dyn AsyncTcpListener>> {
        self.0.wrap_tcp_listener(listener)
    }
    fn connect_tcp<'a>(&'a self, address: SocketAddr) -> Pinned<'a, Result<Arc<dyn AsyncTcpStream>>> {
        self.0.connect_tcp(address)
    }
    fn resolve_host<'a>(&'a self, host: &'a str) -> Pinned<'a, Result<Vec<SocketAddr>>> {
        self.0.resolve_host(host)
    }
    fn sleep(&self, duration: Duration) -> Pinned<'static, ()> {
        self.0.sleep(duration)
    }
    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.0.interval(period)
    }
    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.0.block_on(future)
    }
    fn yield_now(&self) -> Pinned<'static, ()> {
        self.0.yield_now()
    }
}
