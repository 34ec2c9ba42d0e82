package dev.tidemark.nbd;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Makes the files of {@link GoldenCaptureTest}: sits between a client and a server, and writes down
 * what both say. Run by hand, from the module's folder, when a reply has changed on purpose; look
 * at the difference before it is committed.
 */
final class GoldenRecorder {
    /** What one connection said so far. */
    private final List<GoldenCapture.Turn> turns = new ArrayList<>();

    private boolean clientSpeaks;
    private ByteArrayOutputStream said = new ByteArrayOutputStream();

    private GoldenRecorder() {}

    /** A client's session against the address it is given. */
    private interface Client {
        void run(ListenAddress.Tcp address) throws IOException, InterruptedException;
    }

    public static void main(String[] arguments) throws Exception {
        Files.createDirectories(GoldenCapture.FOLDER);
        record(
                "libnbd-map",
                "libnbd of Debian 12: block status of two contexts",
                address ->
                        tool(
                                address,
                                """
                                h.add_meta_context("base:allocation")
                                h.add_meta_context("qemu:dirty-bitmap:monday")
                                h.connect_uri(uri)
                                h.block_status(h.get_size(), 0, lambda *args: 0)
                                h.block_status(65536, 60000, lambda *args: 0, nbd.CMD_FLAG_REQ_ONE)
                                h.shutdown()
                                """));
        record(
                "libnbd-commands",
                "libnbd of Debian 12: every command",
                address ->
                        tool(
                                address,
                                """
                                h.connect_uri(uri)
                                h.set_strict_mode(0)
                                h.pwrite(b"tidemark", 100, nbd.CMD_FLAG_FUA)
                                h.pread(16, 96)
                                h.zero(4096, 4096, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FAST_ZERO)
                                h.trim(4096, 8192)
                                h.cache(65536, 0)
                                h.flush()
                                h.pread(131072, 61440)
                                h.pread_structured(1024, 65536, lambda *args: 0, nbd.CMD_FLAG_DF)
                                try:
                                    h.pread(512, h.get_size())
                                except nbd.Error:
                                    pass
                                h.shutdown()
                                """));
        record(
                "libnbd-simple",
                "libnbd of Debian 12 without structured replies",
                address ->
                        tool(
                                address,
                                """
                                h.set_request_structured_replies(False)
                                h.connect_uri(uri)
                                h.pwrite(b"tidemark", 100)
                                h.pread(16, 96)
                                h.flush()
                                h.shutdown()
                                """));
        record(
                "qemu-io",
                "qemu of Debian 12: qemu-io",
                address ->
                        Tool.run(
                                "qemu-io",
                                "-f",
                                "raw",
                                "-c",
                                "write -P 0x5a 1k 2k",
                                "-c",
                                "read 0 4k",
                                "-c",
                                "write -z 8k 4k",
                                "-c",
                                "discard 16k 4k",
                                "-c",
                                "flush",
                                "-c",
                                "map",
                                "nbd://" + address + "/disk"));
        record("extended", "extended headers, by hand", GoldenRecorder::extended);
    }

    private static void tool(ListenAddress.Tcp address, String script)
            throws IOException, InterruptedException {
        String uri = "uri = \"nbd://" + address + "/disk\"\n";
        Tool.run("nbdsh", "-c", uri + script);
    }

    private static void extended(ListenAddress.Tcp address) throws IOException {
        try (RawClient client = new RawClient(address).agree(ReplyForm.EXTENDED)) {
            client.contexts(Handshake.OPTION_LIST_META_CONTEXT, "disk");
            client.contexts(
                    Handshake.OPTION_SET_META_CONTEXT,
                    "disk",
                    "base:allocation",
                    "x-tidemark:last-write");
            client.enter("disk");
            client.ask(NbdCommand.BLOCK_STATUS, 1, 0, 1 << 20).chunks(1, 0);
            client.ask(CommandFlags.PAYLOAD_LEN, NbdCommand.BLOCK_STATUS, 2, 4096, 12);
            client.send(new byte[] {0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 2}).chunks(2, 4096);
            client.write(CommandFlags.FUA, 3, 100, new byte[] {1, 2, 3}).chunks(3, 100);
            client.ask(NbdCommand.READ, 4, 96, 16).chunks(4, 96);
            client.ask(NbdCommand.READ, 5, 65000, 100_000).chunks(5, 65000);
            client.ask(NbdCommand.TRIM, 6, 0, 1 << 20).chunks(6, 0);
            client.ask(NbdCommand.READ, 7, 1 << 20, 1).chunks(7, 1 << 20);
            client.ask(NbdCommand.DISCONNECT, 8, 0, 0).expectClosed();
        }
    }

    private static void record(String name, String comment, Client client) throws Exception {
        GoldenRecorder recorder = new GoldenRecorder();
        try (TestServer server =
                        new TestServer(
                                TestServer.Kind.TCP, GoldenCapture.exports(), NbdLimits.DEFAULT);
                ServerSocket front = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Thread relay = Thread.ofVirtual().start(() -> recorder.relay(front, server.address));
            client.run(new ListenAddress.Tcp("127.0.0.1", front.getLocalPort()));
            relay.join();
        }
        recorder.endTurn();
        new GoldenCapture(recorder.turns)
                .write(GoldenCapture.FOLDER.resolve(name + ".capture"), comment);
    }

    private void relay(ServerSocket front, ListenAddress back) {
        ListenAddress.Tcp tcp = (ListenAddress.Tcp) back;
        try (Socket client = front.accept();
                Socket server = new Socket(tcp.host(), tcp.port())) {
            Thread answers = Thread.ofVirtual().start(() -> pass(server, client, false));
            pass(client, server, true);
            answers.join();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void pass(Socket from, Socket to, boolean client) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] bytes = new byte[1 << 20];
            for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                note(client, bytes, count);
                out.write(bytes, 0, count);
            }
            to.shutdownOutput();
        } catch (IOException e) {
            System.err.println("relay ended: " + e.getMessage());
        }
    }

    private synchronized void note(boolean client, byte[] bytes, int count) {
        if (client != clientSpeaks) {
            endTurn();
            clientSpeaks = client;
        }
        said.write(bytes, 0, count);
    }

    private synchronized void endTurn() {
        if (said.size() > 0) {
            turns.add(
                    new GoldenCapture.Turn(
                            clientSpeaks, HexFormat.of().formatHex(said.toByteArray())));
            said = new ByteArrayOutputStream();
        }
    }
}
