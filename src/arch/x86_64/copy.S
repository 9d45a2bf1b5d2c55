/*
 * copy.S: arch_copy() of x86-64: memcpy() whose every access to memory is in the exception table.
 *
 * int arch_copy(void *to, const void *from, size_t size, size_t *done, unsigned report)
 *                rdi       rsi               rdx          rcx           r8d
 *
 * The five arguments stay in their registers; eax returns 0; rax counts the bytes done and r9 ends the loops. After a
 * fault the landing places put the number of bytes that are surely done into r9 and go to guard_copy_failed(), which
 * finds the exact byte:
 *
 *     .Lfault_none      nothing is done: every short copy loads all it needs before it stores
 *     .Lfault_first_16  rax bytes are done, and the first 16: the loop without AVX
 *     .Lfault_first_32  rax bytes are done, and the first 32: the loops with AVX
 *
 * Each group of loads stands before its stores, so a missing source page never leaves bytes behind the exact place.
 * `rep movsb` is not used: up to some KiB its start costs more than the copy, and above it is no faster than the loop.
 */

/* From this size on stores bypass the caches: what is copied could not stay in them anyway. */
    .set STREAM_FROM, 25165824

    .macro MAY_FAULT first, after, landing
    .pushsection mmf_guard_table, "aR", @progbits
    .balign 4
    .long \first - ., \after - ., \landing - .
    .popsection
    .endm

    .hidden guard_copy_failed
    .hidden arch_has_avx

    .section .text.arch_copy, "ax", @progbits
    .globl arch_copy
    .hidden arch_copy
    .type arch_copy, @function
    .balign 64
arch_copy:
    .cfi_startproc
    cmpq $16, %rdx
    jb .Lbelow_16
    cmpq $32, %rdx
    ja .Labove_32
.Lshort:
    movups (%rsi), %xmm0
    movups -16(%rsi,%rdx), %xmm1
    movups %xmm0, (%rdi)
    movups %xmm1, -16(%rdi,%rdx)
    xorl %eax, %eax
    ret

    .balign 16
.Labove_32:
    cmpq $64, %rdx
    ja .Labove_64
    movups (%rsi), %xmm0
    movups 16(%rsi), %xmm1
    movups -32(%rsi,%rdx), %xmm2
    movups -16(%rsi,%rdx), %xmm3
    movups %xmm0, (%rdi)
    movups %xmm1, 16(%rdi)
    movups %xmm2, -32(%rdi,%rdx)
    movups %xmm3, -16(%rdi,%rdx)
    xorl %eax, %eax
    ret

    .balign 16
.Lbelow_16:
    cmpl $8, %edx
    jb .Lbelow_8
    movq (%rsi), %rax
    movq -8(%rsi,%rdx), %r9
    movq %rax, (%rdi)
    movq %r9, -8(%rdi,%rdx)
    xorl %eax, %eax
    ret
    .balign 16
.Lbelow_8:
    cmpl $4, %edx
    jb .Lbelow_4
    movl (%rsi), %eax
    movl -4(%rsi,%rdx), %r9d
    movl %eax, (%rdi)
    movl %r9d, -4(%rdi,%rdx)
    xorl %eax, %eax
    ret
    .balign 16
.Lbelow_4:
    cmpl $1, %edx
    jb .Lempty
    je .Lone
    movzwl (%rsi), %eax
    movzbl -1(%rsi,%rdx), %r9d
    movw %ax, (%rdi)
    movb %r9b, -1(%rdi,%rdx)
.Lempty:
    xorl %eax, %eax
    ret
.Lone:
    movzbl (%rsi), %eax
    movb %al, (%rdi)
    xorl %eax, %eax
    ret

    .balign 16
