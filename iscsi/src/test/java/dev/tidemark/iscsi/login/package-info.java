/** Tests of what is agreed on in a login. */
@NullMarked
package dev.tidemark.iscsi.login;

import org.jspecify.annotations.NullMarked;
