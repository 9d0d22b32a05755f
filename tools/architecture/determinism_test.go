package architecture

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// What is not the same in each run is found, wherever it stands.
func TestChanceIsFound(t *testing.T) {
	for code, want := range map[string]string{
		`func f() time.Time { return time.Now() }`:                                                                           `"wire.f: time.Now" is not allowed`,
		`func f(t time.Time) any { return time.Since(t) }`:                                                                   `"wire.f: time.Since" is not allowed`,
		`type t struct{}; func (*t) m() { time.AfterFunc(0, nil) }`:                                                          `"wire.t.m: time.AfterFunc" is not allowed`,
		`type t[A any] struct{}; func (t[A]) m() { time.NewTimer(0) }`:                                                       `"wire.t.m: time.NewTimer" is not allowed`,
		`var clock = time.Now`:                                                                                               `"wire.declarations: time.Now" is not allowed`,
		`func f() time.Time { return time.Unix(0, 0).Add(time.Second) }`:                                                     "",
		`func allowed() time.Time { return time.Now() }`:                                                                     "",
		`func f() int { return rand.IntN(2) }`:                                                                               `"wire.f: math/rand/v2.IntN" is not allowed`,
		`func f() int { return rand.New(rand.NewPCG(1, 2)).IntN(2) }`:                                                        "",
		`func f(r *rand.Rand) int { return r.IntN(2) }`:                                                                      "",
		`func f(p []byte) { crypto.Read(p) }`:                                                                                `"wire.f: crypto/rand.Read" is not allowed`,
		`func f() any { return maphash.MakeSeed() }`:                                                                         `"wire.f: hash/maphash.MakeSeed" is not allowed`,
		`func f(m map[int]int) { for range m {} }`:                                                                           "visits a map",
		`func f[M ~map[int]int](m M) { for range m {} }`:                                                                     "visits a map",
		`type set map[int]bool; func f(s set) { for k := range s { delete(s, k) } }`:                                         "visits a map",
		`func f(m map[int]int) []int { return slices.Collect(maps.Keys(m)) }`:                                                "visits a map",
		`func f(m map[int]int) []int { return slices.Sorted(maps.Keys(m)) }`:                                                 "",
		`func f(m *sync.Map) { m.Range(nil) }`:                                                                               "visits a map",
		`type t struct{ sync.Pool }`:                                                                                         `"wire.declarations: sync.Pool" is not allowed`,
		`func f() int { return runtime.NumCPU() }`:                                                                           `"wire.f: runtime.NumCPU" is not allowed`,
		`func f() { runtime.Gosched() }`:                                                                                     "",
		`func f(s []int) { for range s {} }`:                                                                                 "",
		"func f(m map[int]int) {\n\tfor k := range m { // in any order: all are deleted\n\t\tdelete(m, k)\n\t}\n}":           "",
		"func f(m map[int]int) {\n\t// All are deleted, in any\n\t// order.\n\tfor k := range m {\n\t\tdelete(m, k)\n\t}\n}": "",
		"func f(m map[int]int) {\n\t// In any order.\n\n\tfor range m {\n\t}\n}":                                             "visits a map",
		`func f(a, b chan int) { select { case <-a: case b <- 1: } }`:                                                        "chooses among channels",
		`func f(a chan int) { select { case <-a: default: } }`:                                                               "",
	} {
		p := program(t, "-- wire/wire.go --\npackage wire\n\nimport (\n\tcrypto \"crypto/rand\"\n\t\"hash/maphash\"\n\t\"maps\"\n\t\"math/rand/v2\"\n\t\"runtime\"\n\t\"slices\"\n\t\"sync\"\n\t\"time\"\n)\n\n"+
			"var _, _ = slices.Max[[]int], maps.Equal[map[int]int, map[int]int]\nvar _ sync.Mutex\nvar _ maphash.Hash\nvar _ rand.Rand\nvar _ time.Time\nvar _ = crypto.Reader\nvar _ runtime.Error\nfunc usual() time.Time { return time.Now() }\n"+code+"\n")
		allowed := Chance{
			"wire.declarations: crypto/rand.Reader": "it is there to be imported",
			"wire.usual: time.Now":                  "a test",
		}
		if strings.Contains(code, "func allowed") {
			allowed["wire.allowed: time.Now"] = "a test"
		}
		problems := p.CheckChance([]string{"wire"}, allowed)
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || !strings.Contains(problems[0], want)) {
			t.Errorf("%s: problems %q, want %q", code, problems, want)
		}
	}
}