.Labove_64:
    cmpb $0, arch_has_avx(%rip)
    jne .Lwide
    cmpq $128, %rdx
    ja .Labove_128
    movups (%rsi), %xmm0
    movups 16(%rsi), %xmm1
    movups 32(%rsi), %xmm2
    movups 48(%rsi), %xmm3
    movups -64(%rsi,%rdx), %xmm4
    movups -48(%rsi,%rdx), %xmm5
    movups -32(%rsi,%rdx), %xmm6
    movups -16(%rsi,%rdx), %xmm7
    movups %xmm0, (%rdi)
    movups %xmm1, 16(%rdi)
    movups %xmm2, 32(%rdi)
    movups %xmm3, 48(%rdi)
    movups %xmm4, -64(%rdi,%rdx)
    movups %xmm5, -48(%rdi,%rdx)
    movups %xmm6, -32(%rdi,%rdx)
    movups %xmm7, -16(%rdi,%rdx)
    xorl %eax, %eax
    ret

    /* Without AVX: the first 16 bytes, whole 64-byte blocks at a 16-byte boundary of the target, the last 64 bytes. */
.Labove_128:
    movups (%rsi), %xmm0
    movups %xmm0, (%rdi)
.Lshort_end:
    movl %edi, %eax
    negl %eax
    andl $15, %eax
    leaq -64(%rdx), %r9
    .balign 32
.Lloop:
    movups (%rsi,%rax), %xmm0
    movups 16(%rsi,%rax), %xmm1
    movups 32(%rsi,%rax), %xmm2
    movups 48(%rsi,%rax), %xmm3
    movaps %xmm0, (%rdi,%rax)
    movaps %xmm1, 16(%rdi,%rax)
    movaps %xmm2, 32(%rdi,%rax)
    movaps %xmm3, 48(%rdi,%rax)
    addq $64, %rax
    cmpq %r9, %rax
    jb .Lloop
    movups -64(%rsi,%rdx), %xmm0
    movups -48(%rsi,%rdx), %xmm1
    movups -32(%rsi,%rdx), %xmm2
    movups -16(%rsi,%rdx), %xmm3
    movups %xmm0, -64(%rdi,%rdx)
    movups %xmm1, -48(%rdi,%rdx)
    movups %xmm2, -32(%rdi,%rdx)
    movups %xmm3, -16(%rdi,%rdx)
.Lloop_end:
    xorl %eax, %eax
    ret

    /* With AVX. */
    .balign 16
.Lwide:
    cmpq $128, %rdx
    ja .Lwide_above_128
.Lwide_short:
    vmovups (%rsi), %ymm0
    vmovups 32(%rsi), %ymm1
    vmovups -64(%rsi,%rdx), %ymm2
    vmovups -32(%rsi,%rdx), %ymm3
    vmovups %ymm0, (%rdi)
    vmovups %ymm1, 32(%rdi)
    vmovups %ymm2, -64(%rdi,%rdx)
    vmovups %ymm3, -32(%rdi,%rdx)
    xorl %eax, %eax
    vzeroupper
    ret
    .balign 16
.Lwide_above_128:
    cmpq $256, %rdx
    ja .Lwide_above_256
    vmovups (%rsi), %ymm0
    vmovups 32(%rsi), %ymm1
    vmovups 64(%rsi), %ymm2
    vmovups 96(%rsi), %ymm3
    vmovups -128(%rsi,%rdx), %ymm4
    vmovups -96(%rsi,%rdx), %ymm5
    vmovups -64(%rsi,%rdx), %ymm6
    vmovups -32(%rsi,%rdx), %ymm7
    vmovups %ymm0, (%rdi)
    vmovups %ymm1, 32(%rdi)
    vmovups %ymm2, 64(%rdi)
    vmovups %ymm3, 96(%rdi)
    vmovups %ymm4, -128(%rdi,%rdx)
    vmovups %ymm5, -96(%rdi,%rdx)
    vmovups %ymm6, -64(%rdi,%rdx)
    vmovups %ymm7, -32(%rdi,%rdx)
    xorl %eax, %eax
    vzeroupper
    ret

    /* The first 32 bytes, whole 128-byte blocks at a 32-byte boundary of the target, the last 128 bytes. */
    .balign 16
