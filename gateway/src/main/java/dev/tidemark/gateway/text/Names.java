package dev.tidemark.gateway.text;

import dev.tidemark.gateway.problem.ProblemException;
import java.util.regex.Pattern;

/**
 * What volumes, groups, sites and checkpoints may be called: names that need no escaping in URIs,
 * shells and file systems.
 */
public final class Names {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
    private static final Pattern OF_A_PEER = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,254}");
    private static final Pattern CHECKPOINT =
            Pattern.compile("[\\p{L}\\p{N}_][\\p{L}\\p{N}._:+-]{0,99}");
    private static final int DESCRIPTION_CHARS = 1000;

    private Names() {}

    public static String volume(String name) {
        if (!NAME.matcher(name).matches()) {
            throw refuse("volume", name);
        }
        if (name.startsWith("test.")) {
            throw ProblemException.invalid(
                    "not a volume name",
                    name,
                    "names that begin with \"test.\" belong to recovery tests",
                    "choose another name");
        }
        return name;
    }

    /**
     * Whether a volume of another site's can be called that, also one that was renamed there to
     * make way and is longer for it.
     */
    public static boolean isVolumeOfPeer(String name) {
        return OF_A_PEER.matcher(name).matches() && !name.startsWith("test.");
    }

    public static String group(String name) {
        if (!NAME.matcher(name).matches()) {
            throw refuse("group", name);
        }
        return name;
    }

    public static String site(String name) {
        if (!NAME.matcher(name).matches()) {
            throw refuse("site", name);
        }
        return name;
    }

    private static ProblemException refuse(String kind, String name) {
        return ProblemException.invalid(
                "not a " + kind + " name",
                name,
                "1 to 63 letters, digits, '.', '_' or '-', beginning with a letter or digit",
                "choose another name");
    }

    public static String checkpoint(String name) {
        if (!CHECKPOINT.matcher(name).matches()) {
            throw ProblemException.invalid(
                    "not a checkpoint name",
                    name,
                    "1 to 100 letters, digits, '.', '_', ':', '+' or '-', beginning with a letter, digit or '_'",
                    "choose another name");
        }
        return name;
    }

    /** A name for a new checkpoint: nothing that would be read as another kind of point. */
    public static String newCheckpoint(String name) {
        checkpoint(name);
        if (name.equals("latest")
                || name.startsWith("seq:")
                || AskedPoint.DATE.matcher(name).matches()) {
            throw ProblemException.invalid(
                    "not a checkpoint name",
                    name,
                    "\"latest\", \"seq:...\" and what begins like a date are points of their own",
                    "choose another name");
        }
        return name;
    }

    /**
     * Free text kept with a record: at most 1000 characters, no control characters but line ends.
     */
    public static String note(String text) {
        boolean control =
                text.chars().anyMatch(c -> Character.isISOControl(c) && c != '\n' && c != '\t');
        if (text.length() > DESCRIPTION_CHARS || control) {
            throw ProblemException.invalid(
                    "not a note",
                    text.length() > 40 ? text.substring(0, 40) + "..." : text,
                    text.length()
                            + " characters; at most "
                            + DESCRIPTION_CHARS
                            + ", no control characters",
                    "shorten it");
        }
        return text;
    }
}
