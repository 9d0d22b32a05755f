//go:build unix

package evutil

import "testing"

func waitForData(t *testing.T, fd int) {
	t.Helper()
	if err := waitReadable(fd); err != nil {
		t.Fatal(err)
	}
}
