package dev.tidemark.gateway.exports;

import dev.tidemark.blockdevice.BlockDevice;
import java.util.Locale;
import java.util.UUID;
import java.util.function.ToLongFunction;

/**
 * A disk held open for one client.
 *
 * @param kind what it is
 * @param identity the same for everyone who opens the same disk, today and after a restart; another
 *     one for each point and each test
 * @param canonicalName its export's name, with the exact point
 * @param description one line for people
 * @param past maps of what changed
 * @param resolver the sequence number of a point as this client asks for it
 * @param release gives back what was taken besides the device; does not block
 */
public record Disk(
        Kind kind,
        String identity,
        String canonicalName,
        String description,
        BlockDevice device,
        Contexts.Past past,
        ToLongFunction<String> resolver,
        Runnable release)
        implements AutoCloseable {

    /** What a disk is. */
    public enum Kind {
        /** A volume. */
        LIVE,
        /** A read-only instant of a volume. */
        VIEW,
        /** A client's writable copy of an instant. */
        COPY,
        /** A disk of a recovery test. */
        TEST;

        /** For metrics. */
        String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        /**
         * The identity of a disk of this kind.
         *
         * @param owner its group; of copies and tests, their image
         */
        public String identity(UUID owner, int volume) {
            return label() + " " + owner + "/" + volume;
        }
    }

    /** Gives all back, once; does not block. */
    @Override
    public void close() {
        device.close();
        release.run();
    }
}
