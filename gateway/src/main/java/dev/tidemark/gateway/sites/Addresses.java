package dev.tidemark.gateway.sites;

import dev.tidemark.gateway.config.Endpoint;
import dev.tidemark.gateway.problem.ProblemException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

/** Where sites listen and are dialled: {@code host:port}. */
final class Addresses {
    private static final int MOST = 16;
    private static final int LONGEST_CHARACTERS = 255;

    private Addresses() {}

    /** Whether a text can be dialled. */
    static boolean isDialable(String text) {
        try {
            return text.length() <= LONGEST_CHARACTERS
                    && text.chars().allMatch(one -> one > ' ' && one < 127)
                    && Endpoint.parse(text).port() != 0;
        } catch (ProblemException e) {
            return false;
        }
    }

    /** Checks what peers are told to dial. */
    static List<String> dialable(List<String> texts) {
        if (texts.size() > MOST) {
            throw ProblemException.invalid(
                    "too many addresses",
                    Integer.toString(texts.size()),
                    "at most " + MOST,
                    "name those that peers reach best");
        }
        for (String text : texts) {
            if (!isDialable(text)) {
                throw ProblemException.invalid(
                        "not an address that peers could dial",
                        text,
                        "host:port with a port from 1 to 65535; IPv6 in brackets",
                        "write for example gw1.example.com:7118");
            }
        }
        return List.copyOf(texts);
    }

    /** What peers are told when nobody said: where this site listens, if that is one address. */
    static List<String> told(List<String> advertise, String listen, InetSocketAddress bound) {
        return advertise.isEmpty()
                ? List.of(new Endpoint(Endpoint.parse(listen).host(), bound.getPort()).toString())
                : advertise;
    }

    /** Refuses to listen everywhere without a word on how peers get here. */
    static void requireTold(String listen, List<String> advertise) {
        InetAddress address = Endpoint.parse(listen).address().getAddress();
        if (advertise.isEmpty() && address != null && address.isAnyLocalAddress()) {
            throw ProblemException.invalid(
                    "nobody can dial this address",
                    listen,
                    "it stands for all addresses of this machine",
                    "say which one peers reach, with --advertise HOST:PORT or site.advertise");
        }
    }
}
