package dev.tidemark.gateway.service;

import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of volumes, which are exports: unique in a gateway, in upper and lower case alike, which
 * iSCSI names do not tell apart. Thread-safe, under the lock of all names.
 */
public final class VolumeNames {
    private static final int LONGEST = 63;

    /** The peer's name keeps some of the volume's in front of it. */
    private static final int LONGEST_SUFFIX = 32;

    /** Where one such name was not enough. */
    private static final Pattern NUMBERED = Pattern.compile("(.+)(-[0-9]{1,9})");

    private final Groups groups;

    /** Names of volumes being made, in lower case; guarded by groups.naming(). */
    private final Set<String> reserved = new HashSet<>();

    VolumeNames(Groups groups) {
        this.groups = groups;
    }

    /** Nobody else is given the name until it is released. */
    void reserve(String name) {
        synchronized (groups.naming()) {
            if (isUsed(name, 0, new UUID(0, 0), "") || !reserved.add(lower(name))) {
                throw new ProblemException(
                        new Problem(
                                ProblemKind.EXISTS,
                                "a volume of that name exists",
                                name,
                                "names are unique in a gateway, in upper and lower case alike: they are the exports",
                                "choose another name"));
            }
        }
    }

    void release(String name) {
        synchronized (groups.naming()) {
            reserved.remove(lower(name));
        }
    }

    /**
     * Names volumes of a copy as their source does, and with its site's name behind that where
     * another volume has the name here. The names stay reserved until {@code use} has ended.
     *
     * @param wanted the source's names, by volume
     * @param use takes the names that they get, by volume
     */
    public CompletableFuture<Void> forCopy(
            UUID copy,
            String site,
            Map<Integer, String> wanted,
            Function<Map<Integer, String>, CompletableFuture<Void>> use) {
        Map<Integer, String> names;
        synchronized (groups.naming()) {
            names = choose(copy, site, wanted);
            names.values().forEach(name -> reserved.add(lower(name)));
        }
        CompletableFuture<Void> used;
        try {
            used = use.apply(names);
        } catch (RuntimeException failure) {
            used = CompletableFuture.failedFuture(failure);
        }
        return used.whenComplete((nothing, failure) -> names.values().forEach(this::release));
    }

    /** Under the lock of all names. */
    Map<Integer, String> choose(UUID copy, String site, Map<Integer, String> wanted) {
        Map<Integer, String> names = new TreeMap<>();
        Set<String> given = new HashSet<>();
        wanted.forEach((volume, name) -> {
            String free = name;
            for (int attempt = 1;
                    isTaken(free, volume, copy, site) || !given.add(lower(free));
                    attempt++) {
                free = derived(name, site, attempt);
            }
            names.put(volume, free);
        });
        return names;
    }

    private static String derived(String name, String site, int attempt) {
        String number = attempt == 1 ? "" : "-" + attempt;
        String suffix = cut("-" + site, LONGEST_SUFFIX - number.length()) + number;
        return cut(name, LONGEST - suffix.length()) + suffix;
    }

    private static boolean isDerived(String name, String site) {
        Matcher numbered = NUMBERED.matcher(name);
        return endsWithSite(name, site, LONGEST_SUFFIX)
                || (numbered.matches()
                        && endsWithSite(
                                numbered.group(1),
                                site,
                                LONGEST_SUFFIX - numbered.group(2).length()));
    }

    private static boolean endsWithSite(String name, String site, int length) {
        return lower(name).endsWith(lower(cut("-" + site, length)));
    }

    private static String cut(String text, int length) {
        return text.substring(0, Math.min(text.length(), length));
    }

    private boolean isTaken(String name, int volume, UUID copy, String site) {
        return reserved.contains(lower(name)) || isUsed(name, volume, copy, site);
    }

    /**
     * By a volume of another group. One of the copy's own that has the name was deleted at its
     * source, or is about to be told another name, and makes way; unless it has that name here
     * only.
     */
    private boolean isUsed(String name, int volume, UUID copy, String site) {
        boolean open =
                groups.all().stream()
                        .anyMatch(other -> {
                            boolean own = other.row().id().equals(copy);
                            return other.engine().volumes().stream()
                                    .filter(one -> one.name().equalsIgnoreCase(name))
                                    .anyMatch(one ->
                                            !own || (one.id() != volume && isDerived(name, site)));
                        });
        return open
                || groups.unopened().stream()
                        .flatMap(group -> group.volumes().stream())
                        .anyMatch(name::equalsIgnoreCase);
    }

    private static String lower(String name) {
        return name.toLowerCase(Locale.ROOT);
    }
}
