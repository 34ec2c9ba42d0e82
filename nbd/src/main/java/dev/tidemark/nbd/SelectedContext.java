package dev.tidemark.nbd;

/**
 * A metadata context that a client has selected.
 *
 * @param id its number in replies, unique within the selection, more than 0
 * @param name its full name
 */
record SelectedContext(int id, String name) {
    /** The one context that the protocol itself defines (proto.md "base:allocation"). */
    static final String ALLOCATION = "base:allocation";
}
