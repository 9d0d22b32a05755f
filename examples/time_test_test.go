package examples

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestTimeTestPrintsSoManyIntervals(t *testing.T) {
	for name, flags := range map[string][]string{
		"added anew": nil,
		"persistent": {"-p"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, "time-test", append(flags, "-n", "3", "-interval", "2ms")...)
			for i := 1; i <= 3; i++ {
				text := p.lineAfter(fmt.Sprintf("expiry %d: ", i))
				interval, err := time.ParseDuration(strings.TrimSuffix(text, " after the last"))
				if err != nil || interval <= 0 {
					t.Errorf("interval %q: %v", text, err)
				}
			}
			if rest := p.ends(0); rest != "" {
				t.Errorf("also printed %q", rest)
			}
		})
	}
}

func TestTimeTestGoesOnUntilInterrupt(t *testing.T) {
	p := start(t, "time-test", "-interval", "1ms")
	p.lineAfter("expiry 1: ")
	p.signal(os.Interrupt)
	if rest := p.ends(0); !strings.HasSuffix(rest, "\ninterrupted\n") && rest != "interrupted\n" {
		t.Errorf("printed %q at the end", rest)
	}
}
