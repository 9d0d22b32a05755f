package evhttp

import (
	"testing"
	"unsafe"
)

// TestSizesOfIdleConnections holds the memory of connections without a request to the size
// classes of the allocator that they are in, on 64 bits.
func TestSizesOfIdleConnections(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("for 64 bits")
	}
	for name, size := range map[string][2]uintptr{
		"a server's":          {unsafe.Sizeof(h1ServerConn{}), 320},
		"a client's":          {unsafe.Sizeof(ClientConn{}), 640},
		"a client's exchange": {unsafe.Sizeof(clientExchange{}), 960},
		"a server's exchange": {unsafe.Sizeof(h1ServerExchange{}), 896},
	} {
		if size[0] > size[1] {
			t.Errorf("%s has %d bytes, more than %d", name, size[0], size[1])
		}
	}
}
