//! The workloads, from the side that offers, asks the other one and writes the result.
use crate::signals::Lines;
use crate::{Counts, Load, Pings, Stack, cpu, exit, memory, sleep};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

pub struct Options {
    only: Vec<String>,
    seconds: f64,
    warm: f64,
    setups: usize,
    connections: usize,
    channels: Vec<usize>,
    timeout: f64,
    result: String,
}
impl Options {
    /// None in the process that answers.
    pub fn new(given: &HashMap<&str, &str>) -> Option<Self> {
        let text = |name: &str, other: &str| given.get(name).copied().unwrap_or(other).to_owned();
        let number = |name: &str, other: f64| text(name, "").parse::<f64>().unwrap_or(other);
        (text("role", "offer") == "offer").then(|| Options {
            only: text("only", "w1,w2,w3,w4,w5").split(',').map(str::to_owned).collect(),
            seconds: number("seconds", 4.0),
            warm: number("warm", 0.5),
            setups: number("setups", 200.0) as usize,
            connections: number("connections", 1000.0) as usize,
            channels: text("channels", "100,1000,16384,65534").split(',').filter_map(|each| each.parse().ok()).collect(),
            timeout: number("timeout", 60.0),
            result: text("result", "/dev/stderr"),
        })
    }
}

struct Offerer<S: Stack> {
    stack: S,
    counts: Arc<Counts>,
    lines: Lines,
    options: Options,
    last: AtomicI64,
    result: Mutex<Map<String, Value>>,
    errors: Mutex<Map<String, Value>>,
}

fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied()
}

impl<S: Stack> Offerer<S> {
    fn set(&self, key: &str, value: impl Into<Value>) {
        self.result.lock().unwrap().insert(key.into(), value.into());
    }
    fn fail(&self, what: &str, why: impl Into<Value>) {
        self.errors.lock().unwrap().insert(what.into(), why.into());
    }

    fn connect(&self, label: &str, count: usize) -> Result<i64, String> {
        let c = self.last.fetch_add(1, SeqCst) + 1;
        self.stack.connect(c, label, count).map(|()| c)
    }

    fn disconnect(&self, c: i64) {
        self.stack.close(c);
        self.lines.ask("close", json!({"c": c}));
    }

    /// Mbit/s, messages/s, CPU s/GB of the sender and of the receiver.
    fn throughput(self: &Arc<Self>, size: usize, count: usize, both: bool) -> Result<(f64, f64, f64, f64), String> {
        self.lines.ask("prepare", json!({}));
        self.counts.meter.reset();
        let c = self.connect("sink", count)?;
        let (seconds, warm) = (self.options.seconds, self.options.warm);
        let own = self.clone();
        let there = std::thread::spawn(move || own.lines.ask("measure", json!({"seconds": seconds, "warm": warm, "size": size, "both": both, "c": c})));
        let load = Load::new(size, count);
        self.stack.fill(c, load.clone());
        let here = self.counts.meter.measure(seconds, warm, both);
        let there = there.join().unwrap_or_default();
        load.stop();
        self.disconnect(c);
        let number = |value: &Value, key: &str| value[key].as_f64().unwrap_or(0.0);
        let rate = |key| number(&there, key) / number(&there, "seconds") + number(&here, key) / number(&here, "seconds");
        let gigabytes = rate("bytes") * number(&there, "seconds") / 1e9;
        let sender = number(&here, "cpu") * number(&there, "seconds") / number(&here, "seconds") / gigabytes;
        Ok((rate("bytes") * 8.0 / 1e6, rate("messages"), sender, number(&there, "cpu") / gigabytes))
    }

    fn w1(self: &Arc<Self>) -> Result<(), String> {
        let (mbps, _, sender, receiver) = self.throughput(65_536, 1, false)?;
        self.set("throughput_mbps_64k", mbps);
        self.set("cpu_s_per_gb", sender + receiver);
        self.set("cpu_s_per_gb_sender", sender);
        self.set("cpu_s_per_gb_receiver", receiver);
        self.set("throughput_mbps_16k", self.throughput(16_384, 1, false)?.0);
        let (_, messages, sender, receiver) = self.throughput(1_024, 1, false)?;
        self.set("messages_per_s_1k", messages);
        self.set("cpu_s_per_gb_1k", sender + receiver);
        self.set("throughput_mbps_64k_both_directions", self.throughput(65_536, 1, true)?.0);
        self.set("throughput_mbps_16k_100_channels", self.throughput(16_384, 100, false)?.0);
        Ok(())
    }

    fn w2(&self) -> Result<(), String> {
        let c = self.connect("echo", 1)?;
        let mut times = self.stack.ping(c, Pings::new(self.options.warm, self.options.seconds));
        self.disconnect(c);
        times.sort_by(f64::total_cmp);
        self.set("rtt_us_p50", percentile(&times, 0.5));
        self.set("rtt_us_p99", percentile(&times, 0.99));
        self.set("rtts", times.len());
        Ok(())
    }

