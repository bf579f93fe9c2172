//! Edits, deletions, reactions and topics of this node's users.

use super::*;

impl Story {
    fn message(&self, id: &MessageId) -> Message {
        let found = self.store.read_blocking(|reader| reader.message(id));
        found.unwrap().unwrap()
    }

    fn topic(&self) -> String {
        let found = self.store.read_blocking(|reader| reader.topic(&lobby()));
        found.unwrap().map_or(String::new(), |topic| topic.topic)
    }
}

#[tokio::test]
async fn an_edit_a_reaction_and_a_deletion_are_seen_in_the_message() {
    let mut story = Story::begin("n1");
    let id = story.say("helo").await.id;
    let edit = story
        .do_it(deed(ALICE, "e", edited(&id, "hello")))
        .await
        .unwrap();
    assert_eq!(edit.id, id);
    story
        .do_it(deed(BOB, "r", reacted(&id, "👍", true)))
        .await
        .unwrap();
    let message = story.message(&id);
    assert_eq!(
        (message.text.as_deref(), message.edited),
        (Some("hello"), Some(edit.place.ts))
    );
    assert_eq!(message.reactions["👍"], ["bob"]);
    story.do_it(deed(ALICE, "d", deleted(&id))).await.unwrap();
    let message = story.message(&id);
    assert_eq!(
        (message.text, message.edited, message.deleted),
        (None, None, true)
    );
    assert!(message.reactions.is_empty());
    let kinds: Vec<_> = story
        .committed()
        .into_iter()
        .map(|c| match c.outcome {
            Outcome::Message(_) => "message",
            Outcome::Updated {
                kind: UpdateKind::Edit,
                ..
            } => "edit",
            Outcome::Updated {
                kind: UpdateKind::Reactions,
                ..
            } => "reactions",
            Outcome::Updated {
                kind: UpdateKind::Delete,
                ..
            } => "delete",
            Outcome::Early(_) | Outcome::Moved(_) | Outcome::Topic | Outcome::Hidden => "other",
        })
        .collect();
    assert_eq!(kinds, ["message", "edit", "reactions", "delete"]);
}

#[tokio::test]
async fn a_reaction_is_one_of_each_user_and_emoji_and_can_be_taken_back() {
    let mut story = Story::begin("n1");
    let id = story.say("x").await.id;
    for (n, (by, emoji, on)) in [
        (BOB, "👍", true),
        (BOB, "👍", true),
        (ALICE, "👍", true),
        (BOB, "🎉", true),
        (BOB, "🎉", false),
    ]
    .into_iter()
    .enumerate()
    {
        let nonce = n.to_string();
        let react = deed(by, &nonce, reacted(&id, emoji, on));
        story.do_it(react).await.unwrap();
    }
    let reactions = story.message(&id).reactions;
    assert_eq!(reactions.len(), 1);
    assert_eq!(reactions["👍"], ["bob", "alice"]);
}

#[tokio::test]
async fn only_the_writer_changes_a_message_and_only_where_it_is() {
    let mut story = Story::begin("n1");
    let id = story.say("mine").await.id;
    let edit = story.do_it(deed(BOB, "e", edited(&id, "his"))).await;
    assert_eq!(edit, Err(StoreError::Forbidden));
    let delete = story.do_it(deed(BOB, "d", deleted(&id))).await;
    assert_eq!(delete, Err(StoreError::Forbidden));
    let unknown = super::id(ALICE, "never-sent");
    let edit = story.do_it(deed(ALICE, "u", edited(&unknown, "?"))).await;
    assert_eq!(edit, Err(StoreError::NoSuchMessage));
    let mut elsewhere = deed(BOB, "r", reacted(&id, "👍", true));
    elsewhere.room = RoomKey::Room(RoomName::parse("ops").unwrap());
    assert_eq!(
        story.do_it(elsewhere).await,
        Err(StoreError::NoSuchMessage),
        "no peeping into rooms by their messages"
    );
    assert_eq!(story.texts(), ["mine"]);
    assert_eq!(story.committed().len(), 1, "nothing of it is logged");
}

#[tokio::test]
async fn a_deleted_message_is_not_there_any_more() {
    let mut story = Story::begin("n1");
    let id = story.say("x").await.id;
    story.do_it(deed(ALICE, "d", deleted(&id))).await.unwrap();
    for (nonce, body) in [
        ("e", edited(&id, "y")),
        ("d2", deleted(&id)),
        ("r", reacted(&id, "👍", true)),
    ] {
        let refused = story.do_it(deed(ALICE, nonce, body)).await;
        assert_eq!(refused, Err(StoreError::NoSuchMessage));
    }
    let again = story.do_it(deed(ALICE, "d", deleted(&id))).await.unwrap();
    assert!(again.repeated, "the same deed is answered as before");
}

#[tokio::test]
async fn an_update_has_a_nonce_of_its_own_and_counts_once() {
    let mut story = Story::begin("n1");
    let id = story.do_it(deed(ALICE, "n", said("x"))).await.unwrap().id;
    let first = story
        .do_it(deed(ALICE, "n", edited(&id, "y")))
        .await
        .unwrap();
    assert!(!first.repeated, "a message's nonce is not an edit's");
    let again = story
        .do_it(deed(ALICE, "n", edited(&id, "z")))
        .await
        .unwrap();
    assert_eq!(
        again,
        Placed {
            repeated: true,
            ..first
        }
    );
    assert_eq!(story.texts(), ["y"]);
}

#[tokio::test]
async fn the_last_topic_counts() {
    let mut story = Story::begin("n1");
    for (nonce, topic) in [("1", "deploys"), ("2", "incidents")] {
        let topic = Body::Topic {
            topic: topic.to_owned(),
        };
        story.do_it(deed(ALICE, nonce, topic)).await.unwrap();
    }
    assert_eq!(story.topic(), "incidents");
    assert!(
        story
            .committed()
            .iter()
            .all(|c| c.outcome == Outcome::Topic)
    );
    let rooms = story.store.read_blocking(|reader| reader.rooms()).unwrap();
    assert_eq!(
        rooms,
        [RoomSummary {
            room: lobby(),
            topic: "incidents".to_owned(),
            last: Ts(0)
        }]
    );
}
