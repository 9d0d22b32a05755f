//go:build unix

// Event-read-fifo makes a FIFO and prints what is written to it, until the
// writer closes it. It shows an event on a descriptor that is no socket:
//
//	go run ./event-read-fifo
//	echo hello >event.fifo
//
// Control-C ends it, too. Windows has no FIFOs; there it says so and exits with
// code 2.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/output"
	"golang.org/x/sys/unix"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("event-read-fifo: ")
	path := flag.String("fifo", "event.fifo", "make the FIFO at this `path`")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := errors.Join(run(*path), output.Err()); err != nil {
		log.Fatal(err)
	}
}

func run(path string) error {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	defer func() { _ = os.Remove(path) }() // it may be gone already
	// Without O_NONBLOCK, open would wait for a writer.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)

	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	var failed error
	fifo, err := base.NewEvent(fd, event.Read|event.Persist, func(*event.Event, event.What) {
		var done bool
		if done, failed = readFIFO(fd); done {
			base.LoopBreak()
		}
	})
	if err != nil {
		return err
	}
	if err := fifo.Add(); err != nil {
		return err
	}
	interrupt, err := base.NewSignal(syscall.SIGINT, func(*event.Event, event.What) { base.LoopBreak() })
	if err != nil {
		return err
	}
	if err := interrupt.Add(); err != nil {
		return err
	}

	output.Println("write to", path)
	if err := output.Err(); err != nil {
		return err
	}
	if err := base.Dispatch(); err != nil {
		return err
	}
	return failed
}

// readFIFO prints what there is to read and reports whether that was all.
func readFIFO(fd int) (done bool, err error) {
	var buf [4096]byte
	n, err := unix.Read(fd, buf[:])
	switch {
	case evutil.IsRetriable(err):
		return false, nil
	case err != nil:
		return true, fmt.Errorf("read: %w", err)
	case n == 0:
		output.Println("end of file")
		return true, nil
	default:
		output.Printf("read %q\n", buf[:n])
		return false, nil
	}
}
