package evutil_test

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

var errBadDescriptor error = windows.WSAENOTSOCK

func isInherited(t *testing.T, fd int) bool {
	t.Helper()
	var flags uint32
	ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetHandleInformation").Call(uintptr(fd), uintptr(unsafe.Pointer(&flags)))
	if ok == 0 {
		t.Fatal(err)
	}
	return flags&windows.HANDLE_FLAG_INHERIT != 0
}

func makeInherited(t *testing.T, fd int) {
	t.Helper()
	err := windows.SetHandleInformation(windows.Handle(fd), windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT)
	if err != nil {
		t.Fatal(err)
	}
}
