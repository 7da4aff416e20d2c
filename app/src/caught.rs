//! Panics of libraries become errors: espflash and others index what a port sent, and noise makes that too short.
//!
//! Such a panic is expected and told as an error, so that its trace has no place on a terminal. One of this program's
//! own code is caught the same, but its trace is printed: it is a mistake that has to be found.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Where this program's sources lie, as the compiler names them: what stands before this file's own place in them.
const OWN: &str = file!();
const OWN_PLACE: &str = "caught.rs";

thread_local! {
    /// How many callers on this thread catch panics.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
    /// What the last panic of a library said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does `work`; a panic in it is the error, with the place and the words of a library's.
///
/// # Errors
/// The panic, in a few words.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if is_quiet(panic) {
                SAID.set(panic.to_string().replace('\n', " "));
            } else {
                before(panic);
            }
        }));
    });
    SAID.set(String::new());
    CATCHING.set(CATCHING.get() + 1);
    // Whoever catches throws away what was being worked on.
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(CATCHING.get() - 1);
    result.map_err(|_panic| {
        let said = SAID.take();
        if said.is_empty() {
            "a mistake in this program".to_owned()
        } else {
            said
        }
    })
}

/// Whether it is the panic of a library, below somebody who catches it.
fn is_quiet(panic: &PanicHookInfo<'_>) -> bool {
    let own = OWN.strip_suffix(OWN_PLACE).unwrap_or(OWN);
    let in_library = panic
        .location()
        .is_some_and(|place| !place.file().starts_with(own));
    CATCHING.get() > 0 && in_library
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_what_comes_after_it_runs() {
        assert_eq!(caught(|| 5), Ok(5));
        // Parsing digits of radix 99 panics inside the standard library.
        let said = caught(|| char::from_digit(1, 99)).unwrap_err();
        assert!(said.contains("radix"), "{said}");
        assert_eq!(CATCHING.get(), 0);
        let own = caught(|| panic!("printed, because it is ours")).unwrap_err();
        assert_eq!(own, "a mistake in this program");
        assert_eq!(CATCHING.get(), 0);
    }
}