func TestLeaveForChanceThatDoesNotHappenIsMissed(t *testing.T) {
	p := program(t, "-- wire/wire.go --\npackage wire\n\nfunc f() {}\n")
	problems := p.CheckChance([]string{"gone", "wire"}, Chance{"wire.f: time.Now": "it was so"})
	want := []string{
		`"wire.f: time.Now" is allowed, but does not happen`,
		"gone is to be checked, but there is no such package",
	}
	if !slices.Equal(problems, want) {
		t.Errorf("problems %q, want %q", problems, want)
	}
}

// onTheWire are the packages whose code decides what is sent, and when, in a simulated
// network.
var onTheWire = []string{
	"core/event", "core/evbuffer", "core/datagram", "core/bridge", "core/bufferevent", "core/listener", "core/evutil",
	"core/internal/simnet",
	"openssl/evtls", "openssl/internal/blocking",
	"dns/evdns", "dns/evdnsserver", "dns/internal/dnswire", "dns/internal/list",
	"extra/evdeflate", "extra/evfilter", "extra/evproxy", "extra/evtag",
	"http/evhttp", "http/evfile", "http/evnethttp", "http/evuri", "http/internal/ascii", "http/internal/cond", "http/internal/filepart",
	"http/internal/message", "http/internal/route", "http/internal/wire",
	"rpc/evrpc",
}

// chance is what of these may differ from run to run, and why that does no harm.
var chance = Chance{
	"extra/evdeflate.declarations: sync.Pool":    "compressors, windows and trees; each begins anew when it is taken, so that it makes no difference which one it is",
	"core/event.clock.init: time.Since":          "it is the clock of bases, from the poller's epoch on, which a network has in its bubble",
	"core/event.clock.wallNow: time.Now":         "the date, which in a bubble is that of the network",
	"core/bridge.deadline.set: time.Now":         "deadlines of net.Conn are dates; they end the wait of a goroutine",
	"core/bridge.deadline.set: time.Until":       "the same",
	"core/bridge.deadline.passed: time.Now":      "the same",
	"core/bridge.deadline.start: time.Until":     "the same",
	"core/bridge.deadline.start: time.AfterFunc": "the same",

	"core/evutil.declarations: time.Now":                 "the first result of a MonotonicTimer in a bubble is 0",
	"core/evutil.runtimeClock: time.Since":               "what the user of a MonotonicTimer wants to know",
	"core/evutil.wallClock: time.Now":                    "the same",
	"core/evutil.SecureRandomBytes: crypto/rand.Read":    "testing/cryptotest seeds the source",
	"http/internal/cond.NewRangeParts: crypto/rand.Text": "testing/cryptotest seeds the source; the length is always the same",
	"core/internal/simnet.schedule.init: time.NewTimer":  "it is the clock of the network that sleeps",

	// A body that a net/http client sends is read by goroutines, which wait for them in
	// real time; in a bubble that is the network's.
	"http/evnethttp.upload.probe: time.NewTimer":       "how long a body may take for its first byte",
	"http/evnethttp.upload.waitForRead: time.NewTimer": "how long a body that is not wanted any more may be read",
	"http/evnethttp.upload.closeLater: time.AfterFunc": "the same",

	"core/evbuffer.declarations: sync.Pool":    "all memory of a pool has the same size",
	"core/bufferevent.declarations: sync.Pool": "the buffers in it are empty",
	"openssl/evtls.declarations: sync.Pool":    "the memory in it is written to before it is read, and of one size",
}

func TestWhatIsSentIsNotLeftToChance(t *testing.T) {
	report(t, loadLibraries(t).CheckChance(onTheWire, chance), nil)
}

// The files for other systems decide, too, in the packages that have such files.
func TestWhatIsSentIsNotLeftToChanceElsewhere(t *testing.T) {
	packages := []string{"core/event", "core/datagram", "core/bufferevent", "core/listener", "core/evutil"}
	for _, system := range []string{"linux", "windows", "darwin"} {
		if system == runtime.GOOS {
			continue
		}
		var patterns []string
		for _, pkg := range packages {
			patterns = append(patterns, "./"+pkg)
		}
		p, err := LoadFor(system, root, patterns...)
		if err != nil {
			t.Fatal(err)
		}
		problems := slices.DeleteFunc(p.CheckChance(packages, chance), func(problem string) bool {
			return strings.HasSuffix(problem, "is allowed, but does not happen") // here
		})
		report(t, problems, nil)
	}
}
