//! A node that answers as it should, but for what it says in every text.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
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

/// The node, on a port of its own, until the test is over.
pub struct Server {
    pub address: SocketAddr,
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
}

impl Server {
    pub fn start(answers: Answers) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared {
            stream: None,
            payload: Vec::new(),
            valid: true,
            step: 0,
            answers,
            now: 0,
        }));
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Server { address, shared }
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
        shared.stream = Some(stream.try_clone().unwrap());
        let hello = json!({"type": "connect", "protocol": 1, "server": "chat/0", "node": "n1", "time": 0,
            "limits": {"line": 65536, "text": 4000, "name": 32, "room": 48, "history": 200}});
        let line = shared.line(&hello);
        let _ = out.write_all(&line);
    }
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let Ok(asked) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let mut shared = shared.lock().unwrap();
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
