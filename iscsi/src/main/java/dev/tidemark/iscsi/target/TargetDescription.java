package dev.tidemark.iscsi.target;

import java.util.Locale;

/**
 * A target as discovery shows it.
 *
 * @param name a valid iSCSI name in lower case (RFC 3722)
 */
public record TargetDescription(String name) {
    /** Checks the name. */
    public TargetDescription {
        if (!IscsiNames.valid(name) || !name.equals(name.toLowerCase(Locale.ROOT))) {
            throw new IllegalArgumentException("\"" + name + "\" is no iSCSI name in lower case");
        }
    }
}
