use super::*;

/// Feeds `data` byte by byte, keeping what is not used, as the engine does.
fn drip(session: &mut Session, data: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut seen, mut out, mut pending) = (Vec::new(), Vec::new(), Vec::new());
    for &byte in data {
        pending.push(byte);
        let used = session.feed(&pending, &mut out, &mut |event| {
            seen.push(match event {
                Event::Ready => "ready".to_owned(),
                Event::Message(message) => format!("message {}", text(message)),
                Event::Ack { copies } => format!("ack {copies}"),
                Event::Error(error) => format!("error {error}"),
            });
        });
        pending.drain(..used);
    }
    assert!(pending.is_empty());
    (seen, out)
}

fn session(proto: Proto) -> Session {
    let rooms = vec!["r".to_owned(), "s".to_owned()];
    Session::new(proto, "me".into(), rooms, true, false)
}

#[test]
fn irc_joins_answers_pings_and_finds_messages() {
    let data = b":s 001 me :hi\r\n:s 366 me #r :End\r\n:s 366 me #s :End\r\nPING :x\r\n\
        :a!b@c PRIVMSG #r :yo\r\n";
    let (seen, out) = drip(&mut session(Proto::Irc), data);
    assert_eq!(seen, ["ready", "message  PRIVMSG #r :yo\r"]);
    assert_eq!(out, b"JOIN #r\r\nJOIN #s\r\nPONG :x\r\n");
}

#[test]
fn redis_takes_arrays() {
    let data =
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\nr\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\ns\r\n:2\r\n\
        *3\r\n$7\r\nmessage\r\n$1\r\nr\r\n$2\r\nhi\r\n";
    let mut session = session(Proto::Redis);
    session.start(&mut Vec::new());
    assert_eq!(drip(&mut session, data).0, ["ready", "message hi"]);
}

#[test]
fn our_protocol_on_both_transports() {
    let frames = [
        r#"{"type":"connect","protocol":1}"#,
        r#"{"type":"session"}"#,
        r#"{"type":"room","room":"r"}"#,
        r#"{"type":"room","room":"s"}"#,
        r#"{"type":"sent","seq":7,"copies":2}"#,
        r#"{"type":"new_message","text":"hi"}"#,
    ];
    let want = [
        "ready",
        "ack 2",
        r#"message {"type":"new_message","text":"hi"}"#,
    ];
    let lines = format!("{}\n", frames.join("\n"));
    let (seen, out) = drip(&mut session(Proto::Ndjson), lines.as_bytes());
    assert_eq!(seen, want);
    assert!(out.ends_with(b"{\"type\":\"join\",\"room\":\"s\",\"limit\":1}\n"));
    let mut data = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
    for frame in frames {
        data.extend_from_slice(&[0x81, frame.len() as u8]);
        data.extend_from_slice(frame.as_bytes());
    }
    assert_eq!(drip(&mut session(Proto::Ws), &data).0, want);
}
