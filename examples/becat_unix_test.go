//go:build unix

package examples

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// What shares a pipe with becat, such as the next command of a script, finds it
// as it was.
func TestBecatLeavesPipesBlocking(t *testing.T) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	r, w := os.NewFile(uintptr(fds[0]), "pipe"), os.NewFile(uintptr(fds[1]), "pipe")
	defer r.Close()
	p, conn := startCat(t, r)
	if _, err := w.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := errors.Join(receive(conn, []byte("hello")), conn.CloseWrite()); err != nil {
		t.Error(err)
	}
	p.ends(0)
	flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("flags of the pipe %#x, %v", flags, err)
	}
}

func TestBecatSaysWhenItsInputCannotBeRead(t *testing.T) {
	dir, err := os.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	p, _ := startCat(t, dir)
	p.ends(1)
	if got := p.stderr.String(); got != "becat: read /dev/stdin: is a directory\n" {
		t.Errorf("stderr %q", got)
	}
}
