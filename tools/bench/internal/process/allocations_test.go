package process

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// objects keeps what a test allocates.
var objects []*[1000]byte

func TestEachLineIsAnsweredWithTheAllocationsSoFar(t *testing.T) {
	var counts [2]int
	for i := range counts {
		var out bytes.Buffer
		if err := AnswerAllocations(strings.NewReader("\n"), &out); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanln(out.String(), &counts[i]); err != nil {
			t.Fatalf("answer %q: %v", out.String(), err)
		}
		for range 1000 {
			objects = append(objects, new([1000]byte))
		}
	}
	if n := counts[1] - counts[0]; n < 1000 {
		t.Errorf("%d objects were counted, want a thousand at least", n)
	}
}

func TestAnswersEndWithTheInput(t *testing.T) {
	var out bytes.Buffer
	if err := AnswerAllocations(strings.NewReader(""), &out); err != nil || out.Len() > 0 {
		t.Errorf("answer %q, %v, want none", out.String(), err)
	}
}
