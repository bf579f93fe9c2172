//! Who is in which room, and who speaks there.

use std::io;

use crate::track::STREAMS_MAX;

/// A run's connections. They are numbered; a stream is what one speaker says in one room.
pub enum Layout {
    /// All in one room: subscribers, and after them publishers, each with a stream.
    OneRoom {
        room: String,
        subscribers: usize,
        publishers: usize,
    },
    /// Sessions that are each in several rooms: each room is a stream, its first member speaks.
    ManyRooms {
        prefix: String,
        rooms: usize,
        members: usize,
        sessions: usize,
    },
}

/// What one connection does.
pub struct Part {
    pub rooms: Vec<String>,
    /// Its number among those whom a message is due at; None for a publisher beside them.
    pub seat: Option<usize>,
}

impl Layout {
    /// Sessions in rooms of `members`, each in as many rooms as the others, and each room with
    /// other members than its neighbours.
    ///
    /// # Errors
    /// When the numbers do not come out even.
    pub fn many_rooms(
        prefix: String,
        rooms: usize,
        members: usize,
        sessions: usize,
    ) -> io::Result<Layout> {
        let even = members > 0
            && sessions >= members
            && sessions.is_multiple_of(members)
            && rooms.is_multiple_of(sessions / members);
        if !even || rooms > STREAMS_MAX {
            return Err(io::Error::other(format!(
                "{sessions} sessions cannot be spread evenly over {rooms} rooms of {members}"
            )));
        }
        Ok(Layout::ManyRooms {
            prefix,
            rooms,
            members,
            sessions,
        })
    }

    pub fn connections(&self) -> usize {
        match self {
            Layout::OneRoom {
                subscribers,
                publishers,
                ..
            } => subscribers + publishers,
            Layout::ManyRooms { sessions, .. } => *sessions,
        }
    }

    pub fn streams(&self) -> usize {
        match self {
            Layout::OneRoom { publishers, .. } => *publishers,
            Layout::ManyRooms { rooms, .. } => *rooms,
        }
    }

    /// At how many connections each message is due.
    pub fn seats(&self) -> usize {
        match self {
            Layout::OneRoom { subscribers, .. } => *subscribers,
            Layout::ManyRooms { members, .. } => *members,
        }
    }

    pub fn part(&self, connection: usize) -> Part {
        match self {
            Layout::OneRoom {
                room, subscribers, ..
            } => {
                let listens = connection < *subscribers;
                Part {
                    rooms: vec![room.clone()],
                    seat: listens.then_some(connection),
                }
            }
            Layout::ManyRooms {
                prefix,
                rooms,
                members,
                sessions,
            } => {
                // Layers of rooms, in each of which every session is once: at its own seat, and a
                // layer further at the same seat it is next to other sessions.
                let width = sessions / members;
                let (seat, column) = (connection / width, connection % width);
                let rooms = (0..rooms / width).map(|layer| {
                    let shift = seat * layer % width;
                    let room = layer * width + (column + width - shift) % width;
                    format!("{prefix}-{room}")
                });
                Part {
                    rooms: rooms.collect(),
                    seat: Some(seat),
                }
            }
        }
    }

    /// The connection that a stream's messages are sent by, and in which of its rooms.
    pub fn speaker(&self, stream: usize) -> (usize, usize) {
        match self {
            Layout::OneRoom { subscribers, .. } => (subscribers + stream, 0),
            Layout::ManyRooms {
                members, sessions, ..
            } => {
                let width = sessions / members;
                (stream % width, stream / width)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn each_room_has_one_member_at_each_seat_and_its_speaker_among_them() {
        let layout = Layout::many_rooms("r".into(), 60, 4, 40).unwrap();
        let mut seats: HashMap<String, Vec<usize>> = HashMap::new();
        for connection in 0..layout.connections() {
            let part = layout.part(connection);
            assert_eq!(part.rooms.len(), 6);
            for room in part.rooms {
                seats.entry(room).or_default().extend(part.seat);
            }
        }
        assert_eq!(seats.len(), 60);
        assert!(seats.values().all(|seats| *seats == [0, 1, 2, 3]));
        for stream in 0..layout.streams() {
            let (connection, room) = layout.speaker(stream);
            let part = layout.part(connection);
            assert_eq!(part.seat, Some(0));
            assert_eq!(part.rooms[room], format!("r-{stream}"));
        }
    }

    #[test]
    fn rooms_that_cannot_be_even_are_refused() {
        assert!(Layout::many_rooms("r".into(), 7, 4, 40).is_err());
        assert!(Layout::many_rooms("r".into(), 10, 3, 40).is_err());
    }
}
