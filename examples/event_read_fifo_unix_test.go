//go:build unix

package examples

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// startFIFO starts event-read-fifo and returns it with the path of its FIFO.
func startFIFO(t *testing.T) (p *process, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	p = start(t, "event-read-fifo", "-fifo", path)
	p.expect("write to " + path)
	return p, path
}

func checkGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

func TestEventReadFIFOPrintsWhatIsWritten(t *testing.T) {
	p, path := startFIFO(t)
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, text := range []string{"hello\n", "a second time"} {
		if _, err := w.WriteString(text); err != nil {
			t.Fatal(err)
		}
		p.expect(fmt.Sprintf("read %q", text))
	}
	w.Close()
	p.expect("end of file")
	p.ends(0)
	checkGone(t, path)
}

func TestEventReadFIFOEndsOnInterrupt(t *testing.T) {
	p, path := startFIFO(t)
	p.signal(os.Interrupt)
	p.ends(0)
	checkGone(t, path)
}

func TestEventReadFIFOLeavesOtherFilesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "event-read-fifo", "-fifo", path).ends(1)
	if got, err := os.ReadFile(path); err != nil || string(got) != "precious" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}
