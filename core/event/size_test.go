package event

import (
	"testing"
	"unsafe"
)

func TestEventFitsInTwoCacheLines(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the limit is for 64-bit machines")
	}
	if size := unsafe.Sizeof(Event{}); size > 128 {
		t.Errorf("an Event takes %d bytes, want at most 128", size)
	}
	if size := unsafe.Sizeof(Deferred{}); size > 64 {
		t.Errorf("a Deferred takes %d bytes, want at most 64", size)
	}
	t.Logf("Event %d, Deferred %d, Base %d bytes", unsafe.Sizeof(Event{}), unsafe.Sizeof(Deferred{}), unsafe.Sizeof(Base{}))
}
