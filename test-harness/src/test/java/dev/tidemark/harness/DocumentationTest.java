package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.cli.Tidemark;
import dev.tidemark.harness.MarkdownPage.Line;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** What the pages say exists. */
final class DocumentationTest {
    private static final Path ROOT = ProjectFiles.root();
    private static final CommandSpec COMMAND = Tidemark.commandLine().getCommandSpec();

    static Stream<Path> pages() throws IOException {
        return MarkdownPage.all(ROOT).stream().map(page -> ROOT.relativize(page.file()));
    }

    private static MarkdownPage page(Path relative) throws IOException {
        return MarkdownPage.of(ROOT.resolve(relative));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void links_lead_somewhere(Path file) throws IOException {
        List<String> broken = new ArrayList<>();
        for (String link : page(file).links()) {
            if (!link.contains("://") && !link.startsWith("mailto:") && !resolves(file, link)) {
                broken.add(link);
            }
        }
        assertThat(broken).as("links of %s that lead nowhere", file).isEmpty();
    }

    @Test
    void every_page_can_be_reached_from_the_readme() throws IOException {
        Set<Path> reached = new TreeSet<>();
        Deque<Path> waiting = new ArrayDeque<>(List.of(Path.of("README.md")));
        while (!waiting.isEmpty()) {
            Path file = waiting.remove();
            if (reached.add(file)) {
                for (String link : page(file).links()) {
                    String path = link.replaceAll("#.*", "");
                    if (path.endsWith(".md") && !path.contains("://")) {
                        waiting.add(file.resolveSibling(path).normalize());
                    }
                }
            }
        }
        assertThat(reached).containsAll(pages().toList());
    }

    private static boolean resolves(Path file, String link) throws IOException {
        int hash = link.indexOf('#');
        String path = hash < 0 ? link : link.substring(0, hash);
        Path page = ROOT.resolve(file);
        Path target = path.isEmpty() ? page : page.resolveSibling(path).normalize();
        if (!target.startsWith(ROOT) || !Files.exists(target)) {
            return false;
        }
        return hash < 0 || MarkdownPage.of(target).anchors().contains(link.substring(hash + 1));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void tables_have_a_header_and_rows_of_equal_width(Path file) throws IOException {
        for (List<Line> table : page(file).tables()) {
            String where = file + " line " + table.getFirst().number();
            assertThat(table).as(where).hasSizeGreaterThan(2);
            int width = MarkdownPage.cells(table.getFirst()).size();
            assertThat(MarkdownPage.cells(table.get(1)))
                    .as("second line of the table in %s", where)
                    .allMatch(cell -> cell.strip().matches(":?-+:?"));
            assertThat(table)
                    .as("rows of the table in %s, %d cells wide", where, width)
                    .allMatch(row -> MarkdownPage.cells(row).size() == width);
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void commands_exist(Path file) throws IOException {
        MarkdownPage page = page(file);
        List<Line> lines = new ArrayList<>(page.codeSpans());
        page.fences().forEach(fence -> lines.addAll(fence.lines()));
        List<String> wrong = new ArrayList<>();
        for (Line line : lines) {
            String refusal = refusal(line.text());
            if (refusal != null) {
                wrong.add("line " + line.number() + ": " + refusal + " in: " + line.text());
            }
        }
        assertThat(wrong).as("commands of %s", file).isEmpty();
    }

    @Test
    void a_command_that_does_not_exist_is_noticed() {
        assertThat(refusal("./tidemark volume create web --size 10G")).isNull();
        assertThat(refusal("$ tidemark checkpoint add|list")).isNull();
        assertThat(refusal("tidemark volume destroy web")).isEqualTo("no command \"destroy\"");
        assertThat(refusal("./tidemark volume create web --sise 10G"))
                .isEqualTo("no option \"--sise\"");
        assertThat(refusal("sudo tidemark serves")).isEqualTo("no command \"serves\"");
    }

    /** What is wrong with a line that calls the command; null when it does not, or rightly. */
    private static @Nullable String refusal(String line) {
        List<String> words = Arrays.asList(line.strip().replaceAll("\\s#.*", "").split("\\s+"));
        int at = 0;
        while (at < words.size() && words.get(at).matches("\\$|sudo|[A-Z_]+=.*")) {
            at++;
        }
        if (at >= words.size() || !words.get(at).matches("(\\S*/)?tidemark")) {
            return null;
        }
        CommandSpec command = COMMAND;
        for (String word : words.subList(at + 1, words.size())) {
            if (word.equals("--") || word.matches("[|&>;].*|\\d?>.*")) {
                break;
            }
            if (word.startsWith("--")) {
                String name = word.replaceAll("[=\\]].*", "");
                if (!command.optionsMap().containsKey(name)) {
                    return "no option \"" + name + '"';
                }
            } else if (!command.subcommands().isEmpty() && word.matches("[a-z|]+")) {
                CommandSpec parent = command;
                for (String each : word.split("\\|", -1)) {
                    CommandLine next = parent.subcommands().get(each);
                    if (next == null && !each.equals("help")) {
                        return "no command \"" + each + '"';
                    }
                    command = next == null ? command : next.getCommandSpec();
                }
                if (word.startsWith("help")) {
                    break;
                }
            }
        }
        return null;
    }
}
