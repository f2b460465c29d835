//! Questions about single effects.

use crate::flow::state::{How, Kind, Pending};
use crate::flow::summary::{Deed, Did};

/// Whether it is content, as opposed to a name or a length, that may be lost.
pub(super) fn is_content(pending: &Pending) -> bool {
    pending.kind != Kind::Name && !matches!(pending.how, How::Resized | How::Cut)
}

/// Whether bytes go into a file.
pub(super) fn writes(deed: &Deed) -> bool {
    matches!(deed.did, Did::Pend(How::Written | How::WrittenWhole | How::Copied | How::HandedOver, _))
}

/// Whether what a file held is gone afterwards.
pub(super) fn retires(deed: &Deed) -> bool {
    matches!(deed.did, Did::Remove | Did::Overwrite | Did::Pend(How::Cut, _))
}
