//! libdatachannel by its C API under the workloads of ../README.md: the library without Node's event loop. Everything
//! is done in the library's callbacks, on its own threads.
use datachannel_sys as sys;
use linnet_bench_common::{Count, Counts, Load, PING, Pings, Purpose, SHORT, Stack, run, send_line};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

// What the library calls. Hooks live as long as the process: a late callback must find them.

type Hook = Box<dyn Fn(i32) + Send + Sync>;
type MessageHook = Box<dyn Fn(i32, &[u8]) + Send + Sync>;
struct ChannelHooks {
    open: Hook,
    message: MessageHook,
    low: Hook,
}
struct ConnectionHooks {
    c: i64,
    arrived: Arc<dyn Fn(i64, i32, &str) + Send + Sync>,
}

unsafe extern "C" fn on_open(id: i32, hooks: *mut c_void) {
    let hooks = unsafe { &*(hooks as *const ChannelHooks) };
    (hooks.open)(id);
}
unsafe extern "C" fn on_message(id: i32, data: *const c_char, size: i32, hooks: *mut c_void) {
    let hooks = unsafe { &*(hooks as *const ChannelHooks) };
    let size = usize::try_from(size).unwrap_or(0);
    (hooks.message)(id, unsafe { std::slice::from_raw_parts(data.cast(), size) });
}
unsafe extern "C" fn on_low(id: i32, hooks: *mut c_void) {
    let hooks = unsafe { &*(hooks as *const ChannelHooks) };
    (hooks.low)(id);
}
unsafe fn text<'a>(pointer: *const c_char) -> std::borrow::Cow<'a, str> {
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy()
}
unsafe extern "C" fn on_description(_: i32, sdp: *const c_char, kind: *const c_char, hooks: *mut c_void) {
    let hooks = unsafe { &*(hooks as *const ConnectionHooks) };
    send_line(&json!({"c": hooks.c, "type": unsafe { text(kind) }, "sdp": unsafe { text(sdp) }}));
}
unsafe extern "C" fn on_candidate(_: i32, candidate: *const c_char, mid: *const c_char, hooks: *mut c_void) {
    let hooks = unsafe { &*(hooks as *const ConnectionHooks) };
    send_line(&json!({"c": hooks.c, "candidate": unsafe { text(candidate) }, "mid": unsafe { text(mid) }}));
}
unsafe extern "C" fn on_channel(_: i32, id: i32, hooks: *mut c_void) {
    let hooks = unsafe { &*(hooks as *const ConnectionHooks) };
    let mut label = [0u8; 64];
    unsafe { sys::rtcGetDataChannelLabel(id, label.as_mut_ptr().cast(), 64) };
    let label = CStr::from_bytes_until_nul(&label).map(|text| text.to_string_lossy().into_owned());
    (hooks.arrived)(hooks.c, id, &label.unwrap_or_default());
}

/// Replaces the hooks of a channel.
fn hook(id: i32, open: Hook, message: MessageHook, low: Hook) {
    let hooks = Box::into_raw(Box::new(ChannelHooks { open, message, low }));
    // SAFETY: the hooks are never freed.
    unsafe {
        sys::rtcSetUserPointer(id, hooks.cast());
        sys::rtcSetOpenCallback(id, Some(on_open));
        sys::rtcSetBufferedAmountLowCallback(id, Some(on_low));
        sys::rtcSetMessageCallback(id, Some(on_message));
    }
}
fn nothing() -> Hook {
    Box::new(|_| {})
}

fn send(id: i32, data: &[u8]) {
    // SAFETY: the library copies the data.
    unsafe { sys::rtcSendMessage(id, data.as_ptr().cast(), data.len() as i32) };
}

/// Sends until so much waits as may.
fn refill(id: i32, load: &Load) {
    // SAFETY: an id that is gone gives an error.
    while !load.stopped() && (0..load.high as i32).contains(&unsafe { sys::rtcGetBufferedAmount(id) }) {
        send(id, &load.data);
    }
}

fn new_channel(connection: i32, label: &str) -> Result<i32, String> {
    let label = CString::new(label).unwrap();
    // SAFETY: the label outlives the call.
    match unsafe { sys::rtcCreateDataChannel(connection, label.as_ptr()) } {
        id if id >= 0 => Ok(id),
        error => Err(format!("error {error}")),
    }
}

#[derive(Default)]
struct Connection {
    id: i32,
    /// Candidates that overtake the answer wait for it.
    early: Option<Vec<(CString, CString)>>,
    /// The channels of W1 and W2.
    channels: Vec<i32>,
}

struct LibDataChannel {
    counts: Arc<Counts>,
    connections: Arc<Mutex<HashMap<i64, Connection>>>,
    arrived: Arc<dyn Fn(i64, i32, &str) + Send + Sync>,
}

impl LibDataChannel {
    fn create(&self, c: i64, early: Option<Vec<(CString, CString)>>) -> i32 {
        // SAFETY: zero is the default of each setting; the hooks are never freed.
        unsafe {
            let settings: sys::rtcConfiguration = std::mem::zeroed();
            let id = sys::rtcCreatePeerConnection(&settings);
            let hooks = Box::into_raw(Box::new(ConnectionHooks { c, arrived: self.arrived.clone() }));
            sys::rtcSetUserPointer(id, hooks.cast());
            self.connections.lock().unwrap().insert(c, Connection { id, early, channels: Vec::new() });
            sys::rtcSetLocalDescriptionCallback(id, Some(on_description));
            sys::rtcSetLocalCandidateCallback(id, Some(on_candidate));
            sys::rtcSetDataChannelCallback(id, Some(on_channel));
            id
        }
    }

