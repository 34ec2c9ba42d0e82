package dev.tidemark.storage.simulation;

/** An entry's target. */
sealed interface Node permits FileNode, DirectoryNode {
    /** Becomes what a restart after power loss finds. */
    void losePower(Survival survival);

    /** The process that held the handles is gone. */
    void loseHandles();

    long allocatedBytes();
}
