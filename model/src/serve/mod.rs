//! The very files of the server, with locks and threads that the model checker decides about.

#[path = "../../../server/src/serve/crew.rs"]
pub(crate) mod crew;

#[path = "../../../server/src/serve/mailbox.rs"]
pub(crate) mod mailbox;
#[path = "../../../server/src/serve/pool.rs"]
pub(crate) mod pool;

#[path = "../../../server/src/serve/baton.rs"]
pub(crate) mod baton;

pub(crate) mod sync;
