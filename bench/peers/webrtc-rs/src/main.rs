//! webrtc-rs under the workloads of ../README.md, on tokio's threads, with the library's dedicated one for the connections.
mod buffered;

use async_trait::async_trait;
use buffered::Buffered;
use bytes::BytesMut;
use linnet_bench_common::{Counts, HIGH_WATER, Load, PING, Pings, Purpose, SHORT, Stack, run, send_line};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::error::{Error, Result};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCSessionDescription,
    SettingEngineBuilder,
};
use webrtc::runtime::default_runtime;

type Channel = Arc<dyn DataChannel>;

struct Connection {
    peer: Arc<dyn PeerConnection>,
    arrived: Arc<Arrived>,
    ours: Mutex<Vec<Channel>>,
}

/// What the stack calls.
struct Arrived {
    c: i64,
    gathered: tokio::sync::Notify,
    counts: Arc<Counts>,
    sinks: Mutex<Vec<Channel>>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.0.gathered.notify_one();
        }
    }
    async fn on_data_channel(&self, channel: Channel) {
        tokio::spawn(read(channel, self.0.clone()));
    }
}
struct Handler(Arc<Arrived>);

/// Reads a channel of the other side as long as it is there.
async fn read(channel: Channel, arrived: Arc<Arrived>) {
    let Ok(label) = channel.label().await else { return };
    arrived.counts.announced.fetch_add(1, SeqCst);
    let purpose = Purpose::of(&label);
    if purpose == Purpose::Sink {
        arrived.sinks.lock().unwrap().push(channel.clone());
    }
    while let Some(event) = channel.poll().await {
        let DataChannelEvent::OnMessage(message) = event else { continue };
        match purpose {
            Purpose::Sink => arrived.counts.meter.add(message.data.len()),
            Purpose::Count => {
                arrived.counts.counted.fetch_add(1, SeqCst);
            }
            Purpose::Echo => {
                let _ = channel.send(message.data).await;
            }
        }
    }
}

/// Reads one of our channels that is kept full.
async fn drain(channel: Channel, counts: Arc<Counts>) {
    while let Some(event) = channel.poll().await {
        if let DataChannelEvent::OnMessage(message) = event {
            counts.meter.add(message.data.len());
        }
    }
}

/// Sending waits while the limit of the connection's builder is reached.
async fn pump(channel: Channel, load: Arc<Load>) {
    while !load.stopped() && channel.send(BytesMut::from(&load.data[..])).await.is_ok() {}
}

async fn opened(channel: &Channel) -> Result<()> {
    loop {
        match channel.poll().await {
            Some(DataChannelEvent::OnOpen) => return Ok(()),
            Some(_) => {}
            None => return Err(Error::ErrDataChannelClosed),
        }
    }
}

async fn ping(channel: Channel, pings: &mut Pings) -> Result<()> {
    loop {
        channel.send(BytesMut::from(&PING[..])).await?;
        loop {
            match channel.poll().await {
                Some(DataChannelEvent::OnMessage(_)) => break,
                Some(_) => {}
                None => return Err(Error::ErrDataChannelClosed),
            }
        }
        if !pings.back() {
            return Ok(());
        }
    }
}

impl Connection {
    /// Sets a description of ours, and sends it with all candidates: they are there at once.
    async fn describe(&self, kind: &str, description: RTCSessionDescription) -> Result<()> {
        self.peer.set_local_description(description).await?;
        self.arrived.gathered.notified().await;
        let description = self.peer.local_description().await.ok_or(Error::ErrDataChannelClosed)?;
        send_line(&json!({"c": self.arrived.c, "type": kind, "sdp": description.sdp}));
        Ok(())
    }
}

struct WebrtcRs {
    runtime: Runtime,
    sockets: Arc<Buffered>,
    counts: Arc<Counts>,
    connections: Mutex<HashMap<i64, Arc<Connection>>>,
}

impl WebrtcRs {
    fn find(&self, c: i64) -> Option<Arc<Connection>> {
        self.connections.lock().unwrap().get(&c).cloned()
    }

