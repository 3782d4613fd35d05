//! One connection: str0m's machine, its socket and what is measured on it.
use crate::link::Link;
use linnet_bench_common::{Counts, Load, PING, Pings, Purpose, SHORT, send_line};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::time::Instant;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelData, ChannelId};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

/// So much waits in all channels of a connection at most.
const QUEUED: usize = 128 << 10;

/// So many channels open at a time.
const OPENING: usize = 32;

pub type Done = mpsc::Sender<Result<(), String>>;

pub struct Connection {
    pub link: Link,
    rtc: Rtc,
    c: i64,
    counts: Arc<Counts>,
    pending: Option<SdpPendingOffer>,
    channels: HashMap<ChannelId, Purpose>,
    /// How many of our channels are not open yet, and who waits for them.
    opening: Option<(usize, Done)>,
    ping: Option<(Pings, mpsc::Sender<Pings>)>,
    load: Option<Arc<Load>>,
    /// Channels that have something to send: the sinks always, while they are kept full.
    hungry: VecDeque<ChannelId>,
}

impl Connection {
    pub fn new(c: i64, counts: Arc<Counts>) -> Result<Self, String> {
        let link = Link::new().map_err(|error| error.to_string())?;
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .set_snap_enabled(true)
            // Its own limit, not more: each packet takes time for every one in flight.
            .set_sctp_max_buffered_amount(QUEUED)
            .build(Instant::now());
        rtc.add_local_candidate(Candidate::host(link.address, "udp").map_err(|error| error.to_string())?);
        let (pending, channels, opening, ping, load, hungry) = Default::default();
        Ok(Connection { link, rtc, c, counts, pending, channels, opening, ping, load, hungry })
    }

    pub fn offer(&mut self, label: &str, count: usize, done: Done) {
        self.opening = Some((count, done));
        let mut change = self.rtc.sdp_api();
        for _ in 0..count {
            self.channels.insert(change.add_channel(label.into()), Purpose::of(label));
        }
        if let Some((offer, pending)) = change.apply() {
            self.pending = Some(pending);
            send_line(&json!({"c": self.c, "type": "offer", "sdp": offer.to_sdp_string()}));
        }
    }

