package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same commands, right and wrong, to the gateway and to LIO, the target of the Linux kernel:
 * every answer is the same, but for what {@link LioDifferences} names and explains.
 */
@Timeout(300)
final class LioDifferentialIT {
    private static final long SEED = Long.getLong("tidemark.seed", 20_261_126);
    private static final int COMMANDS = Integer.getInteger("tidemark.lio.commands", 2500);
    private static final long DISK_BYTES = 16L << 20;
    private static final int BLOCK_BYTES = 512;
    private static final int DISK_BLOCKS = (int) (DISK_BYTES / BLOCK_BYTES);
    private static final int PORTS = 2;
    private static final String INITIATOR = "iqn.2026-11.org.example:host-";

    /** Stands for a status when the target closed the connection instead. */
    static final int HUNG_UP = -1;

    private static final byte[] NOTHING = {};

    @TempDir Path folder;

    /** A target, and the initiator's sessions with it. */
    private record Side(InetSocketAddress address, String target, List<ScsiInitiator> sessions)
            implements AutoCloseable {
        static Side login(InetSocketAddress address, String target) throws IOException {
            Side side = new Side(address, target, new ArrayList<>());
            for (int port = 0; port < PORTS; port++) {
                side.sessions.add(login(address, port, target));
            }
            for (int port = 0; port < PORTS; port++) {
                side.tellAttentions(port);
            }
            return side;
        }

        /** Under names of their own, since LIO tells attentions to all sessions of a name. */
        private static ScsiInitiator login(InetSocketAddress address, int port, String target)
                throws IOException {
            return ScsiInitiator.login(address, INITIATOR + port, port, target);
        }

        /** Takes what the unit has to tell: that it was powered on, say. */
        void tellAttentions(int port) throws IOException {
            for (int i = 0; i < 8; i++) {
                if (sessions.get(port).run(0, new byte[6], new byte[0], 0).status() == 0) {
                    return;
                }
            }
            throw new AssertionError("the unit does not get ready");
        }

        /** A target that hangs up answers {@link #HUNG_UP}, and is called again. */
        ScsiInitiator.Answer run(ScsiCommand command) throws IOException {
            int port = command.port();
            try {
                return sessions.get(port)
                        .run(command.lun(), command.cdb(), command.out(), command.inBytes());
            } catch (EOFException end) {
                sessions.get(port).close();
                sessions.set(port, login(address, port, target));
                tellAttentions(port);
                return new ScsiInitiator.Answer(HUNG_UP, NOTHING, NOTHING, "");
            }
        }

        // SPC-4 6.16: REGISTER AND IGNORE EXISTING KEY, then CLEAR.
        void clearReservations() throws IOException {
            ByteBuffer list = ByteBuffer.allocate(24).putLong(8, 1);
            reserve(6, list);
            reserve(3, list.putLong(0, 1).putLong(8, 0));
            tellAttentions(0);
            tellAttentions(1);
        }

        /** Makes the state known after one target did what the other did not. */
        void renew() throws IOException {
            clearReservations();
            for (ScsiCommand command : ScsiScript.clearing(DISK_BLOCKS)) {
                ScsiInitiator.Answer answer = run(command);
                assertThat(answer.status()).as("%s by %s", command, target).isZero();
            }
        }

        private void reserve(int action, ByteBuffer list) throws IOException {
            ByteBuffer cdb = ScsiScript.cdb10(0x5f).put(1, (byte) action).putInt(5, 24);
            sessions.getFirst().run(0, ScsiScript.content(cdb), ScsiScript.content(list), 0);
        }

        @Override
        public void close() throws IOException {
            for (ScsiInitiator session : sessions) {
                session.close();
            }
        }
    }

    private final Map<LioDifferences, Integer> explained = new TreeMap<>();
    private final List<String> unexplained = new ArrayList<>();

