package sysio

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// pread moves the position of the file, for Windows cannot read without that.
func pread(fd int, p []byte, offset int64) (int, error) {
	at := windows.Overlapped{Offset: uint32(offset), OffsetHigh: uint32(offset >> 32)}
	var n uint32
	err := windows.ReadFile(windows.Handle(fd), p, &n, &at)
	if err == windows.ERROR_HANDLE_EOF {
		err = nil
	}
	return int(n), err
}

func size(fd int) (int64, error) {
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(fd), &info); err != nil {
		return 0, err
	}
	return int64(info.FileSizeHigh)<<32 | int64(info.FileSizeLow), nil
}

func closeFile(fd int) error { return windows.CloseHandle(windows.Handle(fd)) }

// granularity returns what the offset of a mapping must be a multiple of.
func granularity() int64 { return 64 << 10 }

// mmap closes the handle of the mapping at once: the view keeps what it needs.
func mmap(fd int, offset int64, n int) ([]byte, error) {
	m, err := windows.CreateFileMapping(windows.Handle(fd), nil, windows.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, err
	}
	defer windows.CloseHandle(m)
	addr, err := windows.MapViewOfFile(m, windows.FILE_MAP_READ, uint32(offset>>32), uint32(offset), uintptr(n))
	if err != nil {
		return nil, err
	}
	// The address is that of memory which is not Go's and does not move.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), n), nil
}

func munmap(whole []byte) error {
	return windows.UnmapViewOfFile(uintptr(unsafe.Pointer(&whole[0])))
}
