//go:build unix

package sysio

import (
	"os"

	"golang.org/x/sys/unix"
)

func pread(fd int, p []byte, offset int64) (int, error) {
	return atLeastZero(unix.Pread(fd, p, offset))
}

func size(fd int) (int64, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return 0, err
	}
	return stat.Size, nil
}

func closeFile(fd int) error { return unix.Close(fd) }

// granularity returns what the offset of a mapping must be a multiple of.
func granularity() int64 { return int64(os.Getpagesize()) }

func mmap(fd int, offset int64, n int) ([]byte, error) {
	return unix.Mmap(fd, offset, n, unix.PROT_READ, unix.MAP_PRIVATE)
}

func munmap(whole []byte) error { return unix.Munmap(whole) }

// atLeastZero replaces the count of a call that failed.
func atLeastZero(n int, err error) (int, error) { return max(n, 0), err }
