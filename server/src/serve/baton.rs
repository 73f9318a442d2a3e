//! Lends a loop while a handler runs.
//!
//! Who drives a loop and is about to call a handler puts the loop here first, and takes it back
//! afterwards. If the handler takes long, somebody else takes the loop meanwhile; the lender finds
//! that out when it comes back.
//!
//! ```text
//!            lend                      take, by the lender
//!   driven ───────▶ lent, number n ──────────────────────────▶ driven
//!                        │ take, by whom the watch has sent
//!                        └──────────────────────────────────▶ driven by another
//! ```

use crate::serve::sync::{AtomicU64, Mutex, Ordering, lock};

/// The place of one loop while it is lent.
pub(crate) struct Baton<L> {
    slot: Mutex<Slot<L>>,
    /// The number of the loan that is open, or was last: read without the lock, as a hint.
    open: AtomicU64,
}

struct Slot<L> {
    /// Nobody's while it is here.
    home: Option<L>,
    /// Loans so far: the number of the last one.
    loans: u64,
}

/// One time that a loop was lent. Loans are numbered, so that nobody can take a later one for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loan(u64);

/// A loop that was lent, as its lender sees it.
#[derive(Clone, Copy)]
pub(crate) struct Lent<'a> {
    open: &'a AtomicU64,
    loan: Loan,
}

/// What the watch sees of a loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    loans: u64,
    is_lent: bool,
}

impl<L> Baton<L> {
    pub(crate) fn new() -> Baton<L> {
        Baton { slot: Mutex::new(Slot { home: None, loans: 0 }), open: AtomicU64::new(0) }
    }

    /// Lends the loop out.
    #[inline(always)] // before each request
    pub(crate) fn lend(&self, home: L) -> Loan {
        let mut slot = lock(&self.slot);
        slot.loans += 1;
        slot.home = Some(home);
        self.open.store(slot.loans, Ordering::Relaxed);
        Loan(slot.loans)
    }

    /// Takes the loop, if `loan` is still open: back, or over.
    #[inline(always)] // behind each request
    pub(crate) fn take(&self, loan: Loan) -> Option<L> {
        let mut slot = lock(&self.slot);
        if slot.loans != loan.0 {
            return None;
        }
        self.open.store(0, Ordering::Relaxed);
        slot.home.take()
    }

    /// The loop that was lent with `loan`, as its lender sees it.
    pub(crate) fn lent(&self, loan: Loan) -> Lent<'_> {
        Lent { open: &self.open, loan }
    }

    pub(crate) fn look(&self) -> Sight {
        let slot = lock(&self.slot);
        Sight { loans: slot.loans, is_lent: slot.home.is_some() }
    }
}

impl Lent<'_> {
    /// Whether the loan is still open, as far as can be told without asking for the lock.
    pub(crate) fn seems_open(self) -> bool {
        self.open.load(Ordering::Relaxed) == self.loan.0
    }
}

impl Sight {
    /// The loan that was open at both looks: what it was lent for takes long.
    pub(crate) fn still_open_since(self, before: Sight) -> Option<Loan> {
        (self.is_lent && self == before).then_some(Loan(self.loans))
    }

    /// Whether it was lent at this look.
    pub(crate) fn is_lent(self) -> bool {
        self.is_lent
    }

    /// Whether anything is lent, or was since.
    pub(crate) fn is_lively_since(self, before: Sight) -> bool {
        self.is_lent || self.loans != before.loans
    }
}
