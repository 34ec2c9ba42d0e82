package dev.tidemark.replica;

/** An image that the manifest names: one that runs, or one whose opening failed. */
sealed interface HeldImage extends Image permits ImageDisk, FailedImage {
    ImageRecord record();
}
