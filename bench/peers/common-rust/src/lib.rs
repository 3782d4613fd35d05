//! What the stacks in Rust share: the lines between the two sides, the counters, and the workloads of ../README.md as
//! far as they are the same for all. A stack does the rest behind `Stack`.
mod offerer;
mod signals;

use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub use signals::send_line;

/// One stack in one of the two processes. Every call may come from any thread, and may block it.
pub trait Stack: Send + Sync + 'static {
    const NAME: &str;
    const VERSION: &str;
    fn new(counts: Arc<Counts>) -> Self;
    /// Offers connection `c` with `count` channels; returns when all are open.
    fn connect(&self, c: i64, label: &str, count: usize) -> Result<(), String>;
    /// A description or candidate of the other side, in their order. An offer makes the connection, and is answered.
    fn signal(&self, message: &Value);
    fn close(&self, c: i64);
    /// Keeps all channels of `c` that are for that full, until `load` is stopped.
    fn fill(&self, c: i64, load: Arc<Load>);
    /// Sends on the one channel of `c`, each time when the last message is back: how long each took, in µs.
    fn ping(&self, c: i64, times: Pings) -> Vec<f64>;
    /// Opens `count` more channels, one message on each; why there are fewer, if there are.
    fn open(&self, c: i64, count: usize) -> Result<(), String>;
}

/// What a channel is for, by its label.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Echo,
    Count,
    Sink,
}
impl Purpose {
    pub fn of(label: &str) -> Self {
        match label {
            "echo" => Purpose::Echo,
            "count" => Purpose::Count,
            _ => Purpose::Sink,
        }
    }
}

/// What has arrived at this process.
#[derive(Default)]
pub struct Counts {
    pub meter: Meter,
    /// Channels that the other side made.
    pub announced: AtomicUsize,
    /// Messages on channels that count.
    pub counted: AtomicUsize,
}
impl Counts {
    pub fn reset(&self) {
        self.announced.store(0, SeqCst);
        self.counted.store(0, SeqCst);
    }
}

#[derive(Default)]
pub struct Meter {
    bytes: AtomicUsize,
    messages: AtomicUsize,
}
impl Meter {
    pub fn add(&self, size: usize) {
        self.bytes.fetch_add(size, SeqCst);
        self.messages.fetch_add(1, SeqCst);
    }
    fn reset(&self) {
        self.bytes.store(0, SeqCst);
        self.messages.store(0, SeqCst);
    }
    fn measure(&self, seconds: f64, warm: f64, anything: bool) -> Value {
        while anything && self.messages.load(SeqCst) == 0 {
            sleep(0.001);
        }
        sleep(warm);
        let (used, bytes, messages, at) = (cpu(), self.bytes.load(SeqCst), self.messages.load(SeqCst), Instant::now());
        sleep(seconds);
        json!({"bytes": self.bytes.load(SeqCst) - bytes, "messages": self.messages.load(SeqCst) - messages,
               "seconds": at.elapsed().as_secs_f64(), "cpu": cpu() - used})
    }
}

/// What W1 sends on each channel of one phase.
pub struct Load {
    pub data: Vec<u8>,
    /// So much waits in each channel at most; more is sent when half of it has gone.
    pub high: usize,
    stop: AtomicBool,
}
impl Load {
    fn new(size: usize, among: usize) -> Arc<Self> {
        Arc::new(Load { data: vec![0x5a; size], high: (2 * size).max(HIGH_WATER / among), stop: AtomicBool::new(false) })
    }
    pub fn stopped(&self) -> bool {
        self.stop.load(SeqCst)
    }
    fn stop(&self) {
        self.stop.store(true, SeqCst);
    }
}

/// The least that is queued on a connection while a channel is kept full.
pub const HIGH_WATER: usize = 1 << 20;
/// The message of W2.
pub const PING: [u8; 64] = [0x5a; 64];
/// The message of W5.
pub const SHORT: [u8; 16] = [0x5a; 16];

/// The round trips of W2 while they are made.
pub struct Pings {
    warm: f64,
    seconds: f64,
    began: Instant,
    sent: Instant,
    times: Vec<f64>,
}
impl Pings {
    fn new(warm: f64, seconds: f64) -> Self {
        Pings { warm, seconds, began: Instant::now(), sent: Instant::now(), times: Vec::with_capacity(50_000) }
    }
    /// A message is back. Returns whether to send the next one.
    pub fn back(&mut self) -> bool {
        let now = Instant::now();
        let since = (now - self.began).as_secs_f64();
        if since > self.warm {
            self.times.push((now - self.sent).as_secs_f64() * 1e6);
        }
        self.sent = Instant::now();
        since <= self.warm + self.seconds && self.times.len() < 50_000
    }
    pub fn times(self) -> Vec<f64> {
        self.times
    }
}

/// A latch that counts up.
#[derive(Default)]
pub struct Count {
    value: Mutex<usize>,
    changed: Condvar,
}
impl Count {
    pub fn add(&self) {
        *self.value.lock().unwrap() += 1;
        self.changed.notify_all();
    }
    pub fn wait(&self, until: usize) {
        let mut value = self.value.lock().unwrap();
        while *value < until {
            value = self.changed.wait(value).unwrap();
        }
    }
}

pub fn sleep(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

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

/// Ends the process without the clean-up of a stack, which may wait for all that is open.
fn exit() -> ! {
    // SAFETY: nothing is used afterwards.
    unsafe { libc::_exit(0) }
}

/// The whole program.
pub fn run<S: Stack>() -> ! {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = arguments.chunks_exact(2).map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str())).collect();
    offerer::Options::new(&given).map_or_else(answer::<S>, offerer::run::<S>)
}

fn answer<S: Stack>() -> ! {
    let counts = Arc::<Counts>::default();
    let stack = Arc::new(S::new(counts.clone()));
    let own = stack.clone();
    let asked = move |what: &str, message: &Value| {
        let c = message["c"].as_i64().unwrap_or(0);
        let number = |key: &str| message[key].as_f64().unwrap_or(0.0);
        match what {
            "prepare" => counts.meter.reset(),
            "measure" => {
                let load = Load::new(number("size") as usize, 1);
                if message["both"] == true {
                    own.fill(c, load.clone());
                }
                let result = counts.meter.measure(number("seconds"), number("warm"), true);
                load.stop();
                return result;
            }
            "cpu" => return json!({"cpu": cpu()}),
            "memory" => return json!({"memory": memory()}),
            "counted" => return json!({"delivered": counts.counted.load(SeqCst), "announced": counts.announced.load(SeqCst)}),
            "reset" => counts.reset(),
            "open" => return json!({"refused": own.open(c, number("count") as usize).err().unwrap_or_default()}),
            "close" => own.close(c),
            _ => {}
        }
        json!({})
    };
    signals::Lines::default().read(asked, |message| stack.signal(message));
    exit()
}
