package dev.tidemark.replica.ship;

import dev.tidemark.replica.CopyContent;

/** A copy that is made or synchronised at this desk. On the desk's executor for the group. */
interface SyncTarget {
    /** What the source asks about. */
    CopyContent content();

    /** Ends the channel, and tells the source why. */
    void end(int code, String why);

    /** Takes nothing more. */
    void end();
}
