#!/usr/bin/env bash
# structure.sh SOURCE: the order of the house: platforms are known to src/os only, src/os/posix to nothing of Linux, and
# a file includes only what lies below it.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
cd "$1" || exit 1

files()
{
    local folder
    for folder in "$@"; do
        [ -d "$folder" ] && find "$folder" -type f \( -name '*.[chS]' -o -name '*.h' \) | sort
    done
}

# 1. No #if of a platform outside src/os, and of a processor outside src/arch and src/os.
platform='__linux|__gnu_linux__|\blinux\b|_WIN32|_WIN64|__MINGW|__CYGWIN__|_MSC_VER|__APPLE__|__MACH__|__FreeBSD|__NetBSD|__OpenBSD|__DragonFly|__sun\b|__unix|\bunix\b|__ANDROID__|__BIONIC__|__GLIBC__|MMF_OS_'
processor='__x86_64|__amd64|__i386|__aarch64|__arm|__riscv|__powerpc|__s390|__mips|__loongarch'
for file in $(files include src tools examples); do
    case $file in src/os/*) continue ;; esac
    checked=$((checked + 1))
    pattern="$platform|$processor"
    case $file in src/arch/*) pattern=$platform ;; esac
    while IFS= read -r line; do
        wrong "$file:$line: a platform's #if outside src/os"
    done < <(without_comments "$file" | perl -ne 'BEGIN { $on = 0 }
        my $directive = $on || /^\s*#\s*(?:if|ifdef|ifndef|elif)\b/;
        print "$.: $_" if $directive && m{'"$pattern"'};
        $on = $directive && /\\\s*$/;')
done

# 2. src/os/posix is a back end for every Unix. Names of Linux alone, by kind.
linux_headers='<linux/|<asm/|<sys/(prctl|syscall|vfs|statfs|sysmacros|epoll|eventfd|signalfd|timerfd|inotify|sendfile|fanotify|capability)\.h>|<(sched|malloc|features|error|mntent)\.h>'
linux_calls='\b(syscall|memfd_create|fallocate|mremap|sync_file_range|process_madvise|process_vm_readv|process_vm_writev|cachestat|statx|copy_file_range|splice|tee|vmsplice|sendfile|renameat2|gettid|tgkill|pidfd_open|name_to_handle_at|open_by_handle_at|readahead|mlock2|get_nprocs|secure_getenv|prctl|getauxval|membarrier|userfaultfd|io_uring_setup|preadv2|pwritev2|close_range|fopen64|open64|pread64|pwrite64|fstat64|ftruncate64|lseek64|mmap64|statfs|fstatfs|strchrnul|canonicalize_file_name)\s*\('
linux_names='\b(_GNU_SOURCE|_LARGEFILE64_SOURCE|off64_t|loff_t|SYS_\w+|__NR_\w+|O_TMPFILE|O_PATH|O_LARGEFILE|O_NOATIME|MFD_\w+|F_ADD_SEALS|F_GET_SEALS|F_SEAL_\w+|F_SETLEASE|MAP_POPULATE|MAP_HUGETLB|MAP_HUGE_\w+|MAP_LOCKED|MAP_GROWSDOWN|MAP_SYNC|MAP_SHARED_VALIDATE|MAP_FIXED_NOREPLACE|MREMAP_\w+|MADV_(DONTFORK|DOFORK|COLD|PAGEOUT|POPULATE_\w+|REMOVE|HUGEPAGE|NOHUGEPAGE|DONTDUMP|DODUMP|HWPOISON|MERGEABLE|WIPEONFORK)|FALLOC_FL_\w+|SYNC_FILE_RANGE_\w+|STATX_\w+|AT_EMPTY_PATH|FICLONE\w*|FS_IOC_\w+|[A-Z0-9]+_SUPER_MAGIC|REG_RIP|REG_EIP|gregs|program_invocation_name|TEMP_FAILURE_RETRY|BUS_MCEERR_A[RO])\b'
linux_paths='"/(proc|sys|dev/shm)\b'
for file in $(files src/os/posix); do
    checked=$((checked + 1))
    while IFS= read -r line; do
        wrong "$file:$line: Linux's own in src/os/posix"
    done < <(without_comments "$file" | perl -ne 'print "$.: $_"
        if m{'"$linux_headers"'} || m{'"$linux_calls"'} || m{'"$linux_names"'} || m{'"$linux_paths"'}')
done

# 3. Who may include whom. The layers of src from below; a file with no layer of its own is at the top of them.
layer()
{
    case $1 in
    src/os/*) echo 0 ;;
    src/error.* | src/options.*) echo 1 ;;
    src/guard* | src/arch/*) echo 2 ;;
    src/backing.* | src/access.* | src/cause.* | src/share.* | src/space.*) echo 3 ;;
    src/map* | src/sync.*) echo 4 ;;
    *) echo 5 ;;
    esac
}

# resolve FILE HEADER: the file of the tree that an include means.
resolve()
{
    local folder
    for folder in "${1%/*}" src include; do
        if [ -e "$folder/$2" ]; then
            # a/../b is b
            realpath --relative-to=. "$folder/$2"
            return
        fi
    done
}

edges=()
for file in $(files src tools examples); do
    checked=$((checked + 1))
    while IFS= read -r header; do
        target=$(resolve "$file" "$header")
        if [ -z "$target" ]; then
            wrong "$file includes \"$header\", which is not in the tree"
            continue
        fi
        case $target in
        include/mmf/*) continue ;;
        esac
        case $file in
        src/*)
            case $target in
            src/*) ;;
            *) wrong "$file includes $target, from outside src" ;;
            esac
            if [ "$(layer "$target")" -gt "$(layer "$file")" ]; then
                wrong "$file includes $target, which lies above it"
            fi
            case $file in *.h) edges+=("$file $target") ;; esac
            ;;
        tools/*)
            case $target in
            tools/* | src/os/os.h) ;;
            *) wrong "$file includes $target: of src a tool may use os.h only" ;;
            esac
            ;;
        examples/*)
            case $target in
            examples/*) ;;
            *) wrong "$file includes $target: examples use the public headers only" ;;
            esac
            ;;
        esac
    done < <(without_comments "$file" | sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p')
done
if [ ${#edges[@]} -gt 0 ] && ! circle=$(printf '%s\n' "${edges[@]}" | tsort 2>&1 >/dev/null); then
    wrong "headers include each other in a circle: $circle"
fi

# 4. Public headers need nothing but each other and the standard.
for file in $(files include); do
    while IFS= read -r header; do
        wrong "$file includes $header"
    done < <(without_comments "$file" | sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*//p' |
        grep -vE '^("mmf/|<(stdbool|stddef|stdint|stdio|stdalign|string)\.h>)')
done
for folder in include/mmf src src/os tools/mmf; do
    [ -n "$(files "$folder")" ] || wrong "$folder has no files"
done
finish
