package messages_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/rpc/internal/messages"
)

var (
	oracleRounds = flag.Int("oracle.rounds", 20000, "messages to compare with C")
	oracleSeed   = flag.Uint64("oracle.seed", 1, "where to begin")
)

// refused is the length of an answer to what is no message.
const refused = 0xffffffff

// A difference is one from C that is known: what would come of the message if it were done
// here as C does it.
type difference struct {
	reason string
	asInC  func(m message)
}

// differences are all there are.
var differences = []difference{
	{"C ends strings at their first NUL", cutAtNUL},
}

// cutAtNUL ends strings where C does.
func cutAtNUL(m message) {
	switch m := m.(type) {
	case *messages.Everything:
		m.SetText(cut(m.Text()))
		if m.HasMaybeText() {
			m.SetMaybeText(cut(m.MaybeText()))
		}
		for i, s := range m.Texts() {
			m.Texts()[i] = cut(s)
		}
		for _, part := range append(m.Parts(), m.One()) {
			cutAtNUL(part)
		}
		if m.HasMaybeOne() {
			cutAtNUL(m.MaybeOne())
		}
	case *messages.Node:
		if m.HasName() {
			m.SetName(cut(m.Name()))
		}
		if m.HasNext() {
			cutAtNUL(m.Next())
		}
		for _, child := range m.Children() {
			cutAtNUL(child)
		}
	case *messages.Part:
		m.SetName(cut(m.Name()))
	}
}

func cut(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return s
}

// TestSameAsC has random messages decoded and encoded by C: what comes back is what was sent.
func TestSameAsC(t *testing.T) {
	r := rand.New(rand.NewPCG(*oracleSeed, 1))
	d := startDriver(t)
	for range rounds() {
		kind, m := randomMessage(r)
		sent := encode(t, m)
		if theirs := d.recode(t, byte(kind), sent); !bytes.Equal(theirs, sent) {
			t.Fatalf("type %d: ours % x, C's % x", kind, sent, theirs)
		}
	}
}

// TestWhatIsRefusedIsWhatCRefuses decodes messages with small faults here and in C: both
// refuse them, or encode the same.
func TestWhatIsRefusedIsWhatCRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(*oracleSeed, 2))
	d := startDriver(t)
	taken, seen := 0, make([]int, len(differences))
	for range rounds() {
		kind, m := randomMessage(r)
		sent := damage(r, encode(t, m))
		theirs := d.recode(t, byte(kind), sent)
		var ours []byte
		again := newMessages[kind]()
		err := decode(t, again, sent, r.IntN(len(sent)+1))
		if err == nil {
			ours = encode(t, again)
			taken++
		}
		if bytes.Equal(ours, theirs) && (ours == nil) == (theirs == nil) {
			continue
		}
		i := slices.IndexFunc(differences, func(d difference) bool {
			if err == nil {
				d.asInC(again)
			}
			return err == nil && theirs != nil && bytes.Equal(encode(t, again), theirs)
		})
		if i < 0 {
			t.Fatalf("type %d of % x: ours %v % x, C's %v % x", kind, sent, err, ours, theirs != nil, theirs)
		}
		seen[i]++
	}
	t.Logf("%d of %d were taken", taken, rounds())
	for i, d := range differences {
		t.Logf("%d times: %s", seen[i], d.reason)
	}
}

// TestGeneratorsReadTheSameFiles has C's generator read the files of the tests.
func TestGeneratorsReadTheSameFiles(t *testing.T) {
	dir := generateC(t)
	for _, name := range []string{"messages", "messages_part"} {
		if _, err := os.Stat(filepath.Join(dir, name+".gen.h")); err != nil {
			t.Error(err)
		}
	}
}

// rounds returns how many messages there are: fewer where each takes long.
func rounds() int {
	if testing.Short() || raceEnabled {
		return *oracleRounds / 10
	}
	return *oracleRounds
}

// A driver is the program in C.
type driver struct {
	in  io.Writer
	out *bufio.Reader
}

// recode has C decode and encode a message. It returns nil if that was refused.
func (d *driver) recode(t testing.TB, kind byte, p []byte) []byte {
	t.Helper()
	d.send(t, kind, p)
	n := d.read32(t)
	if n == refused {
		return nil
	}
	theirs := make([]byte, n)
	_, err := io.ReadFull(d.out, theirs)
	ok(t, err)
	return theirs
}

func (d *driver) send(t testing.TB, kind byte, p []byte) {
	t.Helper()
	request := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(p)))
	_, err := d.in.Write(append(request, p...))
	ok(t, err)
}

func (d *driver) read32(t testing.TB) uint32 {
	t.Helper()
	var p [4]byte
	_, err := io.ReadFull(d.out, p[:])
	ok(t, err)
	return binary.LittleEndian.Uint32(p[:])
}

// startDriver builds and starts the program in C.
func startDriver(t testing.TB) *driver {
	t.Helper()
	dir := generateC(t)
	driverC, err := filepath.Abs("testdata/driver.c")
	ok(t, err)
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	build := exec.Command(cc, "-O2", "-I.", "-o", "driver", driverC, "messages.gen.c", "messages_part.gen.c", "-levent_extra", "-levent_core")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		missing(t, "a C compiler and libevent", err, out)
	}
	cmd := exec.Command(filepath.Join(dir, "driver"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	ok(t, err)
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	t.Cleanup(func() {
		ok(t, in.Close())
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &driver{in, bufio.NewReader(out)}
}

// generateC has C's generator write its code to a folder, which it returns.
func generateC(t testing.TB) (dir string) {
	t.Helper()
	if runtime.GOOS == "windows" { // where the programs may be those of the system below
		t.Skip("needs event_rpcgen.py")
	}
	generator := os.Getenv("LIBEVENT_RPCGEN")
	if generator == "" {
		path, err := exec.LookPath("event_rpcgen.py")
		if err != nil {
			missing(t, "event_rpcgen.py, which LIBEVENT_RPCGEN names", err, nil)
		}
		generator = path
	}
	dir = t.TempDir() // which Wine, where all of this is skipped, could not remove
	for _, name := range []string{"messages", "messages_part"} {
		text, err := os.ReadFile(name + ".rpc")
		ok(t, err)
		ok(t, os.WriteFile(filepath.Join(dir, name+".rpc"), text, 0o600))
		cmd := exec.Command("python3", generator, "--quiet", name+".rpc")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			missing(t, "python3 and event_rpcgen.py", err, out)
		}
	}
	return dir
}

// missing skips a test, or fails it where nothing may be missing.
func missing(t testing.TB, what string, err error, out []byte) {
	t.Helper()
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf("needs %s: %v\n%s", what, err, out)
	}
	t.Skipf("needs %s: %v", what, err)
}