    /// On the runtime's threads, not on the one that asks.
    fn wait<T: Send + 'static>(&self, what: impl Future<Output = Result<T>> + Send + 'static) -> std::result::Result<T, String> {
        let task = self.runtime.spawn(what);
        self.runtime.block_on(task).map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    /// A connection whose channels queue `limit` bytes each.
    async fn create(&self, c: i64, limit: usize) -> Result<Arc<Connection>> {
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(true)
            .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
            .with_sctp_max_receive_buffer_size(8 << 20)
            .build();
        let arrived = Arc::new(Arrived { c, gathered: Default::default(), counts: self.counts.clone(), sinks: Mutex::default() });
        let peer = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_handler(Arc::new(Handler(arrived.clone())))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .with_data_channel_send_buffer_limit(limit)
            .with_runtime(self.sockets.clone())
            .with_dedicated_reactor_pool_size(1)
            .build()
            .await?;
        let made = Arc::new(Connection { peer: Arc::new(peer), arrived, ours: Mutex::default() });
        self.connections.lock().unwrap().insert(c, made.clone());
        Ok(made)
    }

    async fn take(&self, message: &Value) -> Result<()> {
        let c = message["c"].as_i64().unwrap_or(0);
        let text = |key: &str| message[key].as_str().unwrap_or("").to_owned();
        if message["type"] == "offer" {
            let connection = self.create(c, HIGH_WATER).await?;
            connection.peer.set_remote_description(RTCSessionDescription::offer(text("sdp"))?).await?;
            let answer = connection.peer.create_answer(None).await?;
            return connection.describe("answer", answer).await;
        }
        let Some(connection) = self.find(c) else { return Ok(()) };
        connection.peer.set_remote_description(RTCSessionDescription::answer(text("sdp"))?).await
    }
}

impl Stack for WebrtcRs {
    const NAME: &str = "webrtc-rs";
    const VERSION: &str = "0.21.1";

    fn new(counts: Arc<Counts>) -> Self {
        let tokio = default_runtime().expect("tokio");
        WebrtcRs { runtime: Runtime::new().expect("tokio"), sockets: Arc::new(Buffered(tokio)), counts, connections: Mutex::default() }
    }

    fn connect(&self, c: i64, label: &str, count: usize) -> std::result::Result<(), String> {
        let connection = self.runtime.block_on(self.create(c, (HIGH_WATER / count).max(1 << 15))).map_err(|error| error.to_string())?;
        let label = label.to_owned();
        self.wait(async move {
            let mut channels = Vec::new();
            for _ in 0..count {
                channels.push(connection.peer.create_data_channel(&label, None).await?);
            }
            let offer = connection.peer.create_offer(None).await?;
            connection.describe("offer", offer).await?;
            for channel in &channels {
                opened(channel).await?;
            }
            *connection.ours.lock().unwrap() = channels;
            Ok(())
        })
    }

    fn signal(&self, message: &Value) {
        if let Err(error) = self.runtime.block_on(self.take(message)) {
            eprintln!("{message}: {error}");
        }
    }

    fn close(&self, c: i64) {
        let connection = self.connections.lock().unwrap().remove(&c);
        if let Some(connection) = connection {
            let _ = self.wait(async move { connection.peer.close().await });
        }
    }

    fn fill(&self, c: i64, load: Arc<Load>) {
        let Some(connection) = self.find(c) else { return };
        for channel in connection.ours.lock().unwrap().iter() {
            self.runtime.spawn(drain(channel.clone(), self.counts.clone()));
            self.runtime.spawn(pump(channel.clone(), load.clone()));
        }
        for channel in connection.arrived.sinks.lock().unwrap().iter() {
            self.runtime.spawn(pump(channel.clone(), load.clone()));
        }
    }

    fn ping(&self, c: i64, mut pings: Pings) -> Vec<f64> {
        let channel = self.find(c).and_then(|connection| connection.ours.lock().unwrap().first().cloned());
        let Some(channel) = channel else { return Vec::new() };
        let done = self.wait(async move { ping(channel, &mut pings).await.map(|()| pings) });
        done.map(Pings::times).unwrap_or_default()
    }

    fn open(&self, c: i64, count: usize) -> std::result::Result<(), String> {
        let connection = self.find(c).ok_or("the connection is gone")?;
        self.wait(async move {
            let mut channels = Vec::new();
            for _ in 0..count {
                channels.push(connection.peer.create_data_channel("count", None).await?);
            }
            for channel in &channels {
                opened(channel).await?;
                channel.send(BytesMut::from(&SHORT[..])).await?;
            }
            connection.ours.lock().unwrap().append(&mut channels);
            Ok(())
        })
    }
}

fn main() -> ! {
    run::<WebrtcRs>()
}
