package greeting

import (
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
)

func TestMessagesAreGoodWhenTheyWereSentAndCopied(t *testing.T) {
	for _, lines := range []int{1, 100} {
		var b evbuffer.Buffer
		var received, reply Greeting
		if err := New(lines).AppendTo(&b); err != nil {
			t.Fatal(err)
		}
		if err := received.Unmarshal(&b); err != nil {
			t.Fatal(err)
		}
		Copy(&reply, &received)
		if !Good(&reply, lines) || Good(&reply, lines+1) {
			t.Errorf("%d lines: %+v", lines, reply)
		}
	}
}
