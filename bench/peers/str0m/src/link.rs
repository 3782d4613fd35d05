//! A UDP socket with the kernel's segmentation offload both ways: what leaves together leaves in one call.
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr};

pub const MOST_BYTES: usize = 65_000;

pub struct Link {
    pub socket: UdpSocket,
    pub address: SocketAddr,
    state: UdpSocketState,
    /// Datagrams of one size, the last one maybe shorter, to one address.
    waiting: Vec<u8>,
    segment: usize,
    to: SocketAddr,
}

impl Link {
    pub fn new() -> std::io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let (state, address) = (UdpSocketState::new((&socket).into())?, socket.local_addr()?);
        let _ = state.set_recv_buffer_size((&socket).into(), 4 << 20);
        let _ = state.set_send_buffer_size((&socket).into(), 4 << 20);
        Ok(Link { socket, address, state, waiting: Vec::new(), segment: 0, to: address })
    }

    pub fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        let full = self.waiting.len() >= self.segment * self.state.max_gso_segments() || self.waiting.len() + datagram.len() > MOST_BYTES;
        if full || to != self.to || datagram.len() > self.segment {
            self.flush();
            (self.to, self.segment) = (to, datagram.len());
        }
        self.waiting.extend_from_slice(datagram);
        if datagram.len() < self.segment {
            self.flush();
        }
    }

    /// What does not fit into the kernel's buffer is lost, as on any path.
    pub fn flush(&mut self) {
        if !self.waiting.is_empty() {
            let transmit = Transmit { destination: self.to, ecn: None, contents: &self.waiting, segment_size: Some(self.segment), src_ip: None };
            let _ = self.state.try_send((&self.socket).into(), &transmit);
            self.waiting.clear();
        }
        self.segment = 0;
    }

    /// From whom, how many bytes and how many of them a datagram; None when nothing is there.
    pub fn receive(&self, buffer: &mut [u8]) -> Option<(SocketAddr, usize, usize)> {
        let mut meta = [RecvMeta::default()];
        self.state.recv((&self.socket).into(), &mut [IoSliceMut::new(buffer)], &mut meta).ok()?;
        Some((meta[0].addr, meta[0].len, meta[0].stride.max(1)))
    }
}
