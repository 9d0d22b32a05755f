package evutil

import (
	"os"
	"testing"
)

// checkDescriptors fails the test if it ends with more or fewer descriptors
// than there are now. Clean-ups that come later run before the check.
func checkDescriptors(t *testing.T) {
	t.Helper()
	before := countDescriptors(t)
	t.Cleanup(func() {
		if after := countDescriptors(t); after != before {
			t.Errorf("%d descriptors before the test, %d after it", before, after)
		}
	})
}

func countDescriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("cannot count descriptors: ", err)
	}
	return len(entries)
}
