//! A node that answers as it should, but for what it says in every text.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::payloads::Payload;

/// Stands for the payload, in whichever field.
pub const HERE: &str = "@@HERE@@";

/// Stands for the number of the step.
pub const STEP: &str = "@@STEP@@";

/// Stands for a moment later than all before.
pub const NOW: &str = "@@NOW@@";

/// What it is asked for and how it answers: frames with [`HERE`] where the payload goes.
pub type Answers = fn(&Value) -> Vec<Value>;

/// The node, on ports of its own, until the test is over.
pub struct Server {
    /// Where it is reached, the first one first.
    pub addresses: Vec<SocketAddr>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    /// The newest connection.
    stream: Option<TcpStream>,
    payload: Vec<u8>,
    valid: bool,
    step: usize,
    answers: Answers,
    /// Microseconds.
    now: u128,
    /// The node's name.
    node: &'static str,
}

impl Server {
    pub fn start(answers: Answers) -> Server {
        Server::start_at(1, "n1", answers)
    }

    /// A node of that name, at so many addresses.
    pub fn start_at(addresses: usize, node: &'static str, answers: Answers) -> Server {
        let listeners: Vec<TcpListener> = (0..addresses)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let addresses = listeners.iter().map(|at| at.local_addr().unwrap());
        let addresses = addresses.collect();
        let shared = Arc::new(Mutex::new(Shared {
            stream: None,
            payload: Vec::new(),
            valid: true,
            step: 0,
            answers,
            now: 0,
            node,
        }));
        for listener in listeners {
            let accepting = Arc::clone(&shared);
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let shared = Arc::clone(&accepting);
                    std::thread::spawn(move || serve(stream, &shared));
                }
            });
        }
        Server { addresses, shared }
    }

    /// Ends the newest connection with these last words.
    pub fn hang_up(&self, last: &[Value]) {
        let mut shared = self.shared.lock().unwrap();
        let lines: Vec<Vec<u8>> = last.iter().map(|frame| shared.line(frame)).collect();
        if let Some(mut stream) = shared.stream.take() {
            let _ = stream.write_all(&lines.concat());
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// From now on everything says this.
    pub fn turn(&self, step: usize, payload: &Payload) {
        let mut shared = self.shared.lock().unwrap();
        shared.step = step;
        shared.payload = payload.wire.clone();
        shared.valid = payload.valid;
    }

    /// Whether frames with the payload are JSON.
    pub fn is_valid(&self) -> bool {
        self.shared.lock().unwrap().valid
    }

    /// Says something that nobody asked for. What is no JSON is a line all the same.
    pub fn push(&self, frames: &[Value]) {
        let mut shared = self.shared.lock().unwrap();
        let lines: Vec<Vec<u8>> = frames.iter().map(|frame| shared.line(frame)).collect();
        if let Some(stream) = &mut shared.stream {
            let _ = stream.write_all(&lines.concat());
        }
    }
}

impl Shared {
    fn line(&mut self, frame: &Value) -> Vec<u8> {
        let text = frame.to_string().replace(STEP, &self.step.to_string());
        let now = UNIX_EPOCH.elapsed().unwrap().as_micros();
        self.now = now.max(self.now + 1);
        let text = text.replace(&format!("\"{NOW}\""), &self.now.to_string());
        let mut line = Vec::new();
        for (at, part) in text.split(HERE).enumerate() {
            if at > 0 {
                line.extend_from_slice(&self.payload);
            }
            line.extend_from_slice(part.as_bytes());
        }
        line.push(b'\n');
        line
    }
}

fn serve(stream: TcpStream, shared: &Mutex<Shared>) {
    let mut out = stream.try_clone().unwrap();
    {
        let mut shared = shared.lock().unwrap();
        let hello = json!({"type": "connect", "protocol": 1, "server": "chat/0", "node": shared.node, "time": 0,
            "limits": {"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200}});
        let line = shared.line(&hello);
        let _ = out.write_all(&line);
    }
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let Ok(asked) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let mut shared = shared.lock().unwrap();
        // The client looks at each address when it starts, and stays at one.
        if asked["type"] == "user_join" {
            shared.stream = out.try_clone().ok();
        }
        for mut answer in (shared.answers)(&asked) {
            if !asked["re"].is_null() {
                answer["re"] = asked["re"].clone();
            }
            if out.write_all(&shared.line(&answer)).is_err() {
                return;
            }
        }
    }
}
