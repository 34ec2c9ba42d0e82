package dev.tidemark.gateway.access;

import dev.tidemark.gateway.access.Condition.Named;
import dev.tidemark.gateway.problem.ProblemException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One line of the rules: what, on which disks, for whom.
 *
 * @param text as it was written
 * @param disks the names it speaks of; a point belongs to its disk
 * @param conditions all of them must hold
 */
public record AccessRule(String text, Action action, List<Glob> disks, List<Condition> conditions) {
    /** What clients of a protocol can be asked for, and an example. */
    public enum Protocol {
        /** NBD */
        NBD("[cn=PATTERN] [dn=PATTERN] [san=PATTERN] [address=RANGES] [unix] [tls]", "cn=backup-*"),
        /** iSCSI */
        ISCSI(
                "[initiator=PATTERN] [chap=PATTERN] [address=RANGES]",
                "initiator=iqn.1993-08.org.debian:*");

        private final String conditions;
        private final String example;

        Protocol(String conditions, String example) {
            this.conditions = conditions;
            this.example = example;
        }

        /** What is accepted, for people. */
        public String form() {
            return "ACTION DISKS " + conditions;
        }
    }

    private static final Pattern WORD = Pattern.compile("((?:[^\\s\"]|\"[^\"]*\")+)\\s*");
    private static final Pattern DISK = Pattern.compile("[A-Za-z0-9._?*-]+");

    static AccessRule parse(Protocol protocol, String text) {
        List<String> words = words(protocol, text.strip());
        if (words.size() < 2) {
            throw refuse(protocol, "not a rule", text);
        }
        Action action =
                Action.of(words.getFirst())
                        .orElseThrow(() ->
                                refuse(protocol, "not an action of a rule", words.getFirst()));
        List<Glob> disks =
                Arrays.stream(words.get(1).split(",", -1)).map(AccessRule::disk).toList();
        List<Condition> conditions =
                words.stream().skip(2).map(word -> condition(protocol, word)).toList();
        return new AccessRule(text.strip(), action, disks, conditions);
    }

    private static List<String> words(Protocol protocol, String text) {
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(text);
        int end = 0;
        while (word.lookingAt()) {
            words.add(word.group(1).replace("\"", ""));
            end = word.end();
            word.region(end, text.length());
        }
        if (end != text.length()) {
            throw refuse(protocol, "a quotation mark is not closed", text);
        }
        return words;
    }

    /** A pattern of disk names. */
    public static Glob disk(String pattern) {
        if (!DISK.matcher(pattern).matches()) {
            throw ProblemException.invalid(
                    "not a pattern of disk names",
                    pattern,
                    "letters, digits, '.', '_', '-', '*' and '?'; points belong to their disk, so no '@'",
                    "write for example web,db-*,test.*");
        }
        return new Glob(pattern);
    }

    private static Condition condition(Protocol protocol, String word) {
        int equals = word.indexOf('=');
        String value = word.substring(equals + 1);
        String kind = equals < 0 ? word : word.substring(0, equals);
        if (equals >= 0 && value.isEmpty()) {
            throw refuse(protocol, "a condition without a value", word);
        }
        Condition condition =
                equals >= 0 && kind.equals("address")
                        ? new Condition.From(ranges(value))
                        : switch (protocol) {
                            case NBD -> ofNbd(equals < 0 ? kind : kind + "=", value);
                            case ISCSI -> ofIscsi(equals < 0 ? kind : kind + "=", value);
                        };
        if (condition == null) {
            throw refuse(protocol, "not a condition of a rule", word);
        }
        return condition;
    }

    private static List<AddressRange> ranges(String value) {
        return Arrays.stream(value.split(",", -1)).map(AddressRange::parse).toList();
    }

    private static @Nullable Condition ofNbd(String kind, String value) {
        return switch (kind) {
            case "tls" -> new Condition.Encrypted();
            case "unix" -> new Condition.Local();
            case "cn=" -> new Named(Named.Part.CN, new Glob(value));
            case "dn=" -> new Named(Named.Part.DN, new Glob(value));
            case "san=" -> new Named(Named.Part.SAN, new Glob(value));
            default -> null;
        };
    }

    private static @Nullable Condition ofIscsi(String kind, String value) {
        return switch (kind) {
            case "initiator=" -> new Condition.Initiator(new Glob(value.toLowerCase(Locale.ROOT)));
            case "chap=" -> new Condition.ChapUser(new Glob(value));
            default -> null;
        };
    }

    private static ProblemException refuse(Protocol protocol, String what, String value) {
        return ProblemException.invalid(
                what,
                value,
                protocol.form() + "; actions: read-write, read-only, points, deny",
                "write for example: read-only web,db-* " + protocol.example);
    }

    /** Whether sessions outside TLS can never be meant. */
    public boolean needsTls() {
        return conditions.stream().anyMatch(Condition::needsTls);
    }

    /** Whether it looks at certificates. */
    public boolean needsCertificate() {
        return conditions.stream().anyMatch(Condition::needsCertificate);
    }

    boolean speaksOf(String disk) {
        return disks.stream().anyMatch(pattern -> pattern.matches(disk));
    }

    boolean holds(Client client) {
        return conditions.stream().allMatch(condition -> condition.holds(client));
    }

    /** Whether a client might be meant once it has shown who it is. */
    boolean mightHoldWithProof(Client client) {
        return conditions.stream()
                .allMatch(condition -> condition.needsProof() || condition.holds(client));
    }

    /** Whether only CHAP can meet it. */
    public boolean needsChap() {
        return conditions.stream().anyMatch(Condition.ChapUser.class::isInstance);
    }
}
