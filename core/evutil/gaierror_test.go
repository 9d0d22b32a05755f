package evutil_test

import (
	"net"
	"testing"

	"github.com/go-libevent/libevent/core/evutil"
)

var _ net.Error = evutil.GAIError(0)

var allGAIErrors = []evutil.GAIError{
	evutil.EAIAddrFamily, evutil.EAIAgain, evutil.EAIBadFlags, evutil.EAIFail, evutil.EAIFamily, evutil.EAIMemory,
	evutil.EAINoData, evutil.EAINoName, evutil.EAIService, evutil.EAISockType, evutil.EAISystem, evutil.EAICancel,
}

func TestGAIErrorTextsDiffer(t *testing.T) {
	seen := map[string]evutil.GAIError{}
	for _, err := range append(allGAIErrors, 0, -1, -900, 1) {
		text := err.Error()
		if other, ok := seen[text]; ok || text == "" {
			t.Errorf("%d and %d are both %q", int(err), int(other), text)
		}
		seen[text] = err
	}
	if got := evutil.GAIError(-900).Error(); got != "unknown getaddrinfo error -900" {
		t.Errorf("unknown code: %q", got)
	}
}

func TestGAIErrorTemporary(t *testing.T) {
	for _, err := range allGAIErrors {
		if want := err == evutil.EAIAgain; err.Temporary() != want {
			t.Errorf("%v: temporary is %t", err, !want)
		}
		if err.Timeout() {
			t.Errorf("%v is a timeout", err)
		}
	}
}

func TestAIFlagsAreDistinct(t *testing.T) {
	all := []evutil.AIFlags{evutil.AIPassive, evutil.AICanonName, evutil.AINumericHost, evutil.AINumericServ, evutil.AIV4Mapped, evutil.AIAll, evutil.AIAddrConfig}
	var seen evutil.AIFlags
	for _, f := range all {
		if f == 0 || seen&f != 0 {
			t.Errorf("%#x overlaps", int(f))
		}
		seen |= f
	}
}
