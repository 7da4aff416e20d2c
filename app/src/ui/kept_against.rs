//! Whose offsets the next image of a partition keeps: the image written last, a file's, the board's, or nobody's.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::pack::PackedImage;
use crate::model::project::{Content, PackFormat};

/// A choice of the user.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum KeptAgainst {
    /// What was written last from this project; before the first write, what was packed last.
    #[default]
    LastWrite,
    /// An image in a file of this name.
    File { name: String, image: Arc<[u8]> },
    /// What the board held when it was asked.
    Board { image: Arc<[u8]> },
    /// Everything is packed anew at each edit.
    Nothing,
}

impl KeptAgainst {
    /// As it continues *Offsets kept from*.
    pub fn label(&self) -> &str {
        match self {
            Self::LastWrite => "last write",
            Self::File { name, .. } => name,
            Self::Board { .. } => "the board",
            Self::Nothing => "nothing",
        }
    }
}

/// What is known of older images of one partition.
#[derive(Clone, Copy)]
pub struct Older<'a> {
    pub written: &'a BTreeMap<String, Arc<[u8]>>,
    pub packed: &'a BTreeMap<String, Arc<PackedImage>>,
}

/// The image that the next one is compared with, and, if it is a Bin, keeps the offsets of.
pub fn previous(
    against: &KeptAgainst,
    older: Older<'_>,
    name: &str,
    content: &Content,
) -> Option<Arc<[u8]>> {
    let Content::Files(files) = content else {
        return None;
    };
    let image = match against {
        KeptAgainst::Nothing => None,
        KeptAgainst::File { image, .. } | KeptAgainst::Board { image } => Some(image),
        // What was only packed says nothing about the cost of a write; it is there to keep a Bin calm between writes.
        KeptAgainst::LastWrite => older.written.get(name).or_else(|| {
            let image = older.packed.get(name)?;
            (files.format == PackFormat::Bin).then_some(&image.bytes)
        }),
    };
    image.filter(|bytes| !bytes.is_empty()).cloned()
}
