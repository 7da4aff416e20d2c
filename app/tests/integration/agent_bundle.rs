//! The bundled firmware is the one that these sources make, and says so itself.

#[path = "../../examples/bundle_agent/record.rs"]
mod record;

use std::path::Path;

use flashpack::device::agent_image::AgentImage;
use record::Record;

const AGAIN: &str = "bundle it again: cargo run -p flashpack --example bundle_agent";

#[test]
fn the_bundled_agent_is_made_from_these_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let image = std::fs::read(root.join(record::IMAGE)).unwrap();
    let recorded: Record =
        serde_json::from_slice(&std::fs::read(root.join(record::RECORD)).unwrap()).unwrap();
    let app = std::fs::read(root.join(record::APP_IMAGE)).unwrap();
    let now = Record::of(&root, &image, &app).unwrap();
    assert_eq!(
        recorded.app_image, now.app_image,
        "the app image is not the recorded one; {AGAIN}"
    );
    assert_eq!(
        recorded.image, now.image,
        "the image is not the recorded one; {AGAIN}"
    );
    assert_eq!(
        recorded.sources, now.sources,
        "device-agent has changed; {AGAIN}"
    );
    assert_eq!(
        recorded.dependencies, now.dependencies,
        "its dependencies have changed; {AGAIN}"
    );
}

#[test]
fn the_bundled_agent_names_itself_and_its_protocol() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let image = std::fs::read(root.join(record::IMAGE)).unwrap();
    let image = AgentImage::parse(&image).unwrap();
    assert_eq!(image.descriptor.project, device_agent::PROJECT_NAME);
    assert_eq!(image.descriptor.version, device_agent::VERSION);
    assert_eq!(
        image.descriptor.protocol,
        device_agent::PROTOCOL_VERSION,
        "an old protocol; {AGAIN}"
    );
}
