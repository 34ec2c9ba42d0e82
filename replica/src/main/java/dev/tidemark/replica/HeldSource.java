package dev.tidemark.replica;

/** A source and how to let go of what it holds. */
record HeldSource(Source source, Runnable letGo) {}
