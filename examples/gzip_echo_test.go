package examples

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startGzipEcho starts gzip-echo and returns it with its address.
func startGzipEcho(t *testing.T, args ...string) (p *process, addr string) {
	t.Helper()
	p = start(t, "gzip-echo", append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	return p, p.lineAfter("listening on ")
}

// zipped compresses data as gzip does.
func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// exchangeZipped has data go to the server and come back, compressed.
func exchangeZipped(addr string, packed, data []byte) error {
	c, err := net.DialTimeout("tcp", addr, deadline)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		_, err := c.Write(packed)
		sent <- errors.Join(err, c.(*net.TCPConn).CloseWrite())
	}()
	r, err := gzip.NewReader(c)
	if err != nil {
		return errors.Join(err, <-sent)
	}
	got, err := io.ReadAll(r)
	if err = errors.Join(err, <-sent); err == nil && !bytes.Equal(got, data) {
		err = fmt.Errorf("%d bytes became %d", len(data), len(got))
	}
	return err
}

func TestGzipEcho(t *testing.T) {
	for _, args := range [][]string{nil, {"-level", "9"}, {"-trace", filepath.Join(t.TempDir(), "trace.pcapng")}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			_, addr := startGzipEcho(t, args...)
			var clients sync.WaitGroup
			for i := range 20 {
				data := append(randomData(byte(i), i*20000), bytes.Repeat([]byte("text "), i*20000)...)
				packed := zipped(t, data)
				clients.Go(func() {
					if err := exchangeZipped(addr, packed, data); err != nil {
						t.Errorf("client %d: %v", i, err)
					}
				})
			}
			clients.Wait()
		})
	}
}

// TestGzipEchoAnswersAtOnce has something come back before the client's stream has ended.
func TestGzipEchoAnswersAtOnce(t *testing.T) {
	_, addr := startGzipEcho(t)
	c, err := net.DialTimeout("tcp", addr, deadline)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(c)
	var r *gzip.Reader
	for i := range 10 {
		message := fmt.Sprintf("message %d", i)
		if _, err := w.Write([]byte(message)); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if r == nil {
			if r, err = gzip.NewReader(c); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, len(message))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != message {
			t.Fatalf("%q became %q, error %v", message, got, err)
		}
	}
}

// TestGzipEchoRefusesOtherThings says what is wrong, and serves on.
func TestGzipEchoRefusesOtherThings(t *testing.T) {
	p, addr := startGzipEcho(t)
	if err := exchangeZipped(addr, []byte("hello"), nil); err == nil {
		t.Error("it has an answer")
	}
	if said := p.message("gzip-echo: "); !strings.Contains(said, "corrupt data: no header of gzip") {
		t.Errorf("it said %q", said)
	}
	if err := exchangeZipped(addr, zipped(t, []byte("hello")), []byte("hello")); err != nil {
		t.Error(err)
	}
}

// TestGzipEchoWritesACapture looks into it with tcpdump.
func TestGzipEchoWritesACapture(t *testing.T) {
	tcpdump := peer(t, "tcpdump")
	file := filepath.Join(t.TempDir(), "trace.pcapng")
	p, addr := startGzipEcho(t, "-trace", file)
	if err := exchangeZipped(addr, zipped(t, []byte("hello")), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tcpdump, "-nn", "-r", file).Output()
	if err != nil || strings.Count(string(out), "Flags [P.]") < 2 || strings.Count(string(out), "Flags [F.]") != 2 {
		t.Errorf("tcpdump has %v, and says\n%s", err, out)
	}
}
