/*
 * table.h: the exception table: which instructions may fault and where to go on after that.
 *
 * An entry is three 32-bit distances, each from its own place, so that the table needs no relocation at run time. The
 * linker gathers the entries of all files in the section mmf_guard_table, whose name being a C identifier makes it
 * define the two symbols below. "R" (SHF_GNU_RETAIN) keeps the section when the linker drops what nothing refers to.
 */
#ifndef MMF_SRC_ARCH_TABLE_H
#define MMF_SRC_ARCH_TABLE_H

/* For inline assembly: the instructions from label `first` up to label `after` go on at `landing` after a fault. */
#define GUARD_TABLE_ENTRY(first, after, landing)                                                                       \
    ".pushsection mmf_guard_table, \"aR\", %%progbits\n"                                                               \
    ".balign 4\n"                                                                                                      \
    ".long " first " - ., " after " - ., " landing " - .\n"                                                            \
    ".popsection\n"

#endif
