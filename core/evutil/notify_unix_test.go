//go:build unix

package evutil_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

func TestNotifyOfFullPipeSucceeds(t *testing.T) {
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	closeLater(t, p[0], p[1])
	if err := evutil.SetNonblock(p[1]); err != nil {
		t.Fatal(err)
	}
	for {
		err := sysio.Signal(p[1])
		if evutil.IsRetriable(err) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := evutil.Notify(p[1]); err != nil {
		t.Error(err)
	}
}

func TestDrainNotifyOfFullPipeEmptiesIt(t *testing.T) {
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	closeLater(t, p[0], p[1])
	for _, fd := range p {
		if err := evutil.SetNonblock(fd); err != nil {
			t.Fatal(err)
		}
	}
	for sysio.Signal(p[1]) == nil {
	}
	if err := evutil.DrainNotify(p[0]); err != nil {
		t.Fatal(err)
	}
	if notified(t, p[0]) {
		t.Error("something is left")
	}
}
