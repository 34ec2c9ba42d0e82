package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

/** The table of conformance in the reference names a test that exists for every row. */
final class ConformanceTableTest {
    private static final Path PAGE = Path.of("../docs/reference/nbd.md");
    private static final Pattern ROW = Pattern.compile("\\| ([FB]\\d+) \\| [^|]+ \\| ([^|]+) \\|");
    private static final Pattern NAME = Pattern.compile("`(\\w+)\\.(\\w+)`");

    private static final int FEATURES = 43;
    private static final int BAD_INPUTS = 44;

    private record Row(String id, String tests) {}

    private static List<Row> rows() throws IOException {
        List<Row> rows = new ArrayList<>();
        for (String line : Files.readAllLines(PAGE)) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                rows.add(new Row(row.group(1), row.group(2)));
            }
        }
        return rows;
    }

    @Test
    void every_row_is_there_once() throws IOException {
        List<String> expected =
                Stream.concat(
                                IntStream.rangeClosed(1, FEATURES).mapToObj(row -> "F" + row),
                                IntStream.rangeClosed(1, BAD_INPUTS).mapToObj(row -> "B" + row))
                        .toList();
        assertThat(rows()).extracting(Row::id).containsExactlyElementsOf(expected);
    }

    @Test
    void every_row_names_tests_that_exist_or_says_why_there_is_none() throws Exception {
        for (Row row : rows()) {
            if (row.tests().startsWith("not served: ") || row.tests().startsWith("elsewhere: ")) {
                continue;
            }
            Matcher name = NAME.matcher(row.tests());
            int tests = 0;
            while (name.find()) {
                Class<?> suite = Class.forName("dev.tidemark.nbd." + name.group(1));
                assertThat(
                                Stream.of(suite.getDeclaredMethods())
                                        .filter(ConformanceTableTest::isTest))
                        .as(row.id())
                        .extracting(Method::getName)
                        .contains(name.group(2));
                tests++;
            }
            assertThat(tests).as("tests of " + row.id()).isPositive();
        }
    }

    private static boolean isTest(Method method) {
        return method.isAnnotationPresent(Test.class)
                || method.isAnnotationPresent(ParameterizedTest.class);
    }
}
