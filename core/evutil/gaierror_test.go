package evutil

import (
	"net"
	"testing"
)

var _ net.Error = GAIError(0)

var allGAIErrors = []GAIError{
	EAIAddrFamily, EAIAgain, EAIBadFlags, EAIFail, EAIFamily, EAIMemory,
	EAINoData, EAINoName, EAIService, EAISockType, EAISystem, EAICancel,
}

func TestGAIErrorTextsDiffer(t *testing.T) {
	seen := map[string]GAIError{}
	for _, err := range append(allGAIErrors, 0, -1, -900, 1) {
		text := err.Error()
		if other, ok := seen[text]; ok || text == "" {
			t.Errorf("%d and %d are both %q", int(err), int(other), text)
		}
		seen[text] = err
	}
	if got := GAIError(-900).Error(); got != "unknown getaddrinfo error -900" {
		t.Errorf("unknown code: %q", got)
	}
}

func TestGAIErrorTemporary(t *testing.T) {
	for _, err := range allGAIErrors {
		if want := err == EAIAgain; err.Temporary() != want {
			t.Errorf("%v: temporary is %t", err, !want)
		}
		if err.Timeout() {
			t.Errorf("%v is a timeout", err)
		}
	}
}

func TestAIFlagsAreDistinct(t *testing.T) {
	all := []AIFlags{AIPassive, AICanonName, AINumericHost, AINumericServ, AIV4Mapped, AIAll, AIAddrConfig}
	var seen AIFlags
	for _, f := range all {
		if f == 0 || seen&f != 0 {
			t.Errorf("%#x overlaps", int(f))
		}
		seen |= f
	}
}
