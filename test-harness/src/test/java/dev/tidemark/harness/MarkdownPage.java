package dev.tidemark.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A page of the documentation, taken apart as far as its checks need. */
final class MarkdownPage {
    private static final Pattern CODE = Pattern.compile("`[^`]+`");
    private static final Pattern LINK = Pattern.compile("\\[[^\\]]*\\]\\(([^)\\s]+)[^)]*\\)");
    private static final Pattern HEADING = Pattern.compile("#{1,6} +(.*?)#* *");

    private final Path file;

    /** Lines outside of fences, with their numbers from 1. */
    private final List<Line> prose = new ArrayList<>();

    private final List<Fence> fences = new ArrayList<>();

    record Line(int number, String text) {}

    /** A block of code; its language is empty when none is said. */
    record Fence(String language, List<Line> lines) {}

    private MarkdownPage(Path file) throws IOException {
        this.file = file;
        List<Line> fenced = null;
        int number = 0;
        for (String text : Files.readAllLines(file)) {
            number++;
            if (text.stripLeading().startsWith("```")) {
                if (fenced == null) {
                    fenced = new ArrayList<>();
                    fences.add(new Fence(text.strip().substring(3).strip(), fenced));
                } else {
                    fenced = null;
                }
            } else {
                (fenced == null ? prose : fenced).add(new Line(number, text));
            }
        }
        if (fenced != null) {
            throw new AssertionError(file + ": a fence is not closed");
        }
    }

    /** The README, its neighbours, and all below docs. */
    static List<MarkdownPage> all(Path root) throws IOException {
        List<MarkdownPage> pages = new ArrayList<>();
        try (Stream<Path> beside = Files.list(root);
                Stream<Path> below = Files.walk(root.resolve("docs"))) {
            for (Path file : Stream.concat(beside, below).sorted().toList()) {
                if (file.toString().endsWith(".md")) {
                    pages.add(new MarkdownPage(file));
                }
            }
        }
        return pages;
    }

    static MarkdownPage of(Path file) throws IOException {
        return new MarkdownPage(file);
    }

    Path file() {
        return file;
    }

    List<Fence> fences() {
        return fences;
    }

    /** Targets of links, as they are written. */
    List<String> links() {
        List<String> links = new ArrayList<>();
        for (Line line : prose) {
            Matcher matcher = LINK.matcher(CODE.matcher(line.text).replaceAll("code"));
            while (matcher.find()) {
                links.add(matcher.group(1));
            }
        }
        return links;
    }

    /** Pieces of code in the prose. */
    List<Line> codeSpans() {
        List<Line> spans = new ArrayList<>();
        for (Line line : prose) {
            Matcher matcher = CODE.matcher(line.text);
            while (matcher.find()) {
                String code = matcher.group();
                spans.add(new Line(line.number, code.substring(1, code.length() - 1)));
            }
        }
        return spans;
    }

    /** What headings can be linked as: the way code hosts make anchors. */
    List<String> anchors() {
        List<String> anchors = new ArrayList<>();
        Map<String, Integer> seen = new HashMap<>();
        for (Line line : prose) {
            Matcher matcher = HEADING.matcher(line.text);
            if (matcher.matches()) {
                String anchor =
                        matcher.group(1)
                                .strip()
                                .toLowerCase(Locale.ROOT)
                                .replaceAll("\\]\\([^)]*\\)", "")
                                .replaceAll("[^\\p{L}\\p{N} _-]", "")
                                .replace(' ', '-');
                int before = seen.merge(anchor, 1, Integer::sum) - 1;
                anchors.add(before == 0 ? anchor : anchor + "-" + before);
            }
        }
        return anchors;
    }

    /** Tables: lines that begin with a bar and follow each other. */
    List<List<Line>> tables() {
        List<List<Line>> tables = new ArrayList<>();
        List<Line> table = new ArrayList<>();
        for (Line line : prose) {
            boolean follows = table.isEmpty() || table.getLast().number + 1 == line.number;
            boolean row = line.text.startsWith("|");
            if (!table.isEmpty() && !(row && follows)) {
                tables.add(table);
                table = new ArrayList<>();
            }
            if (row) {
                table.add(line);
            }
        }
        if (!table.isEmpty()) {
            tables.add(table);
        }
        return tables;
    }

    /** Cells of a table's row; a bar after a backslash is none. */
    static List<String> cells(Line row) {
        String inner = row.text.strip();
        if (!inner.endsWith("|") || inner.length() < 2) {
            throw new AssertionError("line " + row.number + ": the row does not end with a bar");
        }
        return List.of(inner.substring(1, inner.length() - 1).split("(?<!\\\\)\\|", -1));
    }
}
