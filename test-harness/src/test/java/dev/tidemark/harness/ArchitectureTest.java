package dev.tidemark.harness;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.FileReader;
import java.io.FileWriter;
import java.io.RandomAccessFile;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of modules: who may touch whom, and who may touch the machine. */
final class ArchitectureTest {
    private static final String STORAGE = "dev.tidemark.storage..";
    private static final String BLOCK_DEVICE = "dev.tidemark.blockdevice..";
    private static final String EXECUTION = "dev.tidemark.execution..";
    private static final String JOURNAL = "dev.tidemark.journal..";
    private static final String REPLICA = "dev.tidemark.replica..";
    private static final String NBD = "dev.tidemark.nbd..";
    private static final String ISCSI = "dev.tidemark.iscsi..";

    /** All below the gateway. */
    private static final String[] ENGINE = {BLOCK_DEVICE, EXECUTION, JOURNAL, REPLICA, NBD, ISCSI};

    /** The parts of the gateway that read and write small files: settings, pid, console assets. */
    private static final String[] GATEWAY_WITH_FILES = {
        "dev.tidemark.gateway.config..",
        "dev.tidemark.gateway.catalogue..",
        "dev.tidemark.gateway.client..",
        "dev.tidemark.gateway.demo..",
        "dev.tidemark.gateway.pki..",
        "dev.tidemark.gateway.tls..",
        "dev.tidemark.gateway.server..",
        "dev.tidemark.gateway.cli.."
    };

    private static final String JDK = "java..";
    private static final String TLS = "javax.net.ssl..";

    /** The proofs of pairing. */
    private static final String CRYPTOGRAPHY = "javax.crypto..";

    private static final String ZSTD = "com.github.luben.zstd..";

    /** The names in certificates. */
    private static final String X500 = "javax.security.auth.x500..";

    private static final String NULLNESS = "org.jspecify.annotations..";
    private static final String CHECKS = "com.google.errorprone.annotations..";
    private static final String NETTY = "io.netty..";
    private static final String NETTY_BUFFERS = "io.netty.buffer..";
    private static final String NETTY_UTILITIES = "io.netty.util..";
    private static final String CACHE = "com.github.benmanes.caffeine..";
    private static final String LOG = "org.slf4j..";

    private static final JavaClasses PRODUCTION =
            new ClassFileImporter()
                    .withImportOption(new ProductionOnly())
                    .importPackages("dev.tidemark");

    /** A module's packages, and all that they may depend on besides themselves. */
    record Module(String packages, List<String> mayTouch) {
        static Module of(String packages, String... mayTouch) {
            return new Module(
                    packages,
                    Stream.concat(Stream.of(packages, JDK, NULLNESS, CHECKS), Stream.of(mayTouch))
                            .toList());
        }
    }

    static Stream<Module> modules() {
        return Stream.of(
                Module.of(EXECUTION),
                Module.of(STORAGE, EXECUTION, NETTY_BUFFERS, NETTY_UTILITIES),
                Module.of(BLOCK_DEVICE, EXECUTION, STORAGE, NETTY_BUFFERS, NETTY_UTILITIES),
                Module.of(
                        JOURNAL,
                        EXECUTION,
                        STORAGE,
                        BLOCK_DEVICE,
                        NETTY_BUFFERS,
                        NETTY_UTILITIES,
                        CACHE),
                Module.of(
                        REPLICA,
                        EXECUTION,
                        STORAGE,
                        BLOCK_DEVICE,
                        JOURNAL,
                        NETTY,
                        TLS,
                        CRYPTOGRAPHY,
                        ZSTD,
                        CACHE,
                        LOG),
                Module.of(NBD, EXECUTION, BLOCK_DEVICE, NETTY, TLS, X500, LOG),
                Module.of(ISCSI, EXECUTION, BLOCK_DEVICE, NETTY, TLS, LOG));
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleTouchesOnlyWhatTheTableAllows(Module module) {
        classes()
                .that()
                .resideInAPackage(module.packages())
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(module.mayTouch().toArray(String[]::new))
                .check(PRODUCTION);
    }

    /** Gives a unix socket its mode, and removes one that a dead gateway left behind. */
    private static final String UNIX_SOCKETS = "dev.tidemark.nbd.NbdServer";

    @Test
    void onlyTheLinkBetweenSitesKnowsTransports() {
        noClasses()
                .that()
                .resideInAPackage(REPLICA)
                .and()
                .resideOutsideOfPackage("dev.tidemark.replica.link..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.netty.channel..", "io.netty.bootstrap..", "io.netty.handler..")
                .check(PRODUCTION);
    }

    @Test
    void nothingDependsOnTheHarness() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.tidemark.harness..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.tidemark.harness..")
                .check(PRODUCTION);
    }

    @Test
    void noPackagesFormACycle() {
        slices().matching("dev.tidemark.(**)").should().beFreeOfCycles().check(PRODUCTION);
    }

    @Test
    void onlyTheStorageSeamTouchesFiles() {
        noClasses()
                .that()
                .resideInAnyPackage(ENGINE)
                .and()
                .doNotHaveFullyQualifiedName(UNIX_SOCKETS)
                .should()
                .dependOnClassesThat(touchTheFileSystem())
                .check(PRODUCTION);
    }

    @Test
    void onlyNamedPartsOfTheGatewayTouchFiles() {
        noClasses()
                .that()
                .resideInAPackage("dev.tidemark.gateway..")
                .and()
                .resideOutsideOfPackages(GATEWAY_WITH_FILES)
                .should()
                .dependOnClassesThat(touchTheFileSystem())
                .check(PRODUCTION);
    }

    @Test
    void onlyTheStorageSeamCallsNativeCode() {
        noClasses()
                .that()
                .resideOutsideOfPackage(STORAGE)
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Linker.class, SymbolLookup.class)
                .check(PRODUCTION);
    }

    @Test
    void theEngineWritesNothingToStandardStreams() {
        noClasses()
                .that()
                .resideInAnyPackage(ENGINE)
                .should(GeneralCodingRules.ACCESS_STANDARD_STREAMS)
                .check(PRODUCTION);
    }

    /** NullAway is silent about packages without the annotation. */
    @Test
    void everyPackageIsNullMarked() {
        List<String> unmarked =
                PRODUCTION.getPackage("dev.tidemark").getSubpackagesInTree().stream()
                        .filter(aPackage -> !aPackage.getClasses().isEmpty())
                        .filter(aPackage -> !aPackage.isAnnotatedWith(NullMarked.class))
                        .map(JavaPackage::getName)
                        .toList();
        assertThat(unmarked).isEmpty();
    }

    /** Of what touches files, {@code java.nio.file.Path} is not: it is only a name. */
    private static DescribedPredicate<JavaClass> touchTheFileSystem() {
        return JavaClass.Predicates.belongToAnyOf(
                        Files.class,
                        FileChannel.class,
                        AsynchronousFileChannel.class,
                        RandomAccessFile.class,
                        FileInputStream.class,
                        FileOutputStream.class,
                        FileReader.class,
                        FileWriter.class)
                .as("touch the file system");
    }

    /**
     * Leaves out generated benchmark code, and test classes, in folders as well as in test-jars.
     */
    private static final class ProductionOnly implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/test-classes/")
                    && !location.contains("-tests.jar!")
                    && !location.contains("/jmh_generated/");
        }
    }
}
