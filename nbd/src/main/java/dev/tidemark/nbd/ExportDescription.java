package dev.tidemark.nbd;

/**
 * One line of the export list.
 *
 * @param name what a client asks for; at most {@value Handshake#MAXIMUM_NAME_BYTES} bytes of UTF-8
 * @param description a sentence for people, may be empty
 */
public record ExportDescription(String name, String description) {}
