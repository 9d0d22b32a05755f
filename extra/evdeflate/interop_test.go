package evdeflate_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/extra/evdeflate"
)

// Programs for python3 that deflate and inflate standard input.
const (
	pythonPack   = "import sys, zlib; c = zlib.compressobj(%s); d = sys.stdin.buffer.read(); o = sys.stdout.buffer; o.write(c.compress(d[:len(d)//2]) + c.flush(zlib.Z_SYNC_FLUSH) + c.compress(d[len(d)//2:]) + c.flush())"
	pythonUnpack = "import sys, zlib; d = zlib.decompressobj(%s); o = d.decompress(sys.stdin.buffer.read()); sys.stdout.buffer.write(o); sys.exit(0 if d.eof and not d.unused_data else 1)"
)

// TestPeers exchanges data with other programs, in both directions.
func TestPeers(t *testing.T) {
	python := func(program string, window string) []string {
		return []string{"python3", "-c", string(bytes.ReplaceAll([]byte(program), []byte("%s"), []byte(window)))}
	}
	for _, peer := range []struct {
		name         string
		format       evdeflate.Format
		windowBits   int
		pack, unpack []string
	}{
		{"gzip", evdeflate.Gzip, 15, []string{"gzip", "-c"}, []string{"gzip", "-dc"}},
		{"gzip -9", evdeflate.Gzip, 15, []string{"gzip", "-9c"}, []string{"gzip", "-dc"}},
		{"pigz", evdeflate.Gzip, 15, []string{"pigz", "-c", "-b", "128"}, []string{"pigz", "-dc"}},
		{"pigz zlib", evdeflate.Zlib, 15, []string{"pigz", "-zc"}, []string{"pigz", "-dc"}},
		{"python zlib", evdeflate.Zlib, 15, python(pythonPack, "6, zlib.DEFLATED, 15"), python(pythonUnpack, "15")},
		{"python zlib, window of 512 bytes", evdeflate.Zlib, 9, python(pythonPack, "9, zlib.DEFLATED, 9"), python(pythonUnpack, "9")},
		{"python raw", evdeflate.Raw, 15, python(pythonPack, "6, zlib.DEFLATED, -15"), python(pythonUnpack, "-15")},
		{"python raw, window of 4 kB", evdeflate.Raw, 12, python(pythonPack, "6, zlib.DEFLATED, -12"), python(pythonUnpack, "-12")},
		{"python gzip", evdeflate.Gzip, 15, python(pythonPack, "6, zlib.DEFLATED, 31"), python(pythonUnpack, "31")},
	} {
		t.Run(peer.name, func(t *testing.T) {
			all := texts()
			for name, data := range map[string][]byte{"nothing": nil, "several texts": slices.Concat(all["hello"], all["words"], all["far"], all["zeros"])} {
				in := newInflater(t, evdeflate.InflateConfig{Format: peer.format, WindowBits: peer.windowBits, MaxRatio: -1})
				out, rest, _ := inflate(t, in, pipe(t, peer.pack, data), random(12))
				if err := in.Finish(); err != nil || !bytes.Equal(out, data) || len(rest) > 0 {
					t.Errorf("%s: %d bytes of %d, %d left, error %v", name, len(out), len(data), len(rest), err)
				}
				for _, level := range []int{evdeflate.DefaultLevel, 9} {
					d := newDeflater(t, evdeflate.DeflateConfig{Format: peer.format, WindowBits: peer.windowBits, Level: level})
					packed := deflate(t, d, data, random(13), sometimes(14), evdeflate.Finish)
					if !bytes.Equal(pipe(t, peer.unpack, packed), data) {
						t.Errorf("%s, level %d: other data", name, level)
					}
				}
			}
		})
	}
}

// pipe sends data through a program.
func pipe(t *testing.T, command []string, data []byte) []byte {
	t.Helper()
	path, err := exec.LookPath(command[0])
	if err != nil {
		if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
			t.Fatal(err)
		}
		t.Skip("needs ", command[0], ": ", err)
	}
	cmd := exec.CommandContext(t.Context(), path, command[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v: %s", command, err, &said)
	}
	return out
}
