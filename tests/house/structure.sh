#!/usr/bin/env bash
# structure.sh SOURCE: the order of the house: platforms are known to src/os only, src/os/posix to nothing of Linux, and
# a file includes only what lies below it.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
cd "$1" || exit 1

for folder in include/mmf src src/os src/os/posix tools/mmf; do
    [ -n "$(find "$folder" -maxdepth 1 -name '*.[ch]' 2>/dev/null)" ] || wrong "$folder has no files"
done
output=$(find include src tools examples -type f -name '*.[chS]' 2>/dev/null | sort | perl -e '
use strict;
use warnings;

# A platform or a processor in a condition of the preprocessor.
my $platform = qr/__linux|__gnu_linux__|\blinux\b|_WIN32|_WIN64|__MINGW|__CYGWIN__|_MSC_VER|__APPLE__|__MACH__
    |__FreeBSD|__NetBSD|__OpenBSD|__DragonFly|__sun\b|__unix|\bunix\b|__ANDROID__|__BIONIC__|__GLIBC__|MMF_OS_/x;
my $processor = qr/__x86_64|__amd64|__i386|__aarch64|__arm|__riscv|__powerpc|__s390|__mips|__loongarch/;

# What is there on Linux alone: headers, calls, names, paths.
my $linux = qr{
    <(?:linux|asm)/|<sys/(?:prctl|syscall|vfs|statfs|sysmacros|epoll|eventfd|signalfd|timerfd|inotify|sendfile|fanotify
        |capability)\.h>|<(?:malloc|features|error|mntent)\.h>
    |\b(?:syscall|memfd_create|fallocate|mremap|sync_file_range|process_madvise|process_vm_readv|process_vm_writev
        |cachestat|statx|copy_file_range|splice|tee|vmsplice|sendfile|renameat2|gettid|tgkill|pidfd_open
        |name_to_handle_at|open_by_handle_at|readahead|mlock2|get_nprocs|secure_getenv|prctl|getauxval|membarrier
        |userfaultfd|io_uring_setup|preadv2|pwritev2|close_range|\w+64|statfs|fstatfs|strchrnul
        |canonicalize_file_name)\s*\(
    |\b(?:_GNU_SOURCE|_LARGEFILE64_SOURCE|off64_t|loff_t|SYS_\w+|__NR_\w+|O_TMPFILE|O_PATH|O_LARGEFILE|O_NOATIME
        |MFD_\w+|F_ADD_SEALS|F_GET_SEALS|F_SEAL_\w+|F_SETLEASE|MAP_POPULATE|MAP_HUGETLB|MAP_HUGE_\w+|MAP_LOCKED
        |MAP_GROWSDOWN|MAP_SYNC|MAP_SHARED_VALIDATE|MAP_FIXED_NOREPLACE|MREMAP_\w+|FALLOC_FL_\w+|SYNC_FILE_RANGE_\w+
        |MADV_(?:DONTFORK|DOFORK|COLD|PAGEOUT|POPULATE_\w+|REMOVE|HUGEPAGE|NOHUGEPAGE|DONTDUMP|DODUMP|HWPOISON
        |MERGEABLE|WIPEONFORK)|STATX_\w+|AT_EMPTY_PATH|FICLONE\w*|FS_IOC_\w+|[A-Z0-9]+_SUPER_MAGIC|REG_RIP|REG_EIP
        |gregs|program_invocation_name|TEMP_FAILURE_RETRY|BUS_MCEERR_A[RO])\b
    |"/(?:proc|sys|dev/shm)\b}x;

# The layers of src from below; a file without a layer of its own is at the top.
my @layers = (
    [qr{^src/os/}, 0], [qr{^src/(?:error|options)\.}, 1], [qr{^src/(?:guard|arch/)}, 2],
    [qr{^src/(?:backing|access|cause|share|space)\.}, 3], [qr{^src/(?:map|sync)}, 4]);

sub layer
{
    my ($file) = @_;
    for (@layers) { return $$_[1] if $file =~ $$_[0] }
    return 5;
}

# The file of the tree that an include means.
sub resolve
{
    my ($file, $header) = @_;
    for my $folder ($file =~ s{/[^/]*$}{}r, "src", "include") {
        my $path = "$folder/$header";
        1 while $path =~ s{(^|/)(?!\.\./)[^/]+/\.\./}{$1};
        return $path if -e $path;
    }
    return undef;
}

my ($checked, %below) = (0);
sub wrong { print "wrong: @_\n" }

while (my $file = <STDIN>) {
    chomp $file;
    open my $in, "<", $file or die "$file: $!";
    my $text = do { local $/; <$in> };
    $checked++;
    # Comments go, lines and strings stay.
    $text =~ s{("(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27)|(/\*.*?\*/|//[^\n]*)}
        { defined $1 ? $1 : "\n" x ($2 =~ tr/\n//) }gse;
    my ($number, $directive) = (0, 0);
    for my $line (split /\n/, $text) {
        $number++;
        $directive ||= $line =~ /^\s*#\s*(?:if|ifdef|ifndef|elif)\b/;
        if ($directive) {
            wrong("$file:$number: a platform in an #if outside src/os: $line")
                if $line =~ $platform && $file !~ m{^src/os/};
            wrong("$file:$number: a processor in an #if outside src/arch and src/os: $line")
                if $line =~ $processor && $file !~ m{^src/(?:os|arch)/};
        }
        $directive &&= $line =~ /\\\s*$/;
        wrong("$file:$number: Linux alone has this: $line") if $file =~ m{^src/os/posix/} && $line =~ $linux;

        next unless $line =~ /^\s*#\s*include\s*(<[^>]*>|"([^"]*)")/;
        my ($name, $header) = ($1, $2);
        if ($file =~ m{^include/}) {
            wrong("$file:$number includes $name; public headers use each other and the standard")
                unless $name =~ m{^(?:"mmf/|<(?:stdbool|stddef|stdint|stdio|stdalign|string)\.h>)};
            next;
        }
        next unless defined $header;
        my $target = resolve($file, $header);
        if (!defined $target) {
            wrong("$file:$number includes $name, which is not in the tree");
        } elsif ($target =~ m{^include/}) {
            next;
        } elsif ($file =~ m{^src/}) {
            wrong("$file:$number includes $target, which lies above it")
                if $target !~ m{^src/} || layer($target) > layer($file);
            $below{$file}{$target} = 1 if $file =~ /\.h$/;
        } elsif ($file =~ m{^tools/}) {
            wrong("$file:$number includes $target; of src a tool may use os.h only")
                unless $target =~ m{^(?:tools/|src/os/os\.h$)};
        } else {
            wrong("$file:$number includes $target; examples use the public headers only")
                unless $target =~ m{^examples/};
        }
    }
}

# Headers in a circle: what can be put in no order.
my $left;
do {
    $left = 0;
    for my $header (keys %below) {
        delete $below{$header}{$_} for grep { !$below{$_} } keys %{$below{$header}};
        next if %{$below{$header}};
        delete $below{$header};
        $left = 1;
    }
} while ($left);
wrong("headers include each other in a circle: " . join(" ", sort keys %below)) if %below;
print "checked $checked\n";
') || wrong "the check itself failed"
checked=$(sed -n 's/^checked //p' <<<"$output")
checked=${checked:-0}
grep '^wrong: ' <<<"$output"
found=$((found + $(grep -c '^wrong: ' <<<"$output")))
finish
