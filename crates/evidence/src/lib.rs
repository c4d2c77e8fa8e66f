//! What a study leaves on disk, and what can be said of it.
