//! str0m under the workloads of ../README.md. It is sans-IO: one thread drives all connections of the process, each with
//! a socket of its own, since two processes with one socket each could not tell their connections apart.
mod connection;
mod link;

use connection::Connection;
use linnet_bench_common::{Counts, Load, Pings, Stack, run};
use mio::{Events, Interest, Poll, Token, Waker};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const WAKE: Token = Token(usize::MAX);
/// So many reads of one socket, then it is the others' turn.
const READS: usize = 16;

type Command = Box<dyn FnOnce(&mut Loop) + Send>;

struct Loop {
    poll: Poll,
    connections: HashMap<i64, (Connection, Option<Instant>)>,
    deadlines: BTreeSet<(Instant, i64)>,
    buffer: Vec<u8>,
    counts: Arc<Counts>,
}

impl Loop {
    fn run(mut self, commands: mpsc::Receiver<Command>) {
        let mut events = Events::with_capacity(1024);
        // Sockets that may have more.
        let mut ready = Vec::new();
        loop {
            for command in commands.try_iter() {
                command(&mut self);
            }
            let due: Vec<_> = self.deadlines.range(..=(Instant::now(), i64::MAX)).map(|(_, c)| *c).collect();
            for c in due {
                self.change(c, Connection::time_out);
            }
            let wait = self.deadlines.first().map(|(at, _)| at.saturating_duration_since(Instant::now()));
            let wait = if ready.is_empty() { wait } else { Some(Duration::ZERO) };
            if self.poll.poll(&mut events, wait).is_err() {
                continue;
            }
            ready.extend(events.iter().filter(|event| event.token() != WAKE).map(|event| event.token().0 as i64));
            ready.retain(|c| self.read(*c));
            ready.sort_unstable();
            ready.dedup();
        }
    }

    /// Whether there may be more.
    fn read(&mut self, c: i64) -> bool {
        let Some((connection, _)) = self.connections.get_mut(&c) else { return false };
        let mut reads = 0;
        while reads < READS {
            let Some((from, size, stride)) = connection.link.receive(&mut self.buffer) else { break };
            reads += 1;
            for datagram in self.buffer[..size].chunks(stride) {
                connection.receive(from, datagram);
                connection.drain();
            }
            connection.link.flush();
        }
        self.change(c, |_| {});
        reads == READS
    }

    /// One change of one connection, and all that follows from it.
    fn change<T>(&mut self, c: i64, what: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        let (connection, deadline) = self.connections.get_mut(&c)?;
        let result = what(connection);
        let next = connection.drain();
        connection.link.flush();
        if next != *deadline {
            deadline.map(|at| self.deadlines.remove(&(at, c)));
            next.map(|at| self.deadlines.insert((at, c)));
            *deadline = next;
        }
        Some(result)
    }

    fn create(&mut self, c: i64) -> Result<(), String> {
        let mut connection = Connection::new(c, self.counts.clone())?;
        self.poll.registry().register(&mut connection.link.socket, Token(c as usize), Interest::READABLE).map_err(|error| error.to_string())?;
        self.connections.insert(c, (connection, None));
        Ok(())
    }

    fn remove(&mut self, c: i64) {
        self.change(c, Connection::close);
        if let Some((_, Some(at))) = self.connections.remove(&c) {
            self.deadlines.remove(&(at, c));
        }
    }
}

/// The other threads' side of the loop.
struct Str0m {
    commands: mpsc::Sender<Command>,
    waker: Waker,
}

impl Str0m {
    fn tell(&self, command: impl FnOnce(&mut Loop) + Send + 'static) {
        let _ = self.commands.send(Box::new(command));
        let _ = self.waker.wake();
    }

    /// Tells the loop to do what answers to the sender it gets, and waits for that.
    fn ask<T: Send + 'static>(&self, command: impl FnOnce(&mut Loop, mpsc::Sender<T>) + Send + 'static) -> Option<T> {
        let (done, result) = mpsc::channel();
        self.tell(move |own| command(own, done));
        result.recv().ok()
    }
}

fn gone<T>() -> Result<T, String> {
    Err("the connection is gone".into())
}

impl Stack for Str0m {
    const NAME: &str = "str0m";
    const VERSION: &str = "0.25.0 (aws-lc-rs)";

    fn new(counts: Arc<Counts>) -> Self {
        str0m::crypto::from_feature_flags().install_process_default();
        let poll = Poll::new().expect("epoll");
        let waker = Waker::new(poll.registry(), WAKE).expect("an eventfd");
        let (commands, received) = mpsc::channel();
        let own = Loop { poll, connections: HashMap::new(), deadlines: BTreeSet::new(), buffer: vec![0; 1 << 16], counts };
        std::thread::spawn(move || own.run(received));
        Str0m { commands, waker }
    }

    fn connect(&self, c: i64, label: &str, count: usize) -> Result<(), String> {
        let label = label.to_owned();
        let command = move |own: &mut Loop, done: connection::Done| match own.create(c) {
            Ok(()) => {
                own.change(c, |connection| connection.offer(&label, count, done));
            }
            Err(why) => {
                let _ = done.send(Err(why));
            }
        };
        self.ask(command).unwrap_or_else(gone)
    }

    fn signal(&self, message: &Value) {
        let (c, message) = (message["c"].as_i64().unwrap_or(0), message.clone());
        self.tell(move |own| {
            let created = if message["type"] == "offer" { own.create(c) } else { Ok(()) };
            let signaled = created.and_then(|()| own.change(c, |connection| connection.signal(&message)).unwrap_or(Ok(())));
            if let Err(why) = signaled {
                eprintln!("connection {c}: {why}");
            }
        });
    }

    fn close(&self, c: i64) {
        self.ask(move |own, done| {
            own.remove(c);
            let _ = done.send(());
        });
    }

    fn fill(&self, c: i64, load: Arc<Load>) {
        self.tell(move |own| {
            own.change(c, |connection| connection.fill(load));
        });
    }

    fn ping(&self, c: i64, pings: Pings) -> Vec<f64> {
        let done = self.ask(move |own, done| {
            own.change(c, |connection| connection.ping(pings, done));
        });
        done.map(Pings::times).unwrap_or_default()
    }

    fn open(&self, c: i64, count: usize) -> Result<(), String> {
        let command = move |own: &mut Loop, done| {
            own.change(c, |connection| connection.open(count, done));
        };
        self.ask(command).unwrap_or_else(gone)
    }
}

fn main() -> ! {
    run::<Str0m>()
}
