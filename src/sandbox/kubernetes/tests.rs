//! The manifests, whole.
