//go:build unix

package examples

import (
	"fmt"
	"syscall"
	"testing"
)

func TestSignalTestPrintsSignalsAndEnds(t *testing.T) {
	p := start(t, "signal-test", "-n", "4")
	p.expect(fmt.Sprintf("process %d waits for [hangup interrupt terminated %v %v]",
		p.cmd.Process.Pid, syscall.SIGUSR1, syscall.SIGUSR2))
	for i, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM} {
		p.signal(sig)
		p.expect(fmt.Sprintf("signal %d of 4: %v", i+1, sig))
	}
	p.ends(0)
}

func TestSignalTestEndsAfterThreeByDefault(t *testing.T) {
	p := start(t, "signal-test")
	p.lineAfter("process ")
	for i := 1; i <= 3; i++ {
		p.signal(syscall.SIGINT)
		p.expect(fmt.Sprintf("signal %d of 3: interrupt", i))
	}
	p.ends(0)
}
