//! libdatachannel by its C API under the workloads of ../README.md: the library without Node's event loop. Everything
//! is done in the library's callbacks, on its own threads.
use datachannel_sys as sys;
use serde_json::{json, Map, Value};
use std::collections::HashMap;
use std::ffi::{c_char, c_void, CStr, CString};
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{mpsc, Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

const HIGH_WATER: usize = 1 << 20;

fn cpu() -> f64 {
    // SAFETY: a plain structure, filled by the call.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// What the process shares with no other, in KB.
fn memory() -> f64 {
    // SAFETY: gives free memory back, nothing else.
    unsafe { libc::malloc_trim(0) };
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let private = text.lines().filter(|line| line.starts_with("Private_"));
    private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum()
}

fn sleep(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

fn send_line(value: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{value}");
    let _ = out.flush();
}

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
    let hooks = &*(hooks as *const ChannelHooks);
    (hooks.open)(id);
}
unsafe extern "C" fn on_message(id: i32, data: *const c_char, size: i32, hooks: *mut c_void) {
    let hooks = &*(hooks as *const ChannelHooks);
    let size = usize::try_from(size).unwrap_or(0);
    (hooks.message)(id, std::slice::from_raw_parts(data.cast(), size));
}
unsafe extern "C" fn on_low(id: i32, hooks: *mut c_void) {
    let hooks = &*(hooks as *const ChannelHooks);
    (hooks.low)(id);
}
unsafe extern "C" fn on_description(_: i32, sdp: *const c_char, kind: *const c_char, hooks: *mut c_void) {
    let hooks = &*(hooks as *const ConnectionHooks);
    let text = |pointer| CStr::from_ptr(pointer).to_string_lossy();
    send_line(&json!({"c": hooks.c, "type": text(kind), "sdp": text(sdp)}));
}
unsafe extern "C" fn on_candidate(_: i32, candidate: *const c_char, mid: *const c_char, hooks: *mut c_void) {
    let hooks = &*(hooks as *const ConnectionHooks);
    let text = |pointer| CStr::from_ptr(pointer).to_string_lossy();
    send_line(&json!({"c": hooks.c, "candidate": text(candidate), "mid": text(mid)}));
}
unsafe extern "C" fn on_channel(_: i32, id: i32, hooks: *mut c_void) {
    let hooks = &*(hooks as *const ConnectionHooks);
    let mut label = [0u8; 64];
    sys::rtcGetDataChannelLabel(id, label.as_mut_ptr().cast(), 64);
    let label = CStr::from_bytes_until_nul(&label).map(|text| text.to_string_lossy().into_owned());
    (hooks.arrived)(hooks.c, id, &label.unwrap_or_default());
}

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

/// Sends until `high` bytes wait.
fn fill(id: i32, data: &[u8], high: usize, stop: &AtomicBool) {
    // SAFETY: an id that is gone gives an error.
    while !stop.load(SeqCst) && (0..high as i32).contains(&unsafe { sys::rtcGetBufferedAmount(id) }) {
        send(id, data);
    }
}

#[derive(Default)]
struct Meter {
    bytes: AtomicUsize,
    messages: AtomicUsize,
}
impl Meter {
    fn add(&self, size: usize) {
        self.bytes.fetch_add(size, SeqCst);
        self.messages.fetch_add(1, SeqCst);
    }
    fn measure(&self, seconds: f64, warm: f64) -> Value {
        while self.messages.load(SeqCst) == 0 {
            sleep(0.001);
        }
        sleep(warm);
        let (used, bytes, messages, at) = (cpu(), self.bytes.load(SeqCst), self.messages.load(SeqCst), Instant::now());
        sleep(seconds);
        json!({"bytes": self.bytes.load(SeqCst) - bytes, "messages": self.messages.load(SeqCst) - messages,
               "seconds": at.elapsed().as_secs_f64(), "cpu": cpu() - used})
    }
}

/// A latch that counts up.
#[derive(Default)]
struct Count {
    value: Mutex<usize>,
    changed: Condvar,
}
impl Count {
    fn add(&self) {
        *self.value.lock().unwrap() += 1;
        self.changed.notify_all();
    }
    fn wait(&self, until: usize) {
        let mut value = self.value.lock().unwrap();
        while *value < until {
            value = self.changed.wait(value).unwrap();
        }
    }
}

/// What W1 sends on each channel of one phase.
#[derive(Clone)]
struct Load {
    data: Arc<Vec<u8>>,
    high: usize,
    stop: Arc<AtomicBool>,
}
impl Load {
    fn new(size: usize, among: usize) -> Self {
        Load { data: Arc::new(vec![0x5a; size]), high: (2 * size).max(HIGH_WATER / among), stop: Arc::default() }
    }
    fn start(&self, id: i32) {
        // SAFETY: an id that is gone gives an error.
        unsafe { sys::rtcSetBufferedAmountLowThreshold(id, self.high as i32 / 2) };
        fill(id, &self.data, self.high, &self.stop);
    }
}

struct End {
    connections: Mutex<HashMap<i64, i32>>,
    early: Mutex<HashMap<i64, Vec<(CString, CString)>>>,
    waiting: Mutex<HashMap<u64, mpsc::Sender<Value>>>,
    asked: AtomicUsize,
    arrived: Arc<dyn Fn(i64, i32, &str) + Send + Sync>,
}

impl End {
    fn new(arrived: Arc<dyn Fn(i64, i32, &str) + Send + Sync>) -> Arc<Self> {
        let end = End { connections: Mutex::default(), early: Mutex::default(), waiting: Mutex::default(), asked: AtomicUsize::new(0), arrived };
        Arc::new(end)
    }

    fn ask(&self, what: &str, mut values: Value) -> Value {
        let n = self.asked.fetch_add(1, SeqCst) as u64 + 1;
        let (reply, answer) = mpsc::channel();
        self.waiting.lock().unwrap().insert(n, reply);
        values["ask"] = json!(what);
        values["n"] = json!(n);
        send_line(&values);
        answer.recv().unwrap_or_default()
    }

    fn create(&self, c: i64) -> i32 {
        // SAFETY: zero is the default of each setting; the hooks are never freed.
        unsafe {
            let settings: sys::rtcConfiguration = std::mem::zeroed();
            let id = sys::rtcCreatePeerConnection(&settings);
            let hooks = Box::into_raw(Box::new(ConnectionHooks { c, arrived: self.arrived.clone() }));
            sys::rtcSetUserPointer(id, hooks.cast());
            sys::rtcSetLocalDescriptionCallback(id, Some(on_description));
            sys::rtcSetLocalCandidateCallback(id, Some(on_candidate));
            sys::rtcSetDataChannelCallback(id, Some(on_channel));
            self.connections.lock().unwrap().insert(c, id);
            id
        }
    }

    fn close(&self, c: i64) {
        if let Some(id) = self.connections.lock().unwrap().remove(&c) {
            // SAFETY: the id is not used any more.
            unsafe {
                sys::rtcClosePeerConnection(id);
                sys::rtcDeletePeerConnection(id);
            }
        }
    }

    fn find(&self, c: i64) -> Option<i32> {
        self.connections.lock().unwrap().get(&c).copied()
    }

    fn signal(&self, message: &Value) {
        let c = message["c"].as_i64().unwrap_or(0);
        let text = |key: &str| CString::new(message[key].as_str().unwrap_or("")).unwrap();
        let add = |id: i32, candidate: &CString, mid: &CString| {
            // SAFETY: the strings outlive the call.
            unsafe { sys::rtcAddRemoteCandidate(id, candidate.as_ptr(), mid.as_ptr()) };
        };
        if message["candidate"].is_string() {
            match self.early.lock().unwrap().get_mut(&c) {
                Some(early) => early.push((text("candidate"), text("mid"))),
                None => {
                    if let Some(id) = self.find(c) {
                        add(id, &text("candidate"), &text("mid"));
                    }
                }
            }
            return;
        }
        let id = match self.find(c) {
            Some(id) => id,
            None if message["type"] == "offer" => self.create(c),
            None => return,
        };
        // SAFETY: the strings outlive the call.
        unsafe { sys::rtcSetRemoteDescription(id, text("sdp").as_ptr(), text("type").as_ptr()) };
        for (candidate, mid) in self.early.lock().unwrap().remove(&c).unwrap_or_default() {
            add(id, &candidate, &mid);
        }
    }

    /// Until the other side ends.
    fn read(self: &Arc<Self>, asked: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) {
        let asked = Arc::new(asked);
        for line in std::io::stdin().lock().lines() {
            let Ok(message) = line.map_err(|_| ()).and_then(|text| serde_json::from_str::<Value>(&text).map_err(|_| ())) else { break };
            if let Some(what) = message["ask"].as_str().map(str::to_owned) {
                let asked = asked.clone();
                std::thread::spawn(move || {
                    let mut reply = asked(&what, &message);
                    reply["answer"] = message["n"].clone();
                    send_line(&reply);
                });
            } else if let Some(n) = message["answer"].as_u64() {
                if let Some(reply) = self.waiting.lock().unwrap().remove(&n) {
                    let _ = reply.send(message);
                }
            } else {
                self.signal(&message);
            }
        }
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

/// Opens `count` channels and sends one message on each; why there are fewer, if there are.
fn open_many(connection: i32, count: usize) -> String {
    let opened = Arc::new(Count::default());
    for made in 0..count {
        let id = match new_channel(connection, "count") {
            Ok(id) => id,
            Err(error) => {
                opened.wait(made);
                return format!("after {made} channels: {error}");
            }
        };
        let (here, once) = (opened.clone(), AtomicBool::new(false));
        let open = move |id| {
            if !once.swap(true, SeqCst) {
                send(id, &[0x5a; 16]);
                here.add();
            }
        };
        hook(id, Box::new(open), Box::new(|_, _| {}), nothing());
    }
    opened.wait(count);
    String::new()
}

fn answerer() {
    let meter = Arc::new(Mutex::new(Arc::new(Meter::default())));
    let delivered = Arc::new(AtomicUsize::new(0));
    let announced = Arc::new(AtomicUsize::new(0));
    let sinks: Arc<Mutex<HashMap<i64, Vec<i32>>>> = Arc::default();
    let load: Arc<Mutex<Option<Load>>> = Arc::default();
    let end = {
        let (meter, delivered, announced, sinks, load) = (meter.clone(), delivered.clone(), announced.clone(), sinks.clone(), load.clone());
        End::new(Arc::new(move |c, id, label| {
            announced.fetch_add(1, SeqCst);
            let (delivered, load) = (delivered.clone(), load.clone());
            match label {
                "echo" => hook(id, nothing(), Box::new(|id, data| send(id, data)), nothing()),
                "count" => hook(id, nothing(), Box::new(move |_, _| { delivered.fetch_add(1, SeqCst); }), nothing()),
                _ => {
                    sinks.lock().unwrap().entry(c).or_default().push(id);
                    let meter = meter.lock().unwrap().clone();
                    let low = move |id| {
                        let load = load.lock().unwrap().clone();
                        if let Some(load) = load {
                            fill(id, &load.data, load.high, &load.stop);
                        }
                    };
                    hook(id, nothing(), Box::new(move |_, data| meter.add(data.len())), Box::new(low));
                }
            }
        }))
    };
    let own = end.clone();
    end.read(move |what, message| {
        let c = message["c"].as_i64().unwrap_or(0);
        match what {
            "prepare" => *meter.lock().unwrap() = Arc::default(),
            "measure" => {
                let mine = Load::new(message["size"].as_u64().unwrap_or(1) as usize, 1);
                if message["both"] == true {
                    *load.lock().unwrap() = Some(mine.clone());
                    for id in sinks.lock().unwrap().get(&c).into_iter().flatten() {
                        mine.start(*id);
                    }
                }
                let meter = meter.lock().unwrap().clone();
                let result = meter.measure(message["seconds"].as_f64().unwrap_or(1.0), message["warm"].as_f64().unwrap_or(0.0));
                mine.stop.store(true, SeqCst);
                *load.lock().unwrap() = None;
                return result;
            }
            "cpu" => return json!({"cpu": cpu()}),
            "memory" => return json!({"memory": memory()}),
            "counted" => return json!({"delivered": delivered.load(SeqCst), "announced": announced.load(SeqCst)}),
            "reset" => {
                delivered.store(0, SeqCst);
                announced.store(0, SeqCst);
            }
            "open" => return json!({"refused": open_many(own.find(c).unwrap_or(-1), message["count"].as_u64().unwrap_or(0) as usize)}),
            "close" => {
                own.close(c);
                sinks.lock().unwrap().remove(&c);
            }
            _ => {}
        }
        json!({})
    });
}

struct Options {
    only: Vec<String>,
    seconds: f64,
    warm: f64,
    setups: usize,
    connections: usize,
    channels: Vec<usize>,
    timeout: f64,
    result: String,
}

struct Offerer {
    end: Arc<End>,
    options: Options,
    next: AtomicUsize,
    received: Arc<AtomicUsize>,
    result: Mutex<Map<String, Value>>,
    errors: Mutex<Map<String, Value>>,
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
}

impl Offerer {
    fn set(&self, key: &str, value: impl Into<Value>) {
        self.result.lock().unwrap().insert(key.into(), value.into());
    }

    fn start(&self) -> (i64, i32) {
        let c = self.next.fetch_add(1, SeqCst) as i64 + 1;
        // Candidates that overtake the answer wait for it.
        self.end.early.lock().unwrap().insert(c, Vec::new());
        (c, self.end.create(c))
    }

    fn connect(&self) -> (i64, i32) {
        let (c, connection) = self.start();
        let id = new_channel(connection, "sink").expect("a channel");
        let opened = Arc::new(Count::default());
        let here = opened.clone();
        hook(id, Box::new(move |_| here.add()), Box::new(|_, _| {}), nothing());
        opened.wait(1);
        (c, connection)
    }

    fn disconnect(&self, c: i64) {
        self.end.close(c);
        self.end.ask("close", json!({"c": c}));
    }

    /// Mbit/s, messages/s, CPU s/GB of the sender and of the receiver.
    fn throughput(&self, size: usize, count: usize, both: bool) -> (f64, f64, f64, f64) {
        self.end.ask("prepare", json!({}));
        let (c, connection) = self.start();
        let (load, meter, opened) = (Load::new(size, count), Arc::new(Meter::default()), Arc::new(Count::default()));
        let mut ids = Vec::new();
        for _ in 0..count {
            let id = new_channel(connection, "sink").expect("a channel");
            let (here, own, counter) = (opened.clone(), load.clone(), meter.clone());
            let low = move |id| fill(id, &own.data, own.high, &own.stop);
            hook(id, Box::new(move |_| here.add()), Box::new(move |_, data| counter.add(data.len())), Box::new(low));
            ids.push(id);
        }
        opened.wait(count);
        let (seconds, warm) = (self.options.seconds, self.options.warm);
        let end = self.end.clone();
        let there = std::thread::spawn(move || end.ask("measure", json!({"seconds": seconds, "warm": warm, "size": size, "both": both, "c": c})));
        for id in &ids {
            load.start(*id);
        }
        if !both {
            meter.messages.store(1, SeqCst);
        }
        let here = meter.measure(seconds, warm);
        let there = there.join().unwrap_or_default();
        load.stop.store(true, SeqCst);
        self.disconnect(c);
        let number = |value: &Value, key: &str| value[key].as_f64().unwrap_or(0.0);
        let rate = |key| number(&there, key) / number(&there, "seconds") + number(&here, key) / number(&here, "seconds");
        let gigabytes = rate("bytes") * number(&there, "seconds") / 1e9;
        let sender = number(&here, "cpu") * number(&there, "seconds") / number(&here, "seconds") / gigabytes;
        (rate("bytes") * 8.0 / 1e6, rate("messages"), sender, number(&there, "cpu") / gigabytes)
    }

    fn w1(&self) {
        let (mbps, _, sender, receiver) = self.throughput(65_536, 1, false);
        self.set("throughput_mbps_64k", mbps);
        self.set("cpu_s_per_gb", sender + receiver);
        self.set("cpu_s_per_gb_sender", sender);
        self.set("cpu_s_per_gb_receiver", receiver);
        self.set("throughput_mbps_16k", self.throughput(16_384, 1, false).0);
        let (_, messages, sender, receiver) = self.throughput(1_024, 1, false);
        self.set("messages_per_s_1k", messages);
        self.set("cpu_s_per_gb_1k", sender + receiver);
        self.set("throughput_mbps_64k_both_directions", self.throughput(65_536, 1, true).0);
        self.set("throughput_mbps_16k_100_channels", self.throughput(16_384, 100, false).0);
    }

    /// The next message leaves in the callback that brought the last one back.
    fn w2(&self) {
        let (c, connection) = self.start();
        let id = new_channel(connection, "echo").expect("a channel");
        let (warm, seconds) = (self.options.warm, self.options.seconds);
        let (finished, done) = (Arc::new(Count::default()), Arc::new(Mutex::new(Vec::<f64>::new())));
        let (here, times) = (finished.clone(), done.clone());
        let start = Arc::new(Mutex::new((Instant::now(), Instant::now())));
        let opened = start.clone();
        let open = move |id| {
            *opened.lock().unwrap() = (Instant::now(), Instant::now());
            send(id, &[0x5a; 64]);
        };
        let message = move |id, _: &[u8]| {
            let now = Instant::now();
            let mut at = start.lock().unwrap();
            let since = now.duration_since(at.0).as_secs_f64();
            let mut times = times.lock().unwrap();
            if since > warm {
                times.push(now.duration_since(at.1).as_secs_f64() * 1e6);
            }
            if since > warm + seconds || times.len() >= 50_000 {
                here.add();
                return;
            }
            at.1 = Instant::now();
            send(id, &[0x5a; 64]);
        };
        hook(id, Box::new(open), Box::new(message), nothing());
        finished.wait(1);
        self.disconnect(c);
        let mut times = done.lock().unwrap();
        times.sort_by(f64::total_cmp);
        self.set("rtt_us_p50", percentile(&times, 0.5));
        self.set("rtt_us_p99", percentile(&times, 0.99));
        self.set("rtts", times.len());
    }

    fn w3(&self) {
        let used = || cpu() + self.end.ask("cpu", json!({}))["cpu"].as_f64().unwrap_or(0.0);
        self.disconnect(self.connect().0);
        let (before, started) = (used(), Instant::now());
        let mut times = Vec::new();
        while times.len() < self.options.setups && started.elapsed().as_secs_f64() < 0.8 * self.options.timeout {
            let at = Instant::now();
            let (c, _) = self.connect();
            times.push(at.elapsed().as_secs_f64() * 1e3);
            self.disconnect(c);
        }
        self.set("setup_cpu_ms", 1e3 * (used() - before) / times.len() as f64);
        times.sort_by(f64::total_cmp);
        for (name, share) in [("setup_ms_p50", 0.5), ("setup_ms_p90", 0.9), ("setup_ms_p99", 0.99), ("setup_ms_max", 1.0)] {
            self.set(name, percentile(&times, share));
        }
        self.set("setups", times.len());
    }

    fn w4(&self) {
        let there = || self.end.ask("memory", json!({}))["memory"].as_f64().unwrap_or(0.0);
        self.connect();
        let (before, before_there, started) = (memory(), there(), Instant::now());
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while started.elapsed().as_secs_f64() < 0.8 * self.options.timeout && made.fetch_add(1, SeqCst) < self.options.connections {
                        self.connect();
                    }
                });
            }
        });
        sleep(1.0);
        let count = made.load(SeqCst).min(self.options.connections) as f64;
        self.set("kb_per_connection", (memory() - before) / count);
        self.set("kb_per_connection_answerer", (there() - before_there) / count);
        self.set("idle_connections", count);
    }

    fn w5(self: &Arc<Self>) {
        let mut outcomes = Map::new();
        for &count in &self.options.channels {
            self.end.ask("reset", json!({}));
            self.received.store(0, SeqCst);
            let (c, connection) = self.connect();
            let (before, at) = (memory(), Instant::now());
            // Each side owns half of the 65,535 stream ids (RFC 8832 section 6), one of which is in use already.
            let here = count.min(32_766);
            let (done, refused) = mpsc::channel();
            let own = self.clone();
            std::thread::spawn(move || {
                let there = if count > here { own.end.ask("open", json!({"c": c, "count": count - here})) } else { json!({"refused": ""}) };
                let mut refused = open_many(connection, here);
                if refused.is_empty() {
                    refused = there["refused"].as_str().unwrap_or("").into();
                }
                if !refused.is_empty() {
                    sleep(1.0); // for what is on its way
                }
                while refused.is_empty() {
                    let counted = own.end.ask("counted", json!({}));
                    if counted["delivered"].as_u64() >= Some(here as u64) && own.received.load(SeqCst) >= count - here {
                        break;
                    }
                    sleep(0.002);
                }
                let _ = done.send(refused);
            });
            let limit = Duration::from_secs_f64(self.options.timeout);
            let refused = refused.recv_timeout(limit).unwrap_or_else(|_| format!("{count} channels took more than {} s", self.options.timeout));
            let took = at.elapsed().as_secs_f64() * 1e3;
            let counted = self.end.ask("counted", json!({}));
            let received = self.received.load(SeqCst) as u64;
            let delivered = counted["delivered"].as_u64().unwrap_or(0) + received;
            let opened = counted["announced"].as_u64().unwrap_or(1).saturating_sub(1) + received;
            let mut outcome = json!({"opened": opened, "delivered": delivered, "ms": took});
            if delivered == count as u64 {
                outcome["kb_per_channel"] = json!((memory() - before) / count as f64);
            }
            self.set("channels_opened", opened);
            self.set("channels_delivered", delivered);
            self.set("channels_ms", took);
            self.set("kb_per_channel", outcome["kb_per_channel"].clone());
            outcomes.insert(count.to_string(), outcome);
            self.set("channels", outcomes.clone());
            if !refused.is_empty() {
                self.errors.lock().unwrap().insert(format!("w5 {count}"), refused.into());
            }
            if delivered < count as u64 {
                return;
            }
            self.disconnect(c);
        }
    }

    fn finish(&self) -> ! {
        let mut result = self.result.lock().unwrap();
        result.insert("errors".into(), Value::Object(self.errors.lock().unwrap().clone()));
        let _ = std::fs::write(&self.options.result, format!("{}\n", Value::Object(result.clone())));
        // Not by the library's clean-up, which waits for all that is open.
        unsafe { libc::_exit(0) }
    }

    fn run(self: &Arc<Self>) -> ! {
        for name in self.options.only.clone() {
            // W5 limits each of its steps itself.
            let limit = self.options.timeout * if name == "w5" { 10.0 } else { 1.0 };
            let (done, finished) = mpsc::channel();
            let (own, what) = (self.clone(), name.clone());
            std::thread::spawn(move || {
                match what.as_str() {
                    "w1" => own.w1(),
                    "w2" => own.w2(),
                    "w3" => own.w3(),
                    "w4" => own.w4(),
                    _ => own.w5(),
                }
                let _ = done.send(());
            });
            if finished.recv_timeout(Duration::from_secs_f64(limit)).is_err() {
                self.errors.lock().unwrap().insert(name, format!("took more than {limit} s, or failed").into());
                break;
            }
        }
        self.finish()
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given: HashMap<&str, &str> = arguments.chunks_exact(2).map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str())).collect();
    let text = |name: &str, other: &str| given.get(name).copied().unwrap_or(other).to_owned();
    let number = |name: &str, other: f64| text(name, "").parse::<f64>().unwrap_or(other);
    if text("role", "offer") == "answer" {
        answerer();
        // SAFETY: ends the process, as above.
        unsafe { libc::_exit(0) }
    }
    let received = Arc::new(AtomicUsize::new(0));
    let counter = received.clone();
    let arrived = move |_: i64, id: i32, _: &str| {
        let counter = counter.clone();
        hook(id, nothing(), Box::new(move |_, _| { counter.fetch_add(1, SeqCst); }), nothing());
    };
    let offerer = Arc::new(Offerer {
        end: End::new(Arc::new(arrived)),
        options: Options {
            only: text("only", "w1,w2,w3,w4,w5").split(',').map(str::to_owned).collect(),
            seconds: number("seconds", 4.0),
            warm: number("warm", 0.5),
            setups: number("setups", 200.0) as usize,
            connections: number("connections", 1000.0) as usize,
            channels: text("channels", "100,1000,16384,65534").split(',').filter_map(|each| each.parse().ok()).collect(),
            timeout: number("timeout", 60.0),
            result: text("result", "/dev/stderr"),
        },
        next: AtomicUsize::new(0),
        received,
        result: Mutex::default(),
        errors: Mutex::default(),
    });
    offerer.set("name", "libdatachannel-native");
    offerer.set("version", "0.23.2 (datachannel-sys 0.23.0)");
    let reader = offerer.clone();
    std::thread::spawn(move || {
        reader.end.read(|_, _| json!({}));
        reader.errors.lock().unwrap().insert("answerer".into(), "ended before the measurement did".into());
        reader.finish()
    });
    offerer.run()
}
