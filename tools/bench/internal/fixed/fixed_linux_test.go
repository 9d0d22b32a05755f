package fixed

import (
	"errors"
	"os"
	"testing"
)

// TestMain lets the test's program be the subject.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		if _, err := find(os.Args[1]); err == nil {
			if err := Run(os.Args[1:]); err != nil {
				os.Stderr.WriteString(err.Error())
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func TestEveryWorkIsDone(t *testing.T) {
	for _, w := range Works {
		t.Run(w.Label, func(t *testing.T) {
			err := withCertificate(func(variable string) error {
				_, err := drive([]string{os.Args[0]}, w, nil, variable)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSystemCallsOfAnEchoAreTwo(t *testing.T) {
	var cost Cost
	if err := cost.countRest(os.Args[0], Works[0]); err != nil {
		if errors.Is(err, ErrUnable) && os.Getenv("LIBEVENT_TEST_PEERS") != "require" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	const readAndWrite, loop = 2, 0.1
	if cost.Calls < readAndWrite || cost.Calls > readAndWrite+loop {
		t.Errorf("%g calls a message, want one to read and one to write", cost.Calls)
	}
	if cost.Allocations > loop {
		t.Errorf("%g allocations a message, want none", cost.Allocations)
	}
}

func TestSubjectsThatFailAreErrors(t *testing.T) {
	unknown := Work{Name: "naps", Label: "naps"}
	for _, command := range [][]string{{"/nonexistent"}, {"false"}, {os.Args[0], "-test.run=none"}} {
		if _, err := drive(command, unknown, nil); err == nil {
			t.Errorf("%q did the work", command)
		}
	}
}
