//! `user_join`: who somebody is.

use crate::node::names::{Stay, new_uid};
use crate::node::presence::SessionId;
use crate::node::rooms::ChannelKey;
use crate::node::session::{Answer, Effect, Handling, Session};
use crate::node::shared::Shared;
use crate::protocol::presence::UserRecord;
use crate::protocol::server::{self, Role};
use crate::protocol::{Claim, ErrorCode, Re, Refusal, ServerFrame, Ts};

pub(super) fn user_join(
    session: &mut Session,
    re: Option<Re>,
    claim: Claim,
    admin: Option<String>,
    brief: bool,
) -> Handling {
    if session.is_open() {
        let message = "this session has its user already; open another connection for another one";
        return Handling::refused(re, Refusal::new(ErrorCode::BadFrame, message));
    }
    let shared = session.shared();
    if let Some(said) = &admin
        && !shared.admin.is(said)
    {
        let message =
            "that is not this node's administrator token; it is in the node's data folder";
        return Handling::refused(re, Refusal::new(ErrorCode::Forbidden, message));
    }
    let now = shared.now();
    let stay = if brief { Stay::Brief } else { Stay::Kept };
    let new = matches!(claim, Claim::Name { .. });
    let record = match identify(shared, session.id(), claim, stay, now) {
        Ok(record) => record,
        Err(refusal) => return Handling::refused(re, refusal),
    };
    let admin = admin.is_some();
    let answer = ServerFrame::Session(server::Session {
        re,
        user: record.name.as_str().to_owned(),
        uid: record.uid.clone(),
        guest: true,
        role: if admin { Role::Admin } else { Role::User },
        token: shared.tokens.issue(&record, now),
        node: shared.config.name.clone(),
        poll: None,
    });
    let personal = shared.hub.enter(&ChannelKey::Personal(record.uid.clone()));
    shared.remember(vec![record.clone()]);
    session.open(record.uid, admin, stay, new);
    Handling::Now(Answer::frame(answer).and(Effect::Enter(personal)))
}

/// Finds or makes the user, and puts it among those who are here, in one step: nobody else gets the
/// name in between. One whose session is brief is not among them.
fn identify(
    shared: &Shared,
    session: SessionId,
    claim: Claim,
    stay: Stay,
    now: Ts,
) -> Result<UserRecord, Refusal> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| {
        let message = format!("no random numbers for a new user: {error}");
        Refusal::new(ErrorCode::Internal, message)
    })?;
    shared.change_people(|people| {
        let found = match claim {
            Claim::Name {
                password: Some(_), ..
            } => Err(Refusal::new(
                ErrorCode::Forbidden,
                "this node has no accounts: join without a password",
            )),
            Claim::Name {
                name,
                password: None,
            } => people
                .names
                .claim(&new_uid(random), &name, stay, &people.presence, now),
            Claim::Token { token, name } => {
                let last_seen = |uid: &crate::protocol::Uid| people.names.last_seen(uid);
                shared
                    .tokens
                    .check(&token, now, last_seen)
                    .and_then(|user| {
                        people
                            .names
                            .reclaim(&user, name.as_ref(), stay, &people.presence, now)
                    })
            }
        };
        let notices = match (&found, stay) {
            (Ok(record), Stay::Kept) => {
                let key = people.names.key_of(&record.uid).cloned();
                let key = key.unwrap_or_else(|| record.name.key());
                people.presence.open_as(session, record, key)
            }
            (Ok(_), Stay::Brief) | (Err(_), _) => Vec::new(),
        };
        (found, notices)
    })
}
