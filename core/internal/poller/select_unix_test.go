//go:build unix

package poller

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFDSetsListWhatWasPut(t *testing.T) {
	put := map[int]Interest{
		0: Read, 1: Write, 31: Read | Write, 32: Read, 63: Write, 64: Read | Write,
		127: Read, unix.FD_SETSIZE - 1: Write, unix.FD_SETSIZE: Read, 3*unix.FD_SETSIZE + 31: Read | Write,
	}
	var s fdSets
	for fd, in := range put {
		s.put(fd, in)
	}
	s.put(40, Read)
	s.put(40, 0)
	s.put(31, Read)
	put[31] = Read

	last := -1
	for fd, in := s.next(0); fd >= 0; fd, in = s.next(fd + 1) {
		if fd <= last {
			t.Fatalf("%d after %d", fd, last)
		}
		if in != put[fd] {
			t.Errorf("fd %d: %v, want %v", fd, in, put[fd])
		}
		delete(put, fd)
		last = fd
	}
	if len(put) != 0 {
		t.Errorf("not listed: %v", put)
	}
}

func TestFDSetsTrimToTheHighest(t *testing.T) {
	var s fdSets
	fds := []int{5, 31, 32, 63, 64, 2 * unix.FD_SETSIZE}
	for _, fd := range fds {
		s.put(fd, Read)
	}
	for len(fds) > 0 {
		highest := fds[len(fds)-1]
		s.trim()
		if s.nfds != highest+1 {
			t.Errorf("nfds %d with %d as the highest", s.nfds, highest)
		}
		s.put(highest, 0)
		fds = fds[:len(fds)-1]
	}
	s.trim()
	if s.nfds != 0 {
		t.Errorf("nfds %d with nothing in the sets", s.nfds)
	}
}

// The kernel must agree with FdSet on where the bit of a descriptor is, on
// either side of each word and of FD_SETSIZE.
func TestSelectFindsDescriptorsByNumber(t *testing.T) {
	r, w := pipePair(t)
	writeFD(t, w, []byte("data"))
	for _, number := range []int{31, 32, 63, 64, 65, 255, 256, 1023, 1024, 4095, 4096, 10_000} {
		fd, err := unix.FcntlInt(uintptr(r), unix.F_DUPFD_CLOEXEC, number)
		if err != nil {
			t.Logf("fd %d: %v", number, err)
			break
		}
		closeAtEnd(t, fd)
		p, err := openSelect(Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		d := &driver{Poller: p, t: t, watched: make(map[int]Interest)}

		if fd >= selectLimit {
			err := d.Update(fd, 0, Read)
			if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), strconv.Itoa(selectLimit)) {
				t.Errorf("update fd %d: %v, want an error that names the limit %d", fd, err, selectLimit)
			}
			continue
		}
		d.watch(fd, Read)
		d.expect(fd, Read)
		d.watch(fd, 0)
		d.expectNothing()
	}
}
