//! The lines between the two sides.
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, mpsc};

/// One line to the other side.
pub fn send_line(value: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{value}\n").as_bytes());
    let _ = out.flush();
}

/// What was asked and not answered yet.
#[derive(Default)]
pub struct Lines {
    asked: Mutex<(u64, HashMap<u64, mpsc::Sender<Value>>)>,
}

impl Lines {
    /// What the other side answers.
    pub fn ask(&self, what: &str, mut values: Value) -> Value {
        let (reply, answer) = mpsc::channel();
        let n = {
            let (last, waiting) = &mut *self.asked.lock().unwrap();
            *last += 1;
            waiting.insert(*last, reply);
            *last
        };
        values["ask"] = json!(what);
        values["n"] = json!(n);
        send_line(&values);
        answer.recv().unwrap_or_default()
    }

    /// Until the other side ends. What it asks runs beside the reading, signaling in its order.
    pub fn read(&self, asked: impl Fn(&str, &Value) -> Value + Send + Sync + 'static, signal: impl Fn(&Value)) {
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
                if let Some(reply) = self.asked.lock().unwrap().1.remove(&n) {
                    let _ = reply.send(message);
                }
            } else {
                signal(&message);
            }
        }
    }
}
