package dev.tidemark.replica.ship;

import dev.tidemark.replica.link.Link;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** What volumes of one copy are called at this site, which its host decides. */
record Naming(CopyHost host, UUID group, UUID source) {
    static Naming of(CopyHost host, GroupOffer offer, Link link) {
        return new Naming(host, offer.group(), link.peer());
    }

    /**
     * @param wanted the source's name of a volume
     * @param use gives the volume the name that it gets here
     */
    CompletableFuture<Void> name(
            int volume, String wanted, Function<String, CompletableFuture<Void>> use) {
        return host.name(
                group,
                source,
                Map.of(volume, wanted),
                names -> use.apply(names.getOrDefault(volume, wanted)));
    }
}
