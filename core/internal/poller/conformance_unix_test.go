//go:build unix

package poller

import (
	"errors"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/go-libevent/libevent/core/internal/leak"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// What every Poller does on a Unix system.

func TestPipe(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		r, w := pipePair(t)
		d.watch(r, Read)
		d.watch(w, Write)
		d.expect(w, Write)
		writeFD(t, w, []byte("data"))
		d.expectAll(map[int]Interest{r: Read, w: Write})
		readFD(t, r, make([]byte, 16))
		d.expect(w, Write)
	})
}

func TestPipeWithoutWriterIsReadable(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		r, w := pipePair(t)
		d.watch(r, Read)
		d.expectNothing()
		closeFD(w)
		d.expect(r, Read)
		d.expect(r, Read)
	})
}

func TestPipeWithoutReaderIsWritable(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		r, w := pipePair(t)
		fill(t, w)
		d.watch(w, Write)
		d.expectNothing()
		closeFD(r)
		d.expect(w, Write)
		d.expect(w, Write)
	})
}

// Some kernels refuse to watch such a pipe. It must be ready nonetheless, and
// for as long as it is watched.
func TestPipeThatLostItsReaderBefore(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		r, w := pipePair(t)
		fill(t, w)
		closeFD(r)
		d.watch(w, Write)
		d.expect(w, Write)
		d.expect(w, Write)
		d.watch(w, 0)
		d.expectNothing()
	})
}

func TestErrorMakesAllThatIsWatchedReady(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		for _, in := range []Interest{Read, Read | Write} {
			fd := failedSocket(t)
			d.watch(fd, in)
			d.expect(fd, in)
			d.watch(fd, 0)
			closeFD(fd)
		}
	})
}

// failedSocket returns a datagram socket with an error to report: what it sent
// was refused.
func failedSocket(t *testing.T) int {
	t.Helper()
	fd := datagramSocket(t)
	closed := datagramSocket(t)
	if err := sysio.Bind(closed, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatalf("bind: %v", err)
	}
	at, err := sysio.Sockname(closed)
	if err != nil {
		t.Fatal(err)
	}
	closeFD(closed)
	if err := sysio.Connect(fd, at); err != nil {
		t.Fatalf("connect: %v", err)
	}
	if _, err := sysio.Send(fd, [][]byte{[]byte("anyone?")}); err != nil {
		t.Fatal(err)
	}
	return fd
}

func datagramSocket(t *testing.T) int {
	t.Helper()
	fd, err := sysio.DatagramSocket(unix.AF_INET, sysio.Mode{})
	if err != nil {
		t.Fatalf("socket: %v", err)
	}
	closeAtEnd(t, fd)
	return fd
}

func TestRefusedConnectionIsWritable(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		listener, at := listen(t)
		closeFD(listener)
		fd := tcpSocket(t)
		err := sysio.Connect(fd, at)
		if !errors.Is(err, unix.EINPROGRESS) && !errors.Is(err, unix.ECONNREFUSED) {
			t.Fatalf("connect: %v", err)
		}
		d.watch(fd, Write)
		d.expect(fd, Write)
	})
}

func TestEstablishedConnectionIsWritable(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		listener, at := listen(t)
		fd := tcpSocket(t)
		d.watch(listener, Read)
		d.expectNothing()
		if err := sysio.Connect(fd, at); err != nil && !errors.Is(err, unix.EINPROGRESS) {
			t.Fatalf("connect: %v", err)
		}
		d.watch(fd, Read|Write)
		d.expectAll(map[int]Interest{listener: Read, fd: Write})
	})
}

func TestShutdownOfOneDirection(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		a, b := socketPair(t)
		all := Read | Write
		if d.Method().Features&FeatureEarlyClose != 0 {
			all |= Closed
		}
		d.watch(a, all)
		d.expect(a, Write)
		if err := sysio.ShutdownWrite(b); err != nil {
			t.Fatal(err)
		}
		d.expect(a, all)
		d.watch(b, Read|Write)
		d.expectAll(map[int]Interest{a: all, b: Write})
	})
}

func TestClosedDescriptorIsRefused(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		closed, _ := pipePair(t)
		closeFD(closed)
		for _, fd := range []int{closed, -1, 1 << 30} {
			if err := d.Update(fd, 0, Read); !errors.Is(err, unix.EBADF) {
				t.Errorf("update fd %d: %v, want %v", fd, err, unix.EBADF)
			}
		}
		d.expectNothing()
	})
}

func TestRemovingClosedDescriptorIsNoError(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		r, _ := pipePair(t)
		d.watch(r, Read)
		d.expectNothing()
		closeFD(r)
		d.watch(r, 0)
		d.expectNothing()
	})
}

// An interface that learns of a descriptor which was closed while it was
// watched reports it, so that its owner finds out, and goes on with the others.
func TestClosedDescriptorIsReportedToItsOwner(t *testing.T) {
	for _, m := range []Method{pollMethod, selectMethod} {
		t.Run(m.Name, func(t *testing.T) {
			p, err := m.Open(Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			d := &driver{Poller: p, t: t, watched: make(map[int]Interest)}

			r, w := pipePair(t)
			victim, _ := socketPair(t)
			d.watch(r, Read)
			d.watch(victim, Read|Write)
			closeFD(victim)
			d.expect(victim, Read|Write)
			writeFD(t, w, []byte("data"))
			d.expectAll(map[int]Interest{r: Read, victim: Read | Write})
			d.watch(victim, 0)
			d.expect(r, Read)
		})
	}
}

// An interface with FeatureFDs takes regular files, which are always ready;
// another one must say that it does not.
func TestRegularFile(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		fd := regularFile(t)
		if _, err := unix.Pwrite(fd, []byte("data"), 0); err != nil {
			t.Fatal(err)
		}
		if d.Method().Features&FeatureFDs == 0 {
			if err := d.Update(fd, 0, Read); err == nil {
				t.Error("a regular file was accepted")
			}
			return
		}
		d.watch(fd, Read|Write)
		d.expect(fd, Read|Write)
		d.expect(fd, Read|Write)
	})
}

