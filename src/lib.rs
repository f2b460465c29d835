//! fsynclint: after a power cut, is the data safe, or was it lucky?
