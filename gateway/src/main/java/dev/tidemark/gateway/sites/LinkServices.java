package dev.tidemark.gateway.sites;

import dev.tidemark.replica.link.IncomingChannel;
import dev.tidemark.replica.link.Link;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.link.LinkUser;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who answers which method and takes channels of which purpose; what nobody has registered for is
 * refused politely. Everything is called on a link's own serial executor and must not block; bodies
 * are lent for the call. Thread-safe. Register before {@link Sites#open}: a peer may ask at once.
 */
public final class LinkServices implements LinkUser {
    private static final Logger log = LoggerFactory.getLogger(LinkServices.class);

    private final Map<Integer, Method> methods = new ConcurrentHashMap<>();
    private final Map<Integer, Purpose> purposes = new ConcurrentHashMap<>();
    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();

    /** Answers a request, as {@link LinkUser#requested}. */
    @FunctionalInterface
    public interface Method {
        CompletableFuture<ByteBuf> requested(Link link, ByteBuf body);
    }

    /** Takes or refuses a channel, as {@link LinkUser#opened}. */
    @FunctionalInterface
    public interface Purpose {
        void opened(Link link, IncomingChannel channel, ByteBuf body);
    }

    /** Is told of links that come and go. */
    public interface Watcher {
        void up(Link link);

        void down(Link link, String reason);
    }

    /** Gives a method its one service. */
    public void method(int method, Method service) {
        requireNew(methods.putIfAbsent(method, service), "method", method);
    }

    /** Gives a purpose its one service. */
    public void purpose(int purpose, Purpose service) {
        requireNew(purposes.putIfAbsent(purpose, service), "purpose", purpose);
    }

    /** Adds somebody who is told of links. */
    public void watch(Watcher watcher) {
        watchers.add(watcher);
    }

    private static void requireNew(
            @org.jspecify.annotations.Nullable Object before, String what, int number) {
        if (before != null) {
            throw new IllegalStateException(what + " " + number + " has a service already");
        }
    }

    @Override
    public void up(Link link) {
        log.info(
                "link up peer={} name={} version={} address={}",
                link.peer(),
                Plain.line(link.peerName()),
                Plain.line(link.peerVersion()),
                link.status().address());
        watchers.forEach(watcher -> watcher.up(link));
    }

    @Override
    public void down(Link link, String reason) {
        log.info("link down peer={} reason={}", link.peer(), Plain.line(reason));
        watchers.forEach(watcher -> watcher.down(link, reason));
    }

    @Override
    public CompletableFuture<ByteBuf> requested(Link link, int method, ByteBuf body) {
        Method service = methods.get(method);
        return service == null
                ? CompletableFuture.failedFuture(
                        LinkException.refusal(
                                LinkException.CODE_UNKNOWN, unknown("method", method)))
                : service.requested(link, body);
    }

    @Override
    public void opened(Link link, IncomingChannel channel, int purpose, ByteBuf body) {
        Purpose service = purposes.get(purpose);
        if (service == null) {
            channel.refuse(LinkException.CODE_UNKNOWN, unknown("purpose", purpose));
        } else {
            service.opened(link, channel, body);
        }
    }

    private static String unknown(String what, int number) {
        return "not known here: " + what + " " + number + "; a newer release may know it";
    }
}
