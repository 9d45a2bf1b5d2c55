/*
 * copy.S: arch_copy() of AArch64: memcpy() whose every access to memory is in the exception table.
 *
 * int arch_copy(void *to, const void *from, size_t size, size_t *done, unsigned report)
 *                x0        x1               x2           x3            w4
 *
 * The arguments stay in x1 to x4 and, during the work, in x5 (to); w0 returns 0. Nothing else is kept but x6 and x7,
 * the moving ends of source and target. After a fault the landing places put the number of bytes that are surely done
 * into x5 and go to guard_copy_failed(), which finds the exact byte:
 *
 *     .Lfault_none      nothing is done: every short copy loads all it needs before it stores
 *     .Lfault_progress  x6 - x1 bytes are done, and the first 16: the loop
 *
 * Each group of loads stands before its stores, so a missing source page never leaves bytes behind the exact place.
 */

    .macro MAY_FAULT first, after, landing
    .pushsection mmf_guard_table, "aR", %progbits
    .balign 4
    .long \first - ., \after - ., \landing - .
    .popsection
    .endm

    .hidden guard_copy_failed

    .section .text.arch_copy, "ax", %progbits
    .globl arch_copy
    .hidden arch_copy
    .type arch_copy, %function
    .balign 64
arch_copy:
    .cfi_startproc
    mov x5, x0
    mov w0, #0
    cmp x2, #16
    b.lo .Lbelow_16
    add x9, x1, x2              /* behind the last byte of the source */
    add x10, x5, x2             /* and of the target */
    cmp x2, #32
    b.hi .Labove_32
.Lshort:
    ldr q0, [x1]
    ldur q1, [x9, #-16]
    str q0, [x5]
    stur q1, [x10, #-16]
    ret

.Labove_32:
    cmp x2, #64
    b.hi .Labove_64
    ldp q0, q1, [x1]
    ldp q2, q3, [x9, #-32]
    stp q0, q1, [x5]
    stp q2, q3, [x10, #-32]
    ret

.Lbelow_16:
    add x9, x1, x2
    add x10, x5, x2
    tbz x2, #3, .Lbelow_8
    ldr x6, [x1]
    ldur x7, [x9, #-8]
    str x6, [x5]
    stur x7, [x10, #-8]
    ret
.Lbelow_8:
    tbz x2, #2, .Lbelow_4
    ldr w6, [x1]
    ldur w7, [x9, #-4]
    str w6, [x5]
    stur w7, [x10, #-4]
    ret
.Lbelow_4:
    cbz x2, .Lempty
    tbz x2, #1, .Lone
    ldrh w6, [x1]
    ldurb w7, [x9, #-1]
    strh w6, [x5]
    sturb w7, [x10, #-1]
.Lempty:
    ret
.Lone:
    ldrb w6, [x1]
    strb w6, [x5]
    ret

.Labove_64:
    cmp x2, #128
    b.hi .Labove_128
    ldp q0, q1, [x1]
    ldp q2, q3, [x1, #32]
    ldp q4, q5, [x9, #-64]
    ldp q6, q7, [x9, #-32]
    stp q0, q1, [x5]
    stp q2, q3, [x5, #32]
    stp q4, q5, [x10, #-64]
    stp q6, q7, [x10, #-32]
    ret

    /* The first 16 bytes, whole 64-byte blocks at a 16-byte boundary of the target, the last 64 bytes. */
.Labove_128:
    ldr q0, [x1]
    str q0, [x5]
.Lshort_end:
    neg x8, x5
    and x8, x8, #15
    add x6, x1, x8
    add x7, x5, x8
    sub x11, x9, #64
.Lloop:
    ldp q0, q1, [x6]
    ldp q2, q3, [x6, #32]
    stp q0, q1, [x7]
    stp q2, q3, [x7, #32]
    add x6, x6, #64
    add x7, x7, #64
    cmp x6, x11
    b.lo .Lloop
    ldp q0, q1, [x9, #-64]
    ldp q2, q3, [x9, #-32]
    stp q0, q1, [x10, #-64]
    stp q2, q3, [x10, #-32]
.Lloop_end:
    ret

    /* The landing places. */
.Lfault_none:
    mov x0, x5
    mov x5, #0
    b guard_copy_failed
.Lfault_progress:
    mov x0, x5
    sub x5, x6, x1
    mov x6, #16
    cmp x5, x6
    csel x5, x5, x6, hs
    b guard_copy_failed
    .cfi_endproc
    .size arch_copy, . - arch_copy

    MAY_FAULT .Lshort, .Lshort_end, .Lfault_none
    MAY_FAULT .Lloop, .Lloop_end, .Lfault_progress

    .section .note.GNU-stack, "", %progbits
