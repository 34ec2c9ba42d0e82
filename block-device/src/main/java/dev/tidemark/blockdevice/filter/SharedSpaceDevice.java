package dev.tidemark.blockdevice.filter;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.SharedSpace;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A device that knows how full the storage below it is; all else passes. */
public final class SharedSpaceDevice extends Forwarding {
    private final Supplier<@Nullable SharedSpace> space;

    /**
     * @param space asked on any thread, often: cheap, and waits for nothing; the same object as
     *     long as nothing new is known
     */
    public SharedSpaceDevice(BlockDevice below, Supplier<@Nullable SharedSpace> space) {
        super(below);
        this.space = space;
    }

    @Override
    public @Nullable SharedSpace sharedSpace() {
        return space.get();
    }
}
