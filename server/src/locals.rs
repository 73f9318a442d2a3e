//! Values by type: what one layer of a program leaves for another.

use std::any::{Any, TypeId};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

/// A place for one value of each type, on a request (`http.locals`) or on a connection
/// (`http.connection_locals`).
///
/// Wrappers use it to hand something to the handler they wrap: a user, a request id. It costs
/// nothing until the first value is put in.
///
/// ```
/// use basehttp::Locals;
///
/// #[derive(Debug, PartialEq)]
/// struct UserId(u32);
///
/// let mut locals = Locals::default();
/// locals.insert(UserId(7));
/// assert_eq!(locals.get::<UserId>(), Some(&UserId(7)));
/// ```
#[derive(Default)]
pub struct Locals {
    // Boxed, so that nothing is one word: each request has that.
    #[allow(clippy::box_collection)]
    values: Option<Box<Values>>,
}

type Values = Vec<(TypeId, Box<dyn Any + Send>)>;

impl Locals {
    /// Puts a value in; the one of that type that was there comes out.
    pub fn insert<T: Any + Send>(&mut self, value: T) -> Option<T> {
        let old = self.remove();
        self.values.get_or_insert_default().push((TypeId::of::<T>(), Box::new(value)));
        old
    }

    /// Whether there is anything to drop.
    #[inline]
    pub(crate) fn holds_memory(&self) -> bool {
        self.values.is_some()
    }

    /// The value of that type.
    pub fn get<T: Any + Send>(&self) -> Option<&T> {
        let found = self.values.as_ref()?.iter().find(|(id, _)| *id == TypeId::of::<T>());
        found.and_then(|(_, value)| value.downcast_ref())
    }

    /// The value of that type, to change it.
    pub fn get_mut<T: Any + Send>(&mut self) -> Option<&mut T> {
        let found = self.values.as_mut()?.iter_mut().find(|(id, _)| *id == TypeId::of::<T>());
        found.and_then(|(_, value)| value.downcast_mut())
    }

    /// Takes the value of that type out.
    pub fn remove<T: Any + Send>(&mut self) -> Option<T> {
        let values = self.values.as_mut()?;
        let at = values.iter().position(|(id, _)| *id == TypeId::of::<T>())?;
        values.swap_remove(at).1.downcast().ok().map(|value| *value)
    }
}

/// A value that panics when it is dropped does no harm to the others, nor to the server.
impl Drop for Locals {
    #[inline]
    fn drop(&mut self) {
        if let Some(values) = self.values.take() {
            drop_all(*values);
        }
    }
}

#[inline(never)] // mostly there is nothing to drop
fn drop_all(values: Values) {
    for (_, value) in values {
        drop_quietly(value);
    }
}

/// Drops a value of somebody else's; a panic in that ends here.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Its own drop may panic too, and so on: it is small, and the hook has told of it.
        std::mem::forget(payload);
    }
}

impl fmt::Debug for Locals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.values.as_ref().map_or(0, |values| values.len());
        f.debug_struct("Locals").field("len", &len).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_value_of_each_type() {
        let mut locals = Locals::default();
        assert_eq!(locals.insert(1u8), None);
        assert_eq!(locals.insert("one"), None);
        assert_eq!(locals.insert(2u8), Some(1));
        *locals.get_mut::<u8>().unwrap() += 1;
        assert_eq!((locals.get(), locals.get()), (Some(&3u8), Some(&"one")));
        assert_eq!(locals.remove::<u8>(), Some(3));
        assert_eq!(locals.get::<u8>(), None);
    }
}
