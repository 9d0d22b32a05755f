package process

import (
	"os"
	"testing"
)

func TestProcessesAreMeasured(t *testing.T) {
	used, err := CPU(os.Getpid())
	if err != nil || used <= 0 {
		t.Errorf("CPU() = %v, %v, want some time", used, err)
	}
	resident, err := Resident(os.Getpid())
	if err != nil || resident < 1<<20 {
		t.Errorf("Resident() = %d, %v, want a megabyte at least", resident, err)
	}
	const nobody = 1 << 22 // beyond the largest that Linux gives
	if _, err := CPU(nobody); err == nil {
		t.Error("there is the time of a process that is not there")
	}
	if _, err := Resident(nobody); err == nil {
		t.Error("there is the memory of a process that is not there")
	}
}