    fn w3(&self) -> Result<(), String> {
        let used = || cpu() + self.lines.ask("cpu", json!({}))["cpu"].as_f64().unwrap_or(0.0);
        self.disconnect(self.connect("sink", 1)?);
        let (before, started) = (used(), Instant::now());
        let mut times = Vec::new();
        while times.len() < self.options.setups && started.elapsed().as_secs_f64() < 0.8 * self.options.timeout {
            let at = Instant::now();
            let c = self.connect("sink", 1)?;
            times.push(at.elapsed().as_secs_f64() * 1e3);
            self.disconnect(c);
        }
        self.set("setup_cpu_ms", 1e3 * (used() - before) / times.len() as f64);
        times.sort_by(f64::total_cmp);
        for (name, share) in [("setup_ms_p50", 0.5), ("setup_ms_p90", 0.9), ("setup_ms_p99", 0.99), ("setup_ms_max", 1.0)] {
            self.set(name, percentile(&times, share));
        }
        self.set("setups", times.len());
        Ok(())
    }

    fn w4(&self) -> Result<(), String> {
        let there = || self.lines.ask("memory", json!({}))["memory"].as_f64().unwrap_or(0.0);
        self.connect("sink", 1)?;
        let (before, before_there, started) = (memory(), there(), Instant::now());
        let (begun, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while started.elapsed().as_secs_f64() < 0.8 * self.options.timeout && begun.fetch_add(1, SeqCst) < self.options.connections {
                        match self.connect("sink", 1) {
                            Ok(_) => made.fetch_add(1, SeqCst),
                            Err(why) => return self.fail("w4", why),
                        };
                    }
                });
            }
        });
        sleep(1.0);
        let count = made.load(SeqCst) as f64;
        self.set("kb_per_connection", (memory() - before) / count);
        self.set("kb_per_connection_answerer", (there() - before_there) / count);
        self.set("idle_connections", count);
        Ok(())
    }

    /// Opens the channels of W5 from both sides, and waits for their messages.
    fn open(&self, c: i64, here: usize, there: usize) -> Result<(), String> {
        let mut refused = String::new();
        if there > 0 {
            refused = self.lines.ask("open", json!({"c": c, "count": there}))["refused"].as_str().unwrap_or("").into();
        }
        if let Err(why) = self.stack.open(c, here) {
            refused = why;
        }
        if !refused.is_empty() {
            sleep(1.0); // for what is on its way
            return Err(refused);
        }
        while self.lines.ask("counted", json!({}))["delivered"].as_u64() < Some(here as u64) || self.counts.counted.load(SeqCst) < there {
            sleep(0.002);
        }
        Ok(())
    }

    fn w5(self: &Arc<Self>) -> Result<(), String> {
        let mut outcomes = Map::new();
        for &count in &self.options.channels {
            self.lines.ask("reset", json!({}));
            self.counts.reset();
            let c = self.connect("sink", 1)?;
            let (before, at) = (memory(), Instant::now());
            // Each side owns half of the 65,535 stream ids (RFC 8832 section 6), one of which is in use already.
            let here = count.min(32_766);
            let (done, ended) = mpsc::channel();
            let own = self.clone();
            std::thread::spawn(move || done.send(own.open(c, here, count - here)));
            let limit = Duration::from_secs_f64(self.options.timeout);
            let ended = ended.recv_timeout(limit).unwrap_or_else(|_| Err(format!("{count} channels took more than {} s", self.options.timeout)));
            let took = at.elapsed().as_secs_f64() * 1e3;
            let counted = self.lines.ask("counted", json!({}));
            let received = self.counts.counted.load(SeqCst) as u64;
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
            if let Err(why) = ended {
                self.fail(&format!("w5 {count}"), why);
            }
            if delivered < count as u64 {
                return Ok(());
            }
            self.disconnect(c);
        }
        Ok(())
    }

    fn finish(&self) -> ! {
        let mut result = self.result.lock().unwrap();
        result.insert("errors".into(), Value::Object(self.errors.lock().unwrap().clone()));
        let _ = std::fs::write(&self.options.result, format!("{}\n", Value::Object(result.clone())));
        exit()
    }
}

pub fn run<S: Stack>(options: Options) -> ! {
    let counts = Arc::<Counts>::default();
    let stack = S::new(counts.clone());
    let (lines, last, result, errors) = Default::default();
    let offerer = Arc::new(Offerer { stack, counts, lines, options, last, result, errors });
    offerer.set("name", S::NAME);
    offerer.set("version", S::VERSION);
    let reader = offerer.clone();
    std::thread::spawn(move || {
        reader.lines.read(|_, _| json!({}), |message| reader.stack.signal(message));
        reader.fail("answerer", "ended before the measurement did");
        reader.finish()
    });
    for name in offerer.options.only.clone() {
        // W5 limits each of its steps itself.
        let limit = offerer.options.timeout * if name == "w5" { 10.0 } else { 1.0 };
        let (done, finished) = mpsc::channel();
        let (own, what) = (offerer.clone(), name.clone());
        std::thread::spawn(move || {
            let ended = match what.as_str() {
                "w1" => own.w1(),
                "w2" => own.w2(),
                "w3" => own.w3(),
                "w4" => own.w4(),
                _ => own.w5(),
            };
            let _ = done.send(ended);
        });
        match finished.recv_timeout(Duration::from_secs_f64(limit)) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => offerer.fail(&name, why),
            Err(_) => {
                offerer.fail(&name, format!("took more than {limit} s, or failed"));
                break;
            }
        }
    }
    offerer.finish()
}
