//! The bridge over plain HTTP: each row of the protocol's table, and what must not get through.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::DEADLINE;
use crate::web_support::{
    Browser, Poller, bridge_to, bridge_with, get, node_and_bridge, post, raw, request,
};

#[tokio::test]
async fn the_page_comes_with_a_policy_that_lets_nothing_else_in() {
    let (node, bridge) = node_and_bridge().await;
    let page = get(bridge.address, "/").await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));

    let html = String::from_utf8(page.body.clone()).unwrap();
    let script = html
        .split("src=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let plain = get(bridge.address, script).await;
    let gzip = [("Accept-Encoding", "gzip")];
    let small = request(bridge.address, &format!("GET {script}"), &gzip, "").await;
    assert_eq!((plain.status, small.status), (200, 200));
    assert!(plain.header("cache-control").unwrap().contains("immutable"));
    if plain.body.len() >= 512 {
        assert_eq!(small.header("content-encoding"), Some("gzip"));
        assert!(small.body.len() < plain.body.len());
    }
    let etag = page.header("etag").unwrap().to_owned();
    let known = [("If-None-Match", etag.as_str())];
    let again = request(bridge.address, "GET /", &known, "").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = request(bridge.address, "HEAD /", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));

    assert_eq!(get(bridge.address, "/nothing").await.status, 404);
    assert_eq!(get(bridge.address, "/../Cargo.toml").await.status, 404);
    assert_eq!(get(bridge.address, "/send").await.status, 405);
    assert_eq!(
        request(bridge.address, "DELETE /", &[], "").await.status,
        405
    );
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_poll_session_chats_with_a_client_of_the_node() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = node.user_in("alice", "lobby").await;
    let bob = Poller::open(bridge.address, "bob").await;
    assert_eq!(bob.session["user"], "bob");

    let answer = bob
        .post(json!([
            {"type": "join", "re": "j", "room": "lobby"},
            {"type": "typing", "room": "lobby", "on": true},
            {"type": "send", "re": 2, "room": "lobby", "text": "hello", "nonce": "n-1"},
        ]))
        .await;
    let frames = answer.frames();
    assert_eq!(frames.len(), 2, "{frames:?}");
    assert_eq!(
        (&frames[0]["type"], &frames[0]["re"]),
        (&json!("room"), &json!("j"))
    );
    assert_eq!(
        (&frames[1]["type"], &frames[1]["re"]),
        (&json!("sent"), &json!(2))
    );
    assert_eq!(alice.next("user_join").await["user"]["name"], "bob");
    assert_eq!(alice.next("new_message").await["text"], "hello");
    alice.say("lobby", "welcome").await;

    let mut texts = Vec::new();
    let mut after = 0;
    while texts.last().is_none_or(|text| text != "welcome") {
        let first = bob.poll(after, 25).await;
        let again = bob.poll(after, 0).await;
        let (first, again) = (first.frames(), (again.frames(), again.json()));
        assert_eq!(again.0[..first.len()], first[..], "the same frames again");
        let new = |frame: &&Value| frame["type"] == "new_message";
        texts.extend(
            again
                .0
                .iter()
                .filter(new)
                .map(|frame| frame["text"].clone()),
        );
        after = again.1["next"].as_u64().unwrap();
    }
    assert_eq!(texts, ["hello", "welcome"]);
    let from_the_start = bob.poll(0, 0).await.json();
    assert_eq!(from_the_start["next"], after);
    let heard = from_the_start["frames"].as_array().unwrap().iter();
    let heard: Vec<&Value> = heard
        .filter(|frame| frame["type"] == "new_message")
        .collect();
    assert_eq!(heard.len(), 2, "{heard:?}");
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn of_two_polls_the_newer_waits_and_the_older_is_answered() {
    let (node, bridge) = node_and_bridge().await;
    let bob = Poller::open(bridge.address, "bob").await;
    let mut older = std::pin::pin!(bob.poll(0, 30));
    // Each of these outdoes the one that waits, as soon as it does.
    let answered = timeout(DEADLINE / 2, async {
        loop {
            tokio::select! {
                older = older.as_mut() => return older,
                newer = bob.poll(0, 0) => assert_eq!(newer.status, 200),
            }
        }
    });
    let older = answered.await.expect("long before its 30 s are over");
    assert_eq!(older.frames(), [json!(null); 0]);
    assert_eq!(older.json()["next"], 0);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_message_in_one_call_gets_through_after_the_bridge_and_the_node_were_restarted() {
    let (node, bridge) = node_and_bridge().await;
    let call = |text: &str| json!({"name": "cron", "room": "ops", "text": text});
    post(bridge.address, call("first")).await.frames();
    bridge.stop().await;
    let node = node.restart().await;
    let bridge = bridge_to(&[node.node.listen]).await;
    let mut alice = node.user_in("alice", "ops").await;
    post(bridge.address, call("after the restart"))
        .await
        .frames();
    // Two bridges, or two addresses: nobody has the other's token.
    let other = bridge_to(&[node.node.listen]).await;
    let calls = ["at", "the", "same", "time"].map(call);
    let [one, two, three, four] = calls;
    let answers = tokio::join!(
        post(bridge.address, one),
        post(other.address, two),
        post(bridge.address, three),
        post(other.address, four),
    );
    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_eq!(answer.frames()[1]["type"], "sent");
    }
    // The room sees the messages, and nobody who comes or goes.
    for _ in 0..5 {
        assert_eq!(alice.next("new_message").await["from"], "cron");
    }
    let told = alice.so_far().await;
    assert!(
        told.iter().all(|frame| frame["type"] != "user_leave"),
        "{told:?}"
    );
    // It is no more than a name that was said: who comes as that is that.
    let cron = node.user("cron").await;
    let answers = post(bridge.address, call("x")).await.frames();
    assert_eq!(answers[0]["user"], "cron-2");
    drop(cron);
    bridge.stop().await;
    other.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_message_in_one_call_is_sent_as_the_same_user_each_time() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = node.user_in("alice", "ops").await;
    let call = json!({"name": "cron", "room": "ops", "text": "done", "nonce": "run-1"});
    let first = post(bridge.address, call.clone()).await.frames();
    assert_eq!(first[0]["type"], "session");
    assert_eq!(
        (&first[1]["type"], &first[1]["nonce"]),
        (&json!("sent"), &json!("run-1"))
    );
    assert_eq!(alice.next("new_message").await["from"], "cron");
    let again = post(bridge.address, call).await.frames();
    assert_eq!(again[1]["id"], first[1]["id"], "the same user and nonce");

    let token = first[0]["token"].as_str().unwrap();
    let call =
        json!({"name": "cron", "token": token, "room": "ops", "text": "done", "nonce": "run-1"});
    let with_token = post(bridge.address, call).await.frames();
    assert_eq!(with_token[1]["id"], first[1]["id"]);

    let direct = json!({"name": "cron", "room": "@alice", "text": "psst"});
    assert_eq!(
        post(bridge.address, direct).await.frames()[1]["type"],
        "sent"
    );
    let told = alice.next_where("psst", |f| f["text"] == "psst").await;
    assert_eq!(told["room"], "@cron");

    for (call, expected) in [
        (
            json!({"name": "cron", "room": "#", "text": "x"}),
            (400, "bad_room"),
        ),
        (
            json!({"name": "a b", "room": "ops", "text": "x"}),
            (400, "bad_name"),
        ),
        (
            json!({"name": "cron", "room": "ops", "text": " "}),
            (400, "empty_text"),
        ),
        (
            json!({"name": "alice", "room": "ops", "text": "x"}),
            (409, "name_taken"),
        ),
        (json!({"name": "cron", "room": "ops"}), (400, "bad_frame")),
        (
            json!({"name": "x", "token": "forged", "room": "ops", "text": "x"}),
            (401, "bad_token"),
        ),
        (
            json!({"name": "cron", "room": "@nobody", "text": "x"}),
            (404, "no_such_user"),
        ),
    ] {
        let (status, code) = post(bridge.address, call.clone()).await.refused();
        assert_eq!((status, code.as_str()), expected, "{call}");
    }
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn an_error_over_http_is_a_frame_with_a_status() {
    let (node, bridge) = node_and_bridge().await;
    let bob = Poller::open(bridge.address, "bob").await;
    bob.post(json!({"type": "join", "room": "lobby"}))
        .await
        .frames();
    for (frame, expected) in [
        (json!({"type": "fly"}), (400, "unknown_type")),
        (json!({"type": "send", "room": "lobby"}), (400, "bad_frame")),
        (
            json!({"type": "send", "room": "ops", "text": "x"}),
            (404, "no_such_room"),
        ),
        (
            json!({"type": "send", "room": "@nobody", "text": "x"}),
            (404, "no_such_user"),
        ),
        (
            json!({"type": "user_join", "name": "other"}),
            (400, "bad_frame"),
        ),
        (
            json!({"type": "delete", "room": "lobby", "id": "aaaa.n"}),
            (404, "no_such_message"),
        ),
    ] {
        let (status, code) = bob.post(frame.clone()).await.refused();
        assert_eq!((status, code.as_str()), expected, "{frame}");
    }
    // In an array each frame has its own answer.
    let mixed = bob
        .post(json!([{"type": "fly", "re": 1}, {"type": "ping", "re": 2}]))
        .await
        .frames();
    assert_eq!(
        (&mixed[0]["code"], &mixed[1]["type"]),
        (&json!("unknown_type"), &json!("pong"))
    );

    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_request_that_is_wrong_as_a_whole_is_refused_as_a_whole() {
    let (node, bridge) = node_and_bridge().await;
    let refused = async |body: &str, headers: &[(&str, &str)]| {
        let answer = request(bridge.address, "POST /send", headers, body).await;
        answer.refused()
    };
    let is = |answer: (u16, String), status: u16, code: &str| {
        assert_eq!(answer, (status, code.to_owned()));
    };
    is(refused("{", &[]).await, 400, "bad_json");
    is(refused("", &[]).await, 400, "bad_json");
    is(refused(r#"{"type":"rooms"}"#, &[]).await, 401, "not_joined");
    is(
        refused(r#"[{"type":"rooms"}]"#, &[]).await,
        401,
        "not_joined",
    );
    let forged = [("Authorization", "Bearer forged")];
    is(
        refused(r#"{"type":"rooms"}"#, &forged).await,
        401,
        "bad_token",
    );
    is(
        refused(&" ".repeat(65 * 1024), &[]).await,
        413,
        "line_too_long",
    );
    let stranger = request(bridge.address, "GET /poll", &forged, "").await;
    assert_eq!(stranger.refused(), (401, "bad_token".to_owned()));
    let odd = request(bridge.address, "GET /poll?after=x", &forged, "").await;
    assert_eq!(odd.refused(), (400, "bad_frame".to_owned()));
    let bytes = format!(
        "POST /send HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
        bridge.address
    );
    let not_utf8 = raw(bridge.address, &[bytes.as_bytes(), &[0xff, 0xfe]].concat()).await;
    assert_eq!(not_utf8.refused(), (400, "not_utf8".to_owned()));

    assert_eq!(
        post(bridge.address, json!({"type": "ping", "re": 9}))
            .await
            .frames()[0]["re"],
        9
    );
    assert_eq!(post(bridge.address, json!([])).await.frames().len(), 0);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_poll_session_that_quits_is_over() {
    let (node, bridge) = node_and_bridge().await;
    let bob = Poller::open(bridge.address, "bob").await;
    let farewell = bob.post(json!({"type": "quit"})).await.frames();
    assert_eq!(farewell[0]["type"], "disconnect");
    assert_eq!(
        bob.poll(0, 30).await.refused(),
        (401, "bad_token".to_owned())
    );
    // Its token goes on from there.
    let token = bob.session["token"].clone();
    let again = post(bridge.address, json!({"type": "user_join", "token": token})).await;
    assert_eq!(again.frames()[0]["uid"], bob.session["uid"]);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn pages_from_elsewhere_get_nothing_and_those_that_are_named_do() {
    let (node, bridge) = node_and_bridge().await;
    let address = bridge.address;
    let ping = r#"{"type":"ping"}"#;
    let from = async |origin: &str| {
        let headers = [("Origin", origin)];
        request(address, "POST /send", &headers, ping).await
    };
    assert_eq!(from(&format!("http://{address}")).await.status, 200);
    for foreign in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(from(foreign).await.refused(), (403, "forbidden".to_owned()));
        let socket = Browser::try_connect(address, &[("origin", foreign)]).await;
        assert!(socket.is_err(), "{foreign}");
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8080",
    ] {
        for line in ["GET /", "GET /health", "GET /metrics", "POST /send"] {
            let answer = request(address, line, &[("Host", host)], ping).await;
            assert_eq!(
                answer.refused(),
                (403, "forbidden".to_owned()),
                "{line} {host}"
            );
        }
    }
    let local = request(address, "GET /", &[("Host", "localhost:1")], "").await;
    assert_eq!(local.status, 200);
    bridge.stop().await;

    let named = "https://chat.example";
    let bridge = bridge_with(&[node.node.listen], |config| {
        config.origins = vec![named.to_owned()];
    })
    .await;
    let answer = request(bridge.address, "POST /send", &[("Origin", named)], ping).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(named));
    let asks = [("Origin", named), ("Access-Control-Request-Method", "POST")];
    let preflight = request(bridge.address, "OPTIONS /send", &asks, "").await;
    assert_eq!(preflight.status, 204);
    assert!(
        preflight
            .header("access-control-allow-headers")
            .unwrap()
            .contains("authorization")
    );
    let host = request(bridge.address, "GET /", &[("Host", "chat.example")], "").await;
    assert_eq!(host.status, 200);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn health_says_which_nodes_are_up() {
    let (node, bridge) = node_and_bridge().await;
    let health = async |bridge: &chat::web::Bridge, wanted: &str| {
        timeout(DEADLINE, async {
            loop {
                let answer = get(bridge.address, "/health").await;
                if answer.json()["status"] == wanted {
                    return answer;
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("never {wanted}"))
    };
    let ok = health(&bridge, "ok").await;
    assert_eq!(ok.status, 200);
    let seen = &ok.json()["nodes"][0];
    assert_eq!((&seen["name"], &seen["up"]), (&json!("n1"), &json!(true)));
    assert_eq!(seen["address"], node.node.listen.to_string());
    assert!(seen["rtt_us"].as_u64().unwrap() > 0);
    let metrics = get(bridge.address, "/metrics").await;
    let text = String::from_utf8(metrics.body).unwrap();
    assert!(text.contains("chat_web_link_up 1"), "{text}");
    bridge.stop().await;

    let nobody = "127.0.0.1:1".parse().unwrap();
    let half = bridge_to(&[nobody, node.node.listen]).await;
    assert_eq!(health(&half, "degraded").await.status, 200);
    half.stop().await;
    let none = bridge_to(&[nobody]).await;
    let down = health(&none, "down").await;
    assert_eq!(
        (down.status, &down.json()["nodes"][0]["up"]),
        (503, &json!(false))
    );
    none.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn without_a_node_a_request_is_answered_unavailable_in_the_end() {
    let bridge = bridge_to(&["127.0.0.1:1".parse().unwrap()]).await;
    let answer = post(bridge.address, json!({"type": "user_join", "name": "bob"})).await;
    assert_eq!(answer.refused(), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    bridge.stop().await;
}

#[tokio::test]
async fn a_bridge_with_another_secret_is_refused_and_says_so() {
    let (node, bridge) = node_and_bridge().await;
    let stranger = bridge_with(&[node.node.listen], |config| {
        config.secret = chat::protocol::secret::Secret::new(&[b'x'; 32]).unwrap();
    })
    .await;
    let refused = async {
        loop {
            let answer = get(stranger.address, "/health").await;
            if answer.json()["message"].is_string() {
                return answer;
            }
        }
    };
    let refused = timeout(DEADLINE, refused).await.unwrap();
    assert_eq!(
        (refused.status, &refused.json()["status"]),
        (503, &json!("down"))
    );
    // Nobody else is disturbed.
    Browser::user_in(bridge.address, "alice", "lobby").await;
    stranger.stop().await;
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn nonsense_on_the_port_ends_nothing_but_its_own_connection() {
    let (node, bridge) = node_and_bridge().await;
    let mut alice = Browser::user_in(bridge.address, "alice", "lobby").await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"POST /send HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n",
        &[b'A'; 100_000],
    ] {
        let mut stream = TcpStream::connect(bridge.address).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = timeout(DEADLINE, stream.read_to_end(&mut answer))
            .await
            .unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
    alice.say("lobby", "still here").await;
    bridge.stop().await;
    node.stop().await;
}
