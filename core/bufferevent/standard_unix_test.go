//go:build unix

package bufferevent_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/sysio"
	"golang.org/x/sys/unix"
)

// TestMain lets the test program take over its standard streams when it is run
// again for that.
func TestMain(m *testing.M) {
	if os.Getenv("LIBEVENT_TEST_STANDARD") != "" {
		os.Exit(takeStandardStreams())
	}
	os.Exit(m.Run())
}

// takeStandardStreams makes bufferevents of the standard streams, copies the input to
// the output, and reports on standard error which numbers new descriptors get.
func takeStandardStreams() int {
	base, err := event.NewBase()
	if err != nil {
		return 1
	}
	in, err := bufferevent.FromFile(base, os.Stdin, 0)
	if err != nil {
		return 2
	}
	out, err := bufferevent.FromFile(base, os.Stdout, 0)
	if err != nil {
		return 3
	}
	if _, err := bufferevent.FromFile(base, os.Stderr, 0); err != nil {
		return 4
	}
	for range 3 {
		fd, err := sysio.Socket(unix.AF_INET, sysio.Mode{})
		if err != nil || fd <= 2 {
			return 5
		}
	}
	if in.FD() <= 2 || out.FD() <= 2 {
		return 6
	}
	in.SetCallbacks(func(b *bufferevent.Bufferevent) { _ = out.WriteBuffer(b.Input()) }, nil,
		func(*bufferevent.Bufferevent, bufferevent.Events) {
			out.FreeWhenWrittenFunc(0, func(error) { base.LoopBreak() })
		})
	if err := in.Enable(event.Read); err != nil {
		return 7
	}
	if err := base.Dispatch(); err != nil {
		return 8
	}
	if _, err := os.Stderr.WriteString("still here\n"); err != nil {
		return 9
	}
	_, _ = io.Copy(io.Discard, os.NewFile(3, "gate")) // until the other end has seen the end
	return 0
}

// The numbers of standard streams that were taken over are not free for the next
// socket, and freeing the bufferevent ends the stream all the same.
func TestFromFileOfStandardStreams(t *testing.T) {
	// Now and then the emulator does not come back from the attempt.
	if name, err := os.ReadFile("/proc/self/comm"); err == nil && strings.HasPrefix(string(name), "qemu-") {
		t.Skip("the system cannot run this program without the emulator")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LIBEVENT_TEST_STANDARD=1")
	gate, release, err := os.Pipe()
	ok(t, err)
	defer gate.Close()
	defer release.Close()
	cmd.ExtraFiles = []*os.File{gate}
	stdin, err := cmd.StdinPipe()
	ok(t, err)
	stdout, err := cmd.StdoutPipe()
	ok(t, err)
	stderr, err := cmd.StderrPipe()
	ok(t, err)
	ok(t, cmd.Start())
	ok(t, gate.Close())
	_, err = io.WriteString(stdin, "hello")
	ok(t, err)
	ok(t, stdin.Close())
	all, err := io.ReadAll(stdout) // ends while the program still runs
	ok(t, err)
	want(t, "what came through", string(all), "hello")
	line, err := bufio.NewReader(stderr).ReadString('\n')
	ok(t, release.Close())
	if waited := cmd.Wait(); waited != nil {
		t.Fatal(waited)
	}
	ok(t, err)
	want(t, "standard error", line, "still here\n")
}
