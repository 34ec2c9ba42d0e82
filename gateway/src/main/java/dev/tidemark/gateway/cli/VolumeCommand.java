package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.client.ApiClient.Answer;
import dev.tidemark.gateway.text.ByteSize;
import dev.tidemark.gateway.text.Table;
import dev.tidemark.gateway.wire.Requests.ChangeVolume;
import dev.tidemark.gateway.wire.Requests.CreateVolume;
import dev.tidemark.gateway.wire.Requests.ImportVolume;
import dev.tidemark.gateway.wire.Wire.VolumeDocument;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemark volume}. */
@Command(
        name = "volume",
        description = "Makes, lists, grows, renames and deletes disks.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark volume create mydisk --size 10G",
            "  tidemark volume import web --from /srv/images/web.raw --group shop",
            "  tidemark volume resize mydisk --size 20G"
        })
final class VolumeCommand {
    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            description = {
                "Makes a thin disk that reads as zeros.",
                "Sizes: 10G and 10GiB are powers of 1024, 10GB of 1000."
            })
    int create(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "Name of the disk and of its export.")
                    String name,
            @Option(
                            names = "--size",
                            required = true,
                            paramLabel = "SIZE",
                            description = "Size, such as 10G.")
                    String size,
            @Option(
                            names = "--group",
                            paramLabel = "GROUP",
                            description =
                                    "Protection group; \"default\" when not given, made when missing.")
                    @Nullable String group) {
        CreateVolume request = new CreateVolume(name, ByteSize.parse(size), group);
        Answer answer = connection.client().post("/volumes", request);
        return connection.print(answer, out -> show(answer.as(VolumeDocument.class), out));
    }

    @Command(
            name = "import",
            mixinStandardHelpOptions = true,
            description =
                    "Makes a disk from a raw image on the gateway's machine; the image is only read.")
    int importImage(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "Name of the disk and of its export.")
                    String name,
            @Option(
                            names = "--from",
                            required = true,
                            paramLabel = "FILE",
                            description = "A raw image.")
                    Path from,
            @Option(
                            names = "--group",
                            paramLabel = "GROUP",
                            description =
                                    "Protection group; \"default\" when not given, made when missing.")
                    @Nullable String group,
            @Option(names = "--no-wait", description = "Return at once; the task goes on.")
                    boolean noWait) {
        ImportVolume request = new ImportVolume(name, from.toAbsolutePath().toString(), group);
        Answer started = connection.client().post("/volumes/import", request);
        return connection.await(
                started, !noWait, out -> show(get(connection, name).as(VolumeDocument.class), out));
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists all disks.")
    int list(@Mixin Connection connection) {
        Answer answer = connection.client().get("/volumes");
        return connection.print(
                answer,
                out -> {
                    Table table = new Table("NAME", "GROUP", "SIZE", "ON DISK", "OPEN", "URI");
                    for (VolumeDocument volume : answer.asList(VolumeDocument.class)) {
                        table.row(
                                volume.name(),
                                volume.group(),
                                ByteSize.format(volume.sizeBytes()),
                                ByteSize.format(volume.allocatedBytes()),
                                volume.openHandles(),
                                volume.uris().isEmpty() ? "-" : volume.uris().getFirst());
                    }
                    table.print(out);
                });
    }

    @Command(
            name = "resize",
            mixinStandardHelpOptions = true,
            description = "Grows a disk, in use or not.")
    int resize(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The disk.") String name,
            @Option(
                            names = "--size",
                            required = true,
                            paramLabel = "SIZE",
                            description = "The new size, such as 20G.")
                    String size) {
        ChangeVolume request = new ChangeVolume(null, ByteSize.parse(size));
        Answer answer = connection.client().patch("/volumes/" + ApiClient.encode(name), request);
        return connection.print(answer, out -> show(answer.as(VolumeDocument.class), out));
    }

    @Command(
            name = "rename",
            mixinStandardHelpOptions = true,
            description = "Renames a disk and its export; open connections stay.")
    int rename(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The disk.") String name,
            @Parameters(paramLabel = "NEW", description = "Its new name.") String next) {
        ChangeVolume request = new ChangeVolume(next, null);
        Answer answer = connection.client().patch("/volumes/" + ApiClient.encode(name), request);
        return connection.print(answer, out -> show(answer.as(VolumeDocument.class), out));
    }

    @Command(
            name = "delete",
            mixinStandardHelpOptions = true,
            description = "Deletes a disk and its past; refused while it is in use.")
    int delete(
            @Mixin Connection connection,
            @Parameters(paramLabel = "NAME", description = "The disk.") String name) {
        Answer answer = connection.client().delete("/volumes/" + ApiClient.encode(name));
        return connection.print(
                answer, out -> out.println("volume " + name + " deleted with its past"));
    }

    private static Answer get(Connection connection, String name) {
        return connection.client().get("/volumes/" + ApiClient.encode(name));
    }

    private static void show(VolumeDocument volume, PrintWriter out) {
        out.println(
                "volume "
                        + volume.name()
                        + ", "
                        + ByteSize.format(volume.sizeBytes())
                        + " ("
                        + volume.sizeBytes()
                        + " bytes), group "
                        + volume.group());
        volume.uris().forEach(uri -> out.println("  " + uri));
    }
}
