package dev.tidemark.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Sense data byte for byte (SPC-4 section 4.5). */
final class ScsiErrorTest {
    private static String hex(byte[] sense) {
        return HexFormat.of().formatHex(sense);
    }

    @Test
    void a_sense_without_more_is_key_code_and_length() {
        ScsiError error = ScsiError.check(SenseKey.MEDIUM_ERROR, 0x1100);
        assertThat(hex(error.sense(false)))
                .isEqualTo("70000300000000" + "0a00000000" + "1100" + "00000000");
        assertThat(hex(error.sense(true))).isEqualTo("72031100" + "00000000");
    }

    /** Table 31: SKSV, and C/D where the field is one of the CDB. */
    @Test
    void a_wrong_field_is_pointed_at_in_the_cdb_or_in_the_list() {
        assertThat(hex(ScsiError.invalidField(0x0102).sense(false)))
                .isEqualTo("70000500000000" + "0a00000000" + "2400" + "00" + "c00102");
        assertThat(hex(ScsiError.invalidParameter(0x0102).sense(false)))
                .isEqualTo("70000500000000" + "0a00000000" + "2600" + "00" + "800102");
        assertThat(hex(ScsiError.invalidField(2).sense(true)))
                .isEqualTo("72052400" + "00000008" + "02060000" + "c0000200");
    }

    @Test
    void a_difference_is_told_in_the_information_field() {
        assertThat(hex(ScsiError.miscompare(0x1234).sense(false)))
                .isEqualTo("f0000e00001234" + "0a00000000" + "1d00" + "00000000");
        assertThat(hex(ScsiError.miscompare(0x1234).sense(true)))
                .isEqualTo("720e1d00" + "0000000c" + "000a8000" + "0000000000001234");
    }

    /** The field has 32 bits, and VALID says whether it holds. */
    @Test
    void information_that_does_not_fit_the_fixed_form_is_not_valid_there() {
        ScsiError far = ScsiError.miscompare(1L << 32);
        assertThat(hex(far.sense(false))).startsWith("70000e00000000");
        assertThat(hex(far.sense(true))).endsWith("0000000100000000");
    }
}