.Lwide_above_256:
    cmpq $STREAM_FROM, %rdx
    jae .Lstream
.Lwide_loop_first:
    vmovups (%rsi), %ymm0
    vmovups %ymm0, (%rdi)
.Lwide_short_end:
    movl %edi, %eax
    negl %eax
    andl $31, %eax
    leaq -128(%rdx), %r9
    .balign 32
.Lwide_loop:
    vmovups (%rsi,%rax), %ymm0
    vmovups 32(%rsi,%rax), %ymm1
    vmovups 64(%rsi,%rax), %ymm2
    vmovups 96(%rsi,%rax), %ymm3
    vmovaps %ymm0, (%rdi,%rax)
    vmovaps %ymm1, 32(%rdi,%rax)
    vmovaps %ymm2, 64(%rdi,%rax)
    vmovaps %ymm3, 96(%rdi,%rax)
    subq $-128, %rax
    cmpq %r9, %rax
    jb .Lwide_loop
.Lwide_last:
    vmovups -128(%rsi,%rdx), %ymm0
    vmovups -96(%rsi,%rdx), %ymm1
    vmovups -64(%rsi,%rdx), %ymm2
    vmovups -32(%rsi,%rdx), %ymm3
    vmovups %ymm0, -128(%rdi,%rdx)
    vmovups %ymm1, -96(%rdi,%rdx)
    vmovups %ymm2, -64(%rdi,%rdx)
    vmovups %ymm3, -32(%rdi,%rdx)
.Lwide_loop_end:
    xorl %eax, %eax
    vzeroupper
    ret

    /* The same with stores that bypass the caches; the fence makes them visible before what follows. */
.Lstream:
    vmovups (%rsi), %ymm0
    vmovups %ymm0, (%rdi)
.Lstream_first_end:
    movl %edi, %eax
    negl %eax
    andl $31, %eax
    leaq -128(%rdx), %r9
    .balign 32
.Lstream_loop:
    vmovups (%rsi,%rax), %ymm0
    vmovups 32(%rsi,%rax), %ymm1
    vmovups 64(%rsi,%rax), %ymm2
    vmovups 96(%rsi,%rax), %ymm3
    vmovntps %ymm0, (%rdi,%rax)
    vmovntps %ymm1, 32(%rdi,%rax)
    vmovntps %ymm2, 64(%rdi,%rax)
    vmovntps %ymm3, 96(%rdi,%rax)
    subq $-128, %rax
    cmpq %r9, %rax
    jb .Lstream_loop
    sfence
    jmp .Lwide_last
.Lstream_loop_end:

    /* The landing places. */
.Lfault_first_16:
    movl $16, %r9d
    jmp .Lfault_later
.Lfault_none:
    xorl %eax, %eax
    xorl %r9d, %r9d
    jmp .Lfault_later
.Lfault_first_32:
    movl $32, %r9d
.Lfault_later:
    cmpq %r9, %rax
    cmovaq %rax, %r9
    cmpb $0, arch_has_avx(%rip)
    je guard_copy_failed
    vzeroupper
    sfence
    jmp guard_copy_failed
    .cfi_endproc
    .size arch_copy, . - arch_copy

    MAY_FAULT .Lshort, .Lshort_end, .Lfault_none
    MAY_FAULT .Lloop, .Lloop_end, .Lfault_first_16
    MAY_FAULT .Lwide_short, .Lwide_short_end, .Lfault_none
    MAY_FAULT .Lwide_loop, .Lwide_loop_end, .Lfault_first_32
    MAY_FAULT .Lstream, .Lstream_first_end, .Lfault_none
    MAY_FAULT .Lstream_loop, .Lstream_loop_end, .Lfault_first_32

    .section .note.GNU-stack, "", @progbits