// At its end a file is ready as well, as a read that returns nothing does not wait.
func TestRegularFileIsReadableAtItsEnd(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		if d.Method().Features&FeatureFDs == 0 {
			t.Skip("no regular files")
		}
		fd := regularFile(t)
		a, b := socketPair(t)
		d.watch(a, Read)
		for _, in := range []Interest{Read, Read | Write, Write, Read} {
			d.watch(fd, in)
			d.expect(fd, in)
			d.expect(fd, in)
		}
		writeFD(t, b, []byte("data"))
		d.expectAll(map[int]Interest{fd: Read, a: Read})
		d.watch(fd, 0)
		d.expect(a, Read)
	})
}

func regularFile(t *testing.T) int {
	t.Helper()
	needsKernel(t)
	fd, err := unix.Open(filepath.Join(t.TempDir(), "file"), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, fd)
	return fd
}

// What is ready for ever is an edge once, each time that it is watched anew.
func TestEdgeOfWhatIsReadyForEverIsReportedOnce(t *testing.T) {
	eachPoller(t, func(t *testing.T, d *driver) {
		if d.Method().Features&FeatureET == 0 {
			t.Skip("no edge triggering")
		}
		r, w := pipePair(t)
		fds := []int{w}
		if d.Method().Features&FeatureFDs != 0 {
			fds = append(fds, regularFile(t))
		}
		closeFD(r)
		for _, fd := range fds {
			for range 2 {
				d.watch(fd, Write|Edge)
				d.expect(fd, Write)
				d.expectNothing()
				d.watch(fd, 0)
				d.expectNothing()
			}
			d.watch(fd, Write|Edge)
			d.watch(fd, 0)
			d.expectNothing()
		}
	})
}

func TestManyDescriptors(t *testing.T) {
	for _, count := range []int{2_000, 10_000} {
		t.Run(strconv.Itoa(count), func(t *testing.T) {
			eachPoller(t, func(t *testing.T, d *driver) {
				fds, writers := manyReaders(t, count)
				all := make(map[int]Interest)
				for _, fd := range fds {
					d.watch(fd, Read)
					all[fd] = Read
				}
				d.expectNothing()

				// One pipe of many.
				writeFD(t, writers[len(writers)/2], []byte("data"))
				one := make(map[int]Interest)
				first := len(writers) / 2 * copiesOfPipe
				for _, fd := range fds[first : first+copiesOfPipe] {
					one[fd] = Read
				}
				d.expectAll(one)

				for i, w := range writers {
					if i != len(writers)/2 {
						writeFD(t, w, []byte("data"))
					}
				}
				d.expectAll(all)

				// Without the last and every third.
				for i, fd := range fds {
					if i%3 == 0 || i == len(fds)-1 {
						d.watch(fd, 0)
						delete(all, fd)
					}
				}
				d.expectAll(all)
				for fd := range all {
					d.watch(fd, 0)
				}
				d.expectNothing()
			})
		})
	}
}

// copiesOfPipe is the number of descriptors that share a pipe in a test with
// many: each is watched for itself. Linux limits the copies of one file that
// an epoll within an epoll may hold to 500.
const copiesOfPipe = 100

// manyReaders returns so many descriptors to read from, and the pipes' other
// ends, each good for the next copiesOfPipe of them.
func manyReaders(t *testing.T, count int) (fds, writers []int) {
	t.Helper()
	for len(fds) < count {
		r, w := pipePair(t)
		writers = append(writers, w)
		fds = append(fds, r)
		for range copiesOfPipe - 1 {
			fds = append(fds, duplicate(t, r))
		}
	}
	return fds, writers
}

// duplicate returns a copy of fd, or skips the test when there can be no more
// descriptors.
func duplicate(t *testing.T, fd int) int {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		t.Skip("the system allows too few descriptors")
	}
	if err != nil {
		t.Fatalf("dup: %v", err)
	}
	closeAtEnd(t, fd)
	return fd
}

func TestCloseLeavesNoDescriptors(t *testing.T) {
	if leak.Descriptors() < 0 {
		t.Skip("this system does not tell how many descriptors are open")
	}
	for _, m := range Methods() {
		for _, set := range optionSets {
			before := leak.Descriptors()
			p, err := m.Open(set.options)
			if err != nil {
				t.Fatalf("%s: open: %v", m.Name, err)
			}
			if err := p.Wake(); err != nil {
				t.Errorf("%s: wake: %v", m.Name, err)
			}
			if err := p.Close(); err != nil {
				t.Errorf("%s: close: %v", m.Name, err)
			}
			if after := leak.Settled(leak.Descriptors, before); after != before {
				t.Errorf("%s with %+v: %d descriptors before, %d after", m.Name, set.options, before, after)
			}
		}
	}
}