    pub fn signal(&mut self, message: &Value) -> Result<(), String> {
        let sdp = message["sdp"].as_str().unwrap_or("");
        if message["type"] == "offer" {
            let offer = SdpOffer::from_sdp_string(sdp).map_err(|error| error.to_string())?;
            let answer = self.rtc.sdp_api().accept_offer(offer).map_err(|error| error.to_string())?;
            send_line(&json!({"c": self.c, "type": "answer", "sdp": answer.to_sdp_string()}));
        } else if let Some(pending) = self.pending.take() {
            let answer = SdpAnswer::from_sdp_string(sdp).map_err(|error| error.to_string())?;
            self.rtc.sdp_api().accept_answer(pending, answer).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// One message on each of `count` more channels.
    pub fn open(&mut self, count: usize, done: Done) {
        self.opening = Some((count, done));
        self.open_some();
    }

    /// Not all at once: each packet takes time for every one in flight.
    fn open_some(&mut self) {
        let left = self.opening.as_ref().map_or(0, |(left, _)| *left);
        let some = if left % OPENING > 0 { left % OPENING } else { left.min(OPENING) };
        for _ in 0..some {
            let id = self.rtc.direct_api().create_data_channel(ChannelConfig { label: "count".into(), ..Default::default() });
            self.channels.insert(id, Purpose::Count);
        }
    }

    pub fn fill(&mut self, load: Arc<Load>) {
        self.load = Some(load);
        self.hungry = self.channels.iter().filter(|(_, purpose)| **purpose == Purpose::Sink).map(|(id, _)| *id).collect();
        for id in &self.hungry {
            if let Some(mut channel) = self.rtc.channel(*id) {
                channel.set_buffered_amount_low_threshold(QUEUED / 2 / self.hungry.len());
            }
        }
        self.feed();
    }

    pub fn ping(&mut self, pings: Pings, done: mpsc::Sender<Pings>) {
        self.ping = Some((pings, done));
        if let Some(id) = self.channels.keys().next().copied() {
            self.write(id, &PING);
        }
    }

    pub fn close(&mut self) {
        let _ = self.rtc.close();
    }

    pub fn receive(&mut self, from: SocketAddr, datagram: &[u8]) {
        if let Ok(receive) = Receive::new(Protocol::Udp, from, self.link.address, datagram) {
            self.input(Input::Receive(Instant::now(), receive));
        }
    }

    pub fn time_out(&mut self) {
        self.input(Input::Timeout(Instant::now()));
    }

    fn input(&mut self, input: Input) {
        if let Err(error) = self.rtc.handle_input(input) {
            eprintln!("connection {}: {error}", self.c);
        }
    }

    /// Sends and tells all that a change led to; to be called after each change. Returns when to call `time_out`.
    pub fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => self.link.send(transmit.destination, &transmit.contents),
                Ok(Output::Event(event)) => self.event(event),
                Ok(Output::Timeout(at)) => return self.rtc.is_alive().then_some(at),
                Err(error) => {
                    eprintln!("connection {}: {error}", self.c);
                    self.rtc.disconnect();
                    if let Some((left, done)) = self.opening.take() {
                        let _ = done.send(Err(format!("{left} channels are not open: {error}")));
                    }
                    return None;
                }
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::ChannelOpen(id, label) => match self.channels.get(&id).copied() {
                Some(purpose) => self.opened(id, purpose),
                None => {
                    self.counts.announced.fetch_add(1, SeqCst);
                    self.channels.insert(id, Purpose::of(&label));
                }
            },
            Event::ChannelData(message) => self.message(message),
            Event::ChannelBufferedAmountLow(_) => self.feed(),
            _ => {}
        }
    }

    fn opened(&mut self, id: ChannelId, purpose: Purpose) {
        if purpose == Purpose::Count {
            self.hungry.push_back(id);
            self.feed();
        }
        if let Some((left, done)) = &mut self.opening {
            *left -= 1;
            if *left == 0 {
                let _ = done.send(Ok(()));
                self.opening = None;
            } else if purpose == Purpose::Count && *left % OPENING == 0 {
                self.open_some();
            }
        }
    }

    fn message(&mut self, message: ChannelData) {
        match self.channels.get(&message.id) {
            Some(Purpose::Sink) => self.counts.meter.add(message.data.len()),
            Some(Purpose::Count) => {
                self.counts.counted.fetch_add(1, SeqCst);
            }
            Some(Purpose::Echo) => {
                if self.ping.as_mut().is_none_or(|(pings, _)| pings.back()) {
                    self.write(message.id, &message.data);
                } else if let Some((pings, done)) = self.ping.take() {
                    let _ = done.send(pings);
                }
            }
            None => {}
        }
    }

    fn write(&mut self, id: ChannelId, data: &[u8]) {
        if let Some(mut channel) = self.rtc.channel(id) {
            let _ = channel.write(true, data);
        }
    }

    /// One message of each hungry channel after the other, as long as they are taken.
    fn feed(&mut self) {
        while let Some(id) = self.hungry.pop_front() {
            let once = self.channels.get(&id) == Some(&Purpose::Count);
            let data = match &self.load {
                _ if once => &SHORT[..],
                Some(load) if !load.stopped() => &load.data,
                _ => continue,
            };
            match self.rtc.channel(id).map(|mut channel| channel.write(true, data)) {
                Some(Ok(true)) if once => {}
                Some(Ok(true)) => self.hungry.push_back(id),
                Some(Ok(false)) => return self.hungry.push_front(id),
                _ => {}
            }
        }
    }
}
