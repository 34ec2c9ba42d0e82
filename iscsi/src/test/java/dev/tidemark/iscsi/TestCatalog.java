package dev.tidemark.iscsi;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.Initiator;
import dev.tidemark.iscsi.target.Lun;
import dev.tidemark.iscsi.target.OpenedTarget;
import dev.tidemark.iscsi.target.TargetAccess;
import dev.tidemark.iscsi.target.TargetCatalog;
import dev.tidemark.iscsi.target.TargetDescription;
import dev.tidemark.iscsi.target.TargetOpenException;
import dev.tidemark.iscsi.target.UnitDescription;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;

/** A catalogue of named targets that counts what is open. Filled before the server starts. */
final class TestCatalog implements TargetCatalog {
    static final String PREFIX = "iqn.2026-11.dev.tidemark:";

    private final Map<String, List<Lun>> targets = new TreeMap<>();
    private final Map<String, TargetAccess> answers = new TreeMap<>();
    private Authentication authentication = Authentication.NONE;
    private Authentication discovery = Authentication.NONE;

    final AtomicInteger open = new AtomicInteger();

    /** Runs whenever a session gives its target back. */
    volatile Runnable whenClosed = () -> {};

    /** A target with one unit. */
    TestCatalog add(String name, BlockDevice device) {
        return add(name, 0, unit(name, 512, false), device);
    }

    TestCatalog add(String name, int number, UnitDescription unit, BlockDevice device) {
        targets.computeIfAbsent(PREFIX + name, missing -> new ArrayList<>())
                .add(new Lun(number, unit, device));
        return this;
    }

    static UnitDescription unit(String name, int blockBytes, boolean removable) {
        long identifier = name.hashCode() & 0xffffffffL;
        return new UnitDescription(
                identifier,
                "serial-" + Long.toHexString(identifier),
                "Test",
                blockBytes,
                removable);
    }

    /** All targets, and discovery, ask for this. */
    TestCatalog authentication(Authentication asked) {
        authentication = asked;
        discovery = asked;
        return this;
    }

    TestCatalog answer(String name, TargetAccess access) {
        answers.put(PREFIX + name, access);
        return this;
    }

    @Override
    public Authentication discoveryAuthentication() {
        return discovery;
    }

    @Override
    public CompletionStage<List<TargetDescription>> list(Initiator initiator) {
        return CompletableFuture.completedFuture(
                targets.keySet().stream().map(TargetDescription::new).toList());
    }

    @Override
    public CompletionStage<TargetAccess> access(Initiator initiator, String targetName) {
        TargetAccess answer = answers.get(targetName);
        if (answer == null) {
            answer =
                    targets.containsKey(targetName)
                            ? new TargetAccess.Allowed(authentication)
                            : new TargetAccess.Unknown();
        }
        return CompletableFuture.completedFuture(answer);
    }

    @Override
    public CompletionStage<OpenedTarget> open(Initiator initiator, String targetName) {
        List<Lun> luns = targets.get(targetName);
        if (luns == null) {
            return CompletableFuture.failedFuture(
                    new TargetOpenException(TargetOpenException.Kind.UNKNOWN, "no such target"));
        }
        open.incrementAndGet();
        return CompletableFuture.completedFuture(
                new OpenedTarget() {
                    @Override
                    public String alias() {
                        return "";
                    }

                    @Override
                    public List<Lun> luns() {
                        return luns;
                    }

                    @Override
                    public void close() {
                        whenClosed.run();
                        open.decrementAndGet();
                    }
                });
    }
}
