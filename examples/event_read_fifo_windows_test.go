package examples

import (
	"strings"
	"testing"
)

func TestEventReadFIFOSaysThatItIsForUnix(t *testing.T) {
	p := start(t, "event-read-fifo")
	p.ends(2)
	if !strings.Contains(p.stderr.String(), "Windows has no FIFOs") {
		t.Errorf("stderr: %s", &p.stderr)
	}
}
