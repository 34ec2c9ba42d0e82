package dev.tidemark.iscsi.target;

import java.util.List;

/** A target held open for one session. */
public interface OpenedTarget {

    /** TargetAlias, a sentence for people; may be empty (RFC 7143 §13.6). */
    String alias();

    /** The units this initiator sees, in any order; the same on every call. */
    List<Lun> luns();

    /**
     * Gives the target and its devices back. Called exactly once, after the last command of the
     * session has ended; must not block.
     */
    void close();
}