    fn channels(&self, c: i64) -> Vec<i32> {
        self.connections.lock().unwrap().get(&c).map(|own| own.channels.clone()).unwrap_or_default()
    }
}

fn add_candidate(id: i32, candidate: &CString, mid: &CString) {
    // SAFETY: the strings outlive the call.
    unsafe { sys::rtcAddRemoteCandidate(id, candidate.as_ptr(), mid.as_ptr()) };
}

impl Stack for LibDataChannel {
    const NAME: &str = "libdatachannel-native";
    const VERSION: &str = "0.23.2 (datachannel-sys 0.23.0)";

    fn new(counts: Arc<Counts>) -> Self {
        let connections = Arc::<Mutex<HashMap<i64, Connection>>>::default();
        let (own, here) = (connections.clone(), counts.clone());
        let arrived = move |c: i64, id: i32, label: &str| {
            here.announced.fetch_add(1, SeqCst);
            let counts = here.clone();
            let message: MessageHook = match Purpose::of(label) {
                Purpose::Echo => Box::new(send),
                Purpose::Count => Box::new(move |_, _| {
                    counts.counted.fetch_add(1, SeqCst);
                }),
                Purpose::Sink => Box::new(move |_, data| counts.meter.add(data.len())),
            };
            if let Some(connection) = own.lock().unwrap().get_mut(&c).filter(|_| Purpose::of(label) == Purpose::Sink) {
                connection.channels.push(id);
            }
            hook(id, nothing(), message, nothing());
        };
        LibDataChannel { counts, connections, arrived: Arc::new(arrived) }
    }

    fn connect(&self, c: i64, label: &str, count: usize) -> Result<(), String> {
        let connection = self.create(c, Some(Vec::new()));
        let opened = Arc::new(Count::default());
        for _ in 0..count {
            let id = new_channel(connection, label)?;
            if let Some(own) = self.connections.lock().unwrap().get_mut(&c) {
                own.channels.push(id);
            }
            let here = opened.clone();
            hook(id, Box::new(move |_| here.add()), Box::new(|_, _| {}), nothing());
        }
        opened.wait(count);
        Ok(())
    }

    fn signal(&self, message: &Value) {
        let c = message["c"].as_i64().unwrap_or(0);
        let text = |key: &str| CString::new(message[key].as_str().unwrap_or("")).unwrap();
        let id = if message["type"] == "offer" {
            self.create(c, None)
        } else {
            let mut connections = self.connections.lock().unwrap();
            let Some(connection) = connections.get_mut(&c) else { return };
            if let (Some(early), true) = (&mut connection.early, message["candidate"].is_string()) {
                early.push((text("candidate"), text("mid")));
                return;
            }
            connection.id
        };
        if message["candidate"].is_string() {
            add_candidate(id, &text("candidate"), &text("mid"));
            return;
        }
        // SAFETY: the strings outlive the call.
        unsafe { sys::rtcSetRemoteDescription(id, text("sdp").as_ptr(), text("type").as_ptr()) };
        let early = self.connections.lock().unwrap().get_mut(&c).and_then(|connection| connection.early.take());
        for (candidate, mid) in early.unwrap_or_default() {
            add_candidate(id, &candidate, &mid);
        }
    }

    fn close(&self, c: i64) {
        let connection = self.connections.lock().unwrap().remove(&c);
        if let Some(connection) = connection {
            // SAFETY: the id is not used any more.
            unsafe {
                sys::rtcClosePeerConnection(connection.id);
                sys::rtcDeletePeerConnection(connection.id);
            }
        }
    }

    fn fill(&self, c: i64, load: Arc<Load>) {
        for id in self.channels(c) {
            let (counts, own) = (self.counts.clone(), load.clone());
            hook(id, nothing(), Box::new(move |_, data| counts.meter.add(data.len())), Box::new(move |id| refill(id, &own)));
            // SAFETY: an id that is gone gives an error.
            unsafe { sys::rtcSetBufferedAmountLowThreshold(id, load.high as i32 / 2) };
            refill(id, &load);
        }
    }

    /// The next message leaves in the callback that brought the last one back.
    fn ping(&self, c: i64, pings: Pings) -> Vec<f64> {
        let (pings, finished) = (Arc::new(Mutex::new(Some(pings))), Arc::new(Count::default()));
        let (own, here) = (pings.clone(), finished.clone());
        let message = move |id, _: &[u8]| {
            if own.lock().unwrap().as_mut().is_some_and(Pings::back) {
                send(id, &PING);
            } else {
                here.add();
            }
        };
        for id in self.channels(c) {
            hook(id, nothing(), Box::new(message.clone()), nothing());
            send(id, &PING);
        }
        finished.wait(1);
        let times = pings.lock().unwrap().take().map(Pings::times);
        times.unwrap_or_default()
    }

    fn open(&self, c: i64, count: usize) -> Result<(), String> {
        let connection = self.connections.lock().unwrap().get(&c).map(|own| own.id).ok_or("the connection is gone")?;
        let opened = Arc::new(Count::default());
        for made in 0..count {
            let id = match new_channel(connection, "count") {
                Ok(id) => id,
                Err(error) => {
                    opened.wait(made);
                    return Err(format!("after {made} channels: {error}"));
                }
            };
            let (here, once) = (opened.clone(), AtomicBool::new(false));
            let open = move |id| {
                if !once.swap(true, SeqCst) {
                    send(id, &SHORT);
                    here.add();
                }
            };
            hook(id, Box::new(open), Box::new(|_, _| {}), nothing());
        }
        opened.wait(count);
        Ok(())
    }
}

fn main() -> ! {
    run::<LibDataChannel>()
}
