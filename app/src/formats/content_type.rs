//! Content types by the extension of a file's name, as web servers know them.

use mime_infer::from_path;

/// What is said of a file when nothing better is known.
pub const UNKNOWN: &str = "application/octet-stream";

/// The content type of a file of this name, without parameters: `text/html`, [`UNKNOWN`] for a strange extension.
pub fn of_name(name: &str) -> &'static str {
    let last = name.rsplit('/').next().unwrap_or(name);
    // The seed's tool for the Electron knows these two by name.
    if last.eq_ignore_ascii_case("license") || last.eq_ignore_ascii_case("readme") {
        return "text/plain";
    }
    from_path(last).first_raw().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_decide() {
        for (name, expected) in [
            ("index.html", "text/html"),
            ("A.TXT", "text/plain"),
            ("k.json", "application/json"),
            ("photo.png", "image/png"),
            ("sound.wav", "audio/wav"),
            ("app.js", "text/javascript"),
            ("LICENSE", "text/plain"),
            ("folder/README", "text/plain"),
            ("noextension", UNKNOWN),
            ("x.strange", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(of_name(name), expected, "{name}");
        }
    }
}