    @Test
    void the_gateway_answers_as_the_kernels_target_does() throws Exception {
        System.out.printf("LioDifferentialIT: -Dtidemark.seed=%d%n", SEED);
        ScsiScript script = new ScsiScript(new Random(SEED), DISK_BLOCKS);
        IscsiGuest guests = new IscsiGuest(folder);
        try (guests;
                GatewayProcess gateway = guests.gateway(folder.resolve("gateway")).start();
                LioTarget lio = new LioTarget(folder, DISK_BYTES)) {
            gateway.api().createVolume("disk", DISK_BYTES, null);
            try (Side ours = Side.login(guests.firstAddress(), IscsiGuest.PREFIX + "disk");
                    Side theirs = Side.login(lio.address(), LioTarget.NAME)) {
                for (ScsiCommand question : script.questions()) {
                    compare(question, ours, theirs);
                }
                for (int i = 0; i < COMMANDS; i++) {
                    if (i % 100 == 0) {
                        ours.clearReservations();
                        theirs.clearReservations();
                    }
                    compare(script.next(), ours, theirs);
                }
                compareContents(ours, theirs);
            }
        }
        Files.write(Path.of("target", "lio-differences"), table());
        assertThat(unexplained).as("differences without a reason; seed %d", SEED).isEmpty();
    }

    /** How often each reason was met, and what has none. */
    private List<String> table() {
        List<String> lines = new ArrayList<>();
        explained.forEach((reason, count) -> lines.add(reason.row(count)));
        lines.addAll(unexplained);
        return lines;
    }

    private void compare(ScsiCommand command, Side ours, Side theirs) throws IOException {
        byte[] held =
                command.comparesBytes() ? theirs.run(command.readOfCompared()).data() : NOTHING;
        ScsiInitiator.Answer our = ours.run(command);
        ScsiInitiator.Answer their = theirs.run(command);
        List<String> differences = differences(our, their);
        if (held.length > 0
                && Set.of("", "e/1d00").contains(our.senseCode())
                && our.status() != 0x18) {
            String right = command.equalsHeld(held) ? "" : "e/1d00";
            if (!our.senseCode().equals(right)) {
                unexplained.add(
                        "%s: gateway %s, by what LIO holds %s"
                                .formatted(command, our.senseCode(), right));
                return;
            }
        }
        if (differences.isEmpty()) {
            return;
        }
        for (LioDifferences reason : LioDifferences.values()) {
            if (reason.explains(command, our, their)) {
                explained.merge(reason, 1, Integer::sum);
                if (our.status() != their.status()) {
                    ours.renew();
                    theirs.renew();
                }
                return;
            }
        }
        unexplained.add(command + "\n    " + String.join("\n    ", differences));
    }

    private static List<String> differences(ScsiInitiator.Answer our, ScsiInitiator.Answer their) {
        List<String> differences = new ArrayList<>();
        add(differences, "status", hex(our.status()), hex(their.status()));
        add(differences, "sense", our.senseCode(), their.senseCode());
        add(differences, "information", our.information(), their.information());
        if (our.status() == 0 && their.status() == 0) {
            // What was transferred of a command that failed is left to the target.
            add(differences, "residual", our.residual(), their.residual());
        }
        add(differences, "data", text(our.data()), text(their.data()));
        return differences;
    }

    private static String hex(int number) {
        return Integer.toHexString(number);
    }

    private static void add(List<String> differences, String what, String our, String their) {
        if (!our.equals(their)) {
            differences.add("%s: gateway %s, LIO %s".formatted(what, our, their));
        }
    }

    private static String text(byte[] data) {
        return data.length <= 256
                ? HexFormat.of().formatHex(data)
                : "%d bytes, %s".formatted(data.length, Hashes.sha256(data));
    }

    private void compareContents(Side ours, Side theirs) throws IOException {
        ours.clearReservations();
        theirs.clearReservations();
        int step = 256;
        for (int block = 0; block < DISK_BLOCKS; block += step) {
            ByteBuffer cdb = ScsiScript.read10(block, step);
            ScsiCommand read =
                    new ScsiCommand(
                            "contents",
                            0,
                            0,
                            ScsiScript.content(cdb),
                            new byte[0],
                            step * BLOCK_BYTES);
            ScsiInitiator.Answer our = ours.run(read);
            ScsiInitiator.Answer their = theirs.run(read);
            assertThat(our.status()).isZero();
            assertThat(their.status()).isZero();
            if (!Arrays.equals(our.data(), their.data())) {
                unexplained.add("contents differ from block " + block);
            }
        }
    }
}
