package dev.tidemark.gateway.server;

import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.nbd.ListenAddress;
import dev.tidemark.storage.Descriptors;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Listening sockets that systemd, or a client that speaks its protocol, started us with. */
public final class InheritedSockets {
    private static final int MAXIMUM = 64;

    private InheritedSockets() {}

    /**
     * The sockets that are meant for this process (sd_listen_fds(3)); empty when there are none.
     *
     * @param pid of this process: variables meant for another are not ours
     */
    public static List<ListenAddress> of(Map<String, String> environment, long pid) {
        String count = environment.getOrDefault("LISTEN_FDS", "");
        if (count.isEmpty() || !environment.getOrDefault("LISTEN_PID", "").equals(pid + "")) {
            return List.of();
        }
        int sockets = count(count);
        return IntStream.range(0, sockets)
                .map(index -> ListenAddress.Inherited.FIRST + index)
                .mapToObj(InheritedSockets::adopt)
                .toList();
    }

    private static int count(String text) {
        try {
            int count = Integer.parseInt(text);
            if (count >= 0 && count <= MAXIMUM) {
                return count;
            }
        } catch (NumberFormatException e) {
            // Falls through to the refusal.
        }
        throw ProblemException.invalid(
                "LISTEN_FDS makes no sense",
                text,
                "0 to " + MAXIMUM,
                "unset it, or let systemd set it");
    }

    private static ListenAddress adopt(int descriptor) {
        if (!Descriptors.adopt(descriptor)) {
            throw ProblemException.invalid(
                    "LISTEN_FDS names a descriptor that is not open",
                    Integer.toString(descriptor),
                    "sockets from 3 on",
                    "start the gateway through its socket unit");
        }
        return new ListenAddress.Inherited(descriptor);
    }
}
