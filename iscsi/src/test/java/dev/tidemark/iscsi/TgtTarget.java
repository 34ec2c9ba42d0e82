package dev.tidemark.iscsi;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;

/** Debian's tgt with one sparse disk, on loopback; wants root. */
final class TgtTarget implements AutoCloseable {
    private static final String NAME = "iqn.2026-11.dev.tidemark:tgt";

    /** Of the socket by which tgtadm talks to it: another than that of a tgt of the system. */
    private static final String CONTROL = "72";

    private final int port;
    private final ForeignProgram process;

    TgtTarget(Path image, long sizeBytes) throws IOException, InterruptedException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        Files.createDirectories(Path.of("/run/tgt"));
        port = freePort();
        process =
                ForeignProgram.start(
                        "tgtd", "-f", "-C", CONTROL, "--iscsi", "portal=127.0.0.1:" + port);
        TestServer.await("tgtd to listen", this::listens);
        control("new", "--mode", "target", "-T", NAME);
        control("new", "--mode", "logicalunit", "--lun", "1", "-b", image.toString());
        control("bind", "--mode", "target", "-I", "ALL");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private boolean listens() {
        try (Socket probe = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return probe.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    private static void control(String operation, String... arguments)
            throws IOException, InterruptedException {
        String[] command = new String[9 + arguments.length];
        String[] begin = {"tgtadm", "-C", CONTROL, "--lld", "iscsi", "--tid", "1", "--op"};
        System.arraycopy(begin, 0, command, 0, begin.length);
        command[begin.length] = operation;
        System.arraycopy(arguments, 0, command, begin.length + 1, arguments.length);
        ForeignProgram.run(command);
    }

    String url() {
        return "iscsi://127.0.0.1:" + port + "/" + NAME + "/1";
    }

    @Override
    public void close() throws IOException {
        process.close();
    }
}
