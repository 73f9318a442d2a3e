//! Clients that do at random what clients do: connect, ask, pipeline, leave in the middle, end their
//! side, come back.

use std::net::SocketAddr;

use crate::{Client, Random, get, post};

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Soaked {
    /// Whole requests that were sent by clients who waited for the answer; each was answered once.
    pub answered: u64,
    /// Connections made.
    pub connections: u64,
    /// Connections left in the middle of something: a head, a body, an answer.
    pub aborted: u64,
    /// Connections whose client ended its side before it read its answers.
    pub half_closed: u64,
}

impl Soaked {
    /// Adds what came of others.
    pub fn add(&mut self, other: Soaked) {
        self.answered += other.answered;
        self.connections += other.connections;
        self.aborted += other.aborted;
        self.half_closed += other.half_closed;
    }
}

/// One client that goes on until so many of its requests have been answered.
///
/// # Panics
/// When an answer is missing, is another one's, or is there twice.
pub fn soak(address: SocketAddr, seed: u64, requests: u64) -> Soaked {
    let mut random = Random::new(seed);
    let mut soaked = Soaked::default();
    while soaked.answered < requests {
        let mut client = Client::connect(address);
        soaked.connections += 1;
        for round in 0..1 + random.below(8) {
            let (batch, paths) =
                batch(&mut random, &format!("/{seed}/{}/{round}", soaked.connections));
            match random.below(20) {
                // Leaves in the middle of what it sends.
                0 => {
                    let cut = random.below(batch.len() as u64) as usize;
                    let _ = client.try_send(&batch[..cut]);
                    leave(client, &mut random);
                    soaked.aborted += 1;
                    break;
                }
                // Leaves without its answers.
                1 => {
                    let _ = client.try_send(&batch);
                    leave(client, &mut random);
                    soaked.aborted += 1;
                    break;
                }
                // Has nothing more to say, and listens to the end.
                2 => {
                    client.send(&batch).end_writing();
                    soaked.answered += expect(&mut client, &paths);
                    client.expect_closed();
                    soaked.half_closed += 1;
                    break;
                }
                // Sends byte by byte.
                3 => {
                    client.send_pieces(batch.as_bytes().chunks(1 + random.below(40) as usize));
                    soaked.answered += expect(&mut client, &paths);
                }
                _ => {
                    client.send(&batch);
                    soaked.answered += expect(&mut client, &paths);
                }
            }
        }
    }
    soaked
}

/// Some requests in one piece, and what their answers have to say.
fn batch(random: &mut Random, prefix: &str) -> (String, Vec<(String, usize)>) {
    let mut text = String::new();
    let mut answers = Vec::new();
    for n in 0..1 + random.below(4) {
        let path = format!("{prefix}/{n}");
        let length = match random.below(6) {
            0 => random.below(2000) as usize,
            1 if random.below(20) == 0 => random.below(200_000) as usize,
            _ => 0,
        };
        text += &match length {
            0 => get(&path),
            length => post(&path, &"b".repeat(length)).replacen("POST", "PUT", 1),
        };
        answers.push((path, length));
    }
    (text, answers)
}

/// Insists on these answers, and counts them.
fn expect(client: &mut Client, answers: &[(String, usize)]) -> u64 {
    for (path, length) in answers {
        let expected = match length {
            0 => format!("hello {path}\n"),
            length => format!("{path} {length}"),
        };
        assert_eq!(client.reply().brief(), (200, expected.as_str()));
    }
    answers.len() as u64
}

fn leave(client: Client, random: &mut Random) {
    match random.below(2) {
        0 => client.reset(),
        _ => drop(client),
    }
}
