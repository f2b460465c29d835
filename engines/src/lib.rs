//! Six small storage engines, each twice: as audited and corrected.
