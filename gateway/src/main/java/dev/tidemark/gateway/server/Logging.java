package dev.tidemark.gateway.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.slf4j.LoggerFactory;

/** The level of what goes to standard error. */
public final class Logging {
    private Logging() {}

    /** Sets the level of our own messages; libraries stay at warnings unless we debug. */
    public static void level(String name) {
        Level level = Level.toLevel(name, Level.INFO);
        logger("dev.tidemark").setLevel(level);
        boolean debugging = level.toInt() <= Level.DEBUG_INT;
        logger(org.slf4j.Logger.ROOT_LOGGER_NAME).setLevel(debugging ? Level.INFO : Level.WARN);
    }

    private static Logger logger(String name) {
        return (Logger) LoggerFactory.getLogger(name);
    }
}
