package dev.tidemark.gateway.cli;

import dev.tidemark.gateway.client.ApiClient.UnreachableException;
import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.server.Version;
import dev.tidemark.gateway.service.Problems;
import dev.tidemark.gateway.wire.Json;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The {@code tidemark} command. */
@Command(
        name = "tidemark",
        description =
                "A block-storage gateway with a memory: serve disks, mount any of their past moments.",
        mixinStandardHelpOptions = true,
        versionProvider = Tidemark.Versions.class,
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:refused or failed; the message says why",
            "2:wrong usage, configuration, or a gateway that cannot start",
            "3:no gateway answers"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  tidemark serve",
            "  tidemark volume create mydisk --size 10G",
            "  tidemark checkpoint add before-upgrade",
            "  tidemark test start --at before-upgrade --at -15m",
            "  tidemark help test start"
        })
public final class Tidemark implements Runnable {
    static final int REFUSED = 1;
    static final int USAGE = 2;
    static final int UNREACHABLE = 3;

    private static final List<Class<?>> COMMANDS =
            List.of(
                    ServeCommand.class,
                    StatusCommand.class,
                    VolumeCommand.class,
                    GroupCommand.class,
                    CheckpointCommand.class,
                    PointCommand.class,
                    TestCommand.class,
                    RollbackCommand.class,
                    PromoteCommand.class,
                    FailoverCommand.class,
                    MoveCommand.class,
                    ReverseCommand.class,
                    HistoryCommand.class,
                    TaskCommand.class,
                    ConfigCommand.class,
                    PkiCommand.class,
                    SiteCommand.class,
                    DemoCommand.class);

    @Spec private CommandSpec spec = CommandSpec.create();

    /** Runs one command and ends the process with its exit code. */
    @SuppressWarnings("SystemExitOutsideMain")
    public static void main(String[] arguments) {
        int code = commandLine(arguments).execute(arguments);
        System.out.flush();
        System.exit(code);
    }

    /** The command tree, also for tests and for the reference page. */
    public static CommandLine commandLine() {
        return commandLine(COMMANDS);
    }

    /**
     * The command that the first word names, alone: the whole tree would take longer to build than
     * most commands to run. The whole tree when it names none.
     */
    private static CommandLine commandLine(String[] arguments) {
        String word = arguments.length == 0 ? "" : arguments[0];
        List<Class<?>> named =
                COMMANDS.stream()
                        .filter(type -> word.equals(type.getAnnotation(Command.class).name()))
                        .toList();
        return commandLine(named.isEmpty() ? COMMANDS : named);
    }

    private static CommandLine commandLine(List<Class<?>> commands) {
        CommandLine line = new CommandLine(new Tidemark());
        commands.forEach(line::addSubcommand);
        line.addSubcommand(new CommandLine.HelpCommand());
        line.setExecutionExceptionHandler(Tidemark::failed);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setUsageHelpAutoWidth(true);
        line.setAbbreviatedOptionsAllowed(false);
        return line;
    }

    private static int failed(
            Exception failure, CommandLine line, CommandLine.ParseResult arguments) {
        PrintWriter errors = line.getErr();
        return switch (failure) {
            case ProblemException known -> {
                boolean json = Arrays.asList(arguments.originalArgs().toArray()).contains("--json");
                errors.println(
                        json
                                ? Json.write(Problems.document(known.problem()))
                                : "tidemark: " + known.problem().sentence());
                yield line.getCommand() instanceof ServeCommand ? USAGE : REFUSED;
            }
            case ConfigurationException known -> {
                errors.println("tidemark: " + known.getMessage());
                yield USAGE;
            }
            case UnreachableException known -> {
                errors.println("tidemark: " + known.getMessage());
                yield UNREACHABLE;
            }
            default -> {
                errors.println("tidemark: unexpected failure: " + failure);
                failure.printStackTrace(errors);
                yield REFUSED;
            }
        };
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
    }

    static final class Versions implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"tidemark " + Version.text(), "Java " + Runtime.version()};
        }
    }
}
