package dev.tidemark.gateway.access;

import dev.tidemark.gateway.access.Condition.Named;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.nbd.NbdClient;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of the rules: what, on which disks, for whom.
 *
 * @param text as it was written
 * @param disks the names it speaks of; a point belongs to its disk
 * @param conditions all of them must hold
 */
public record AccessRule(String text, Action action, List<Glob> disks, List<Condition> conditions) {
    /** What is accepted, for people. */
    public static final String FORM =
            "ACTION DISKS [cn=PATTERN] [dn=PATTERN] [san=PATTERN] [address=RANGES] [unix] [tls]";

    private static final Pattern WORD = Pattern.compile("((?:[^\\s\"]|\"[^\"]*\")+)\\s*");
    private static final Pattern DISK = Pattern.compile("[A-Za-z0-9._?*-]+");

    static AccessRule parse(String text) {
        List<String> words = words(text.strip());
        if (words.size() < 2) {
            throw refuse("not a rule", text);
        }
        Action action =
                Action.of(words.getFirst())
                        .orElseThrow(() -> refuse("not an action of a rule", words.getFirst()));
        List<Glob> disks =
                Arrays.stream(words.get(1).split(",", -1)).map(AccessRule::disk).toList();
        List<Condition> conditions = words.stream().skip(2).map(AccessRule::condition).toList();
        return new AccessRule(text.strip(), action, disks, conditions);
    }

    private static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        Matcher word = WORD.matcher(text);
        int end = 0;
        while (word.lookingAt()) {
            words.add(word.group(1).replace("\"", ""));
            end = word.end();
            word.region(end, text.length());
        }
        if (end != text.length()) {
            throw refuse("a quotation mark is not closed", text);
        }
        return words;
    }

    private static Glob disk(String pattern) {
        if (!DISK.matcher(pattern).matches()) {
            throw ProblemException.invalid(
                    "not a pattern of disk names",
                    pattern,
                    "letters, digits, '.', '_', '-', '*' and '?'; points belong to their disk, so no '@'",
                    "write for example web,db-*,test.*");
        }
        return new Glob(pattern);
    }

    private static Condition condition(String word) {
        int equals = word.indexOf('=');
        String value = word.substring(equals + 1);
        String kind = equals < 0 ? word : word.substring(0, equals);
        if (equals >= 0 && value.isEmpty()) {
            throw refuse("a condition without a value", word);
        }
        return switch (equals < 0 ? kind : kind + "=") {
            case "tls" -> new Condition.Encrypted();
            case "unix" -> new Condition.Local();
            case "address=" ->
                    new Condition.From(
                            Arrays.stream(value.split(",", -1)).map(AddressRange::parse).toList());
            case "cn=" -> new Named(Named.Part.CN, new Glob(value));
            case "dn=" -> new Named(Named.Part.DN, new Glob(value));
            case "san=" -> new Named(Named.Part.SAN, new Glob(value));
            default -> throw refuse("not a condition of a rule", word);
        };
    }

    private static ProblemException refuse(String what, String value) {
        return ProblemException.invalid(
                what,
                value,
                FORM + "; actions: read-write, read-only, points, deny",
                "write for example: read-only web,db-* cn=backup-*");
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

    boolean holds(NbdClient client) {
        return conditions.stream().allMatch(condition -> condition.holds(client));
    }

    /** Whether the client might be meant once its session is inside TLS. */
    boolean mightHoldInTls(NbdClient client) {
        return conditions.stream()
                .allMatch(condition -> condition.needsTls() || condition.holds(client));
    }
}
