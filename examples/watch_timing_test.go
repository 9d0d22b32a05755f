package examples

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var totals = regexp.MustCompile(
	`\n[1-9][0-9]* iterations: .* of waits, .* of [1-9][0-9]* callbacks, the slowest .*\n$`)

func TestWatchTimingReportsAfterItsTime(t *testing.T) {
	p := start(t, "watch-timing", "-d", "100ms", "-timers", "10")
	p.lineAfter("measuring ")
	p.lineAfter("load: 10 timers expired ")
	report := p.ends(0)
	for _, title := range []string{"waits for events", "callbacks between two waits", "single callbacks"} {
		_, histogram, _ := strings.Cut(report, "\n"+title+":\n")
		if !strings.HasPrefix(histogram, "  < ") {
			t.Errorf("no histogram of %s in:\n%s", title, report)
		}
	}
	if !totals.MatchString(report) {
		t.Errorf("no totals at the end of:\n%s", report)
	}
}

func TestWatchTimingReportsOnInterrupt(t *testing.T) {
	p := start(t, "watch-timing", "-d", "1h")
	p.lineAfter("measuring ")
	p.signal(os.Interrupt)
	p.lineAfter("load: 100 timers expired ")
	if report := p.ends(0); !totals.MatchString(report) {
		t.Errorf("no totals at the end of:\n%s", report)
	}
}
